"""TLS handshake with the brokers before any client speaks to them.

Purpose: tell a certificate that is refused from a broker that is away. Clients of Kafka repeat a handshake that fails
until they give up, and then say only that no broker answered.
Called by: `connectors.adapters.cluster`, before it hands out settings; `amana.provisioning.inspection`.

Invariants:
- The only message is the question for the versions of the protocol, which every client asks before it says who it is.
- A broker that is out of reach is no fault here: it may be starting, and the client has patience of its own.

Source: RFC 8446; the message ApiVersions of Kafka's protocol.
"""

import datetime as dt
import socket
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from connectors.adapters.transport_security import certificate_fault
from schemas.errors import AmanaError, TransportError

__all__ = ["Handshake", "handshakes", "require_handshake"]

_SECONDS: Final = 3.0
_VERSIONS: Final = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
"""A request ApiVersions: size, key 18, version 0, correlation id 1, no client id."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The result for one address.

    Args:
        host: the broker's host.
        port: its port.
        version: version of TLS that was agreed on; empty if nothing answers or the broker is refused.
        expires: last moment of its certificate; None without one.
        fault: the reason for which the connection is refused; None if it is accepted or nothing answers.
    """

    host: str
    port: int
    version: str = ""
    expires: dt.datetime | None = None
    fault: AmanaError | None = None


def handshakes(addresses: Iterable[tuple[str, int]], context: ssl.SSLContext) -> Iterator[Handshake]:
    """Yield the result of one handshake with each address, in their order."""
    for host, port in addresses:
        yield _handshake(host, port, context)


def require_handshake(addresses: Iterable[tuple[str, int]], context: ssl.SSLContext) -> None:
    """Make handshakes until one succeeds.

    Raises:
        ConfigurationError: none succeeds, and one is refused: CFG-214, the broker's certificate is not accepted;
            CFG-215, it does not speak TLS 1.3; CFG-217, it does not accept the client's certificate.
        TransportError: TRA-012, none succeeds, and a broker closes the connection, as one without TLS does.
    """
    fault = None
    for result in handshakes(addresses, context):
        if result.version:
            return
        fault = fault or result.fault
    if fault is not None:
        raise fault


def _handshake(host: str, port: int, context: ssl.SSLContext) -> Handshake:
    try:
        plain = socket.create_connection((host, port), timeout=_SECONDS)
    except OSError:
        return Handshake(host, port)
    try:
        with plain, context.wrap_socket(plain, server_hostname=host) as secured:
            # With TLS 1.3 a client learns with the first answer whether the server accepts its certificate.
            secured.sendall(_VERSIONS)
            if not secured.recv(1):
                raise ssl.SSLEOFError
            certificate = cast("dict[str, Any]", secured.getpeercert())
            last = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), dt.UTC)
            return Handshake(host, port, secured.version() or "", last)
    except TimeoutError:
        return Handshake(host, port)  # it takes connections and answers nothing, as a process that is frozen
    except OSError as error:
        return Handshake(host, port, fault=_fault(f"{host}:{port}", error))


def _fault(address: str, error: OSError) -> AmanaError:
    # One that closes the connection may also be a proxy whose broker starts: the same again later.
    refusal = None if isinstance(error, ssl.SSLEOFError) else certificate_fault(error)
    if refusal is None:
        return TransportError("TRA-012", f"{address} ends the connection in the handshake: does it speak TLS?")
    return type(refusal)(refusal.code, f"{address}: {refusal.message}")
