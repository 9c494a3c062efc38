"""Security of connections: addresses that may be spoken to in clear, and the TLS settings of all others.

Purpose: the one place that decides whether an address is loopback, and the one place that makes a TLS context.
Called by: `connectors.adapters.cluster`, `connectors.adapters.broker_handshake`, `connectors.adapters.bearer_token`,
`connectors.adapters.principal_file`, `connectors.adapters.registry_access`, `connectors.adapters.registry_client`;
`amana.settings`, `amana.site` and `amana.provisioning`.

Invariants:
- Only a literal loopback address or the name `localhost` may be spoken to in clear. A name that resolves to such an
  address is not loopback: whoever answers for the name can change the answer.
- Every context asks for TLS 1.3 or later, a certificate that is valid now, and one that names the host.
- Everything is refused before a byte is sent.

Source: RFC 8446 (TLS 1.3), RFC 9525 (names in certificates), RFC 6761 (`localhost`).
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "CLEAR",
    "PROTOCOLS",
    "SYSTEM",
    "TLS",
    "Trust",
    "addresses",
    "certificate_fault",
    "default_protocol",
    "http_client",
    "is_loopback",
    "require_protocol",
]

CLEAR: Final = "SASL_PLAINTEXT"
"""Kafka's name of the protocol without TLS; for loopback addresses alone."""

TLS: Final = "SASL_SSL"
"""Kafka's name of the protocol with TLS."""

PROTOCOLS: Final = (CLEAR, TLS)

_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_LARGEST_PORT: Final = 65_535
_OF_CLIENT: Final = re.compile("ALERT.*(CERTIFICATE|UNKNOWN_CA)")
"""OpenSSL's reason where a server refuses the certificate of the client, or misses one."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Files by which two ends of a TLS connection know one another.

    Args:
        ca: certificates of the authorities that are trusted, PEM; None trusts the system's.
        certificate: certificate of this client, PEM, for servers that ask for one.
        key: its private key, PEM and not encrypted; None if the certificate's file holds it.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return a context for clients: TLS 1.3, certificate and host name checked.

        Raises:
            ConfigurationError: CFG-212, a file is missing or is not what it must be; CFG-006, others can read the key.
        """
        # `create_default_context` would write the keys of every connection to the file that SSLKEYLOGFILE names.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        try:
            if self.ca is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(self.ca)
        except (OSError, ValueError) as error:
            raise ConfigurationError("CFG-212", f"{self.ca} holds no certificates that can be read") from error
        self._identify(context)
        return context

    def _identify(self, context: ssl.SSLContext) -> None:
        """Load the client's certificate and key, if there are any."""
        if self.certificate is None:
            if self.key is not None:
                raise ConfigurationError("CFG-212", f"{self.key} is the key of no certificate: name both")
            return
        secret = self.key or self.certificate
        try:
            exposed = secret.stat().st_mode & 0o077
            # Without a function that gives the password, OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self.certificate, self.key, password=_refuse_password)
        except (OSError, ValueError) as error:
            message = f"{self.certificate} and {secret} are not a certificate and its key"
            raise ConfigurationError("CFG-212", message) from error
        if exposed and os.name == "posix":  # other systems have access lists in place of these bits
            raise ConfigurationError("CFG-006", f"{secret} can be read by other users: chmod 600")


SYSTEM: Final = Trust()
"""The authorities of the system, and no certificate of one's own."""


def addresses(bootstrap: str) -> Iterator[tuple[str, int]]:
    """Yield host and port of every broker address of a comma-separated list; none of an empty one.

    Raises:
        ConfigurationError: CFG-213, an address is not of the form HOST:PORT.
    """
    for address in bootstrap.split(",") if bootstrap else ():
        match = _ADDRESS.fullmatch(address)
        if match is None or int(match[3]) > _LARGEST_PORT:
            raise ConfigurationError("CFG-213", "a broker address is not of the form HOST:PORT, without spaces")
        yield match[1] or match[2], int(match[3])


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its own name: 127.0.0.0/8, ::1 or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def default_protocol(bootstrap: str) -> str:
    """Return the protocol for brokers where none is set: with TLS, unless every address is loopback."""
    return CLEAR if all(is_loopback(host) for host, _ in addresses(bootstrap)) else TLS


def require_protocol(bootstrap: str, protocol: str) -> None:
    """Refuse a protocol that is unknown, or that would be spoken in clear beyond this machine.

    Raises:
        ConfigurationError: CFG-211, in clear to an address that is not loopback; CFG-213, a malformed address; CFG-216,
            no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ConfigurationError("CFG-216", f"there is no such protocol: choose {' or '.join(PROTOCOLS)}")
    remote = [host for host, _ in addresses(bootstrap) if not is_loopback(host)]
    if remote and protocol == CLEAR:
        raise ConfigurationError("CFG-211", f"{remote[0]} is not loopback, and {CLEAR} has no TLS: use {TLS}")


def http_client(url: str, trust: Trust, **settings: Any) -> "httpx2.Client":  # noqa: ANN401 - httpx2's own
    """Return a client for an HTTP service: with TLS as `trust` says, in clear to loopback addresses alone.

    Args:
        url: address of the service, which becomes the client's base.
        trust: files of the TLS connection.
        settings: further settings of the client.

    Raises:
        ConfigurationError: CFG-211, `http` to an address that is not loopback; CFG-213, no URL of HTTP; as
            `Trust.context`.
    """
    import httpx2  # noqa: PLC0415 - it takes long to load, and most processes speak to brokers alone

    try:
        # The parser that connects judges too: another one could see another host in the same text.
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):  # its message quotes the address
        raise ConfigurationError("CFG-213", "the address of a service is no URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigurationError("CFG-213", "the address of a service is not of the form https://HOST:PORT")
    if parsed.scheme == "https":
        return httpx2.Client(base_url=url, verify=trust.context(), **settings)
    if not is_loopback(parsed.host):
        raise ConfigurationError("CFG-211", f"{parsed.host} is not loopback, and http has no TLS: use https")
    # A proxy of the environment would get the request in clear, wherever it runs.
    return httpx2.Client(base_url=url, trust_env=False, **settings)


def certificate_fault(error: BaseException | None) -> ConfigurationError | None:
    """Return the refusal of a TLS connection behind a fault of a client, None if the fault has another cause.

    Returns:
        CFG-214, the server's certificate is not accepted; CFG-217, the server does not accept the client's; CFG-215,
        the server does not speak TLS 1.3.
    """
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, ssl.SSLCertVerificationError):
            return ConfigurationError("CFG-214", f"the server's certificate is refused: {error.verify_message}")
        if isinstance(error, ssl.SSLError):
            reason = error.reason or "no TLS"
            if _OF_CLIENT.search(reason):
                return ConfigurationError("CFG-217", f"the server asks for a certificate that it trusts: {reason}")
            return ConfigurationError("CFG-215", f"the server does not agree on TLS 1.3: {reason}")
        seen.append(error)
        error = error.__cause__ or error.__context__
    return None


def _refuse_password() -> str:
    """Refuse a key that is encrypted."""
    raise ValueError
