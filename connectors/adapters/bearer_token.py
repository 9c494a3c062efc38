"""Bearer tokens for SASL/OAUTHBEARER: read from a file, or requested with a client's own secret.

Purpose: give a token that is valid now. `connectors.adapters.token_provider` hands it to kafka-python,
`streams.runtime.client_credentials` to aiokafka.
Called by: `connectors.adapters.principal_file`, which makes one; `connectors.adapters.cluster`.

Invariants:
- A token or a secret appears in no message and in no text form.
- A token that was requested is used until a fifth of its life is left, by every connection of the process.
- A secret is sent with TLS, or to a loopback address.

Source: RFC 7628 (OAUTHBEARER); RFC 6749, section 4.4 (client credentials).
"""

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from connectors.adapters.transport_security import SYSTEM, Trust, certificate_fault, http_client
from schemas.errors import ConfigurationError, TransportError

__all__ = ["RequestedToken", "TokenFile", "TokenSource"]

_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""A bearer token (RFC 6750). Anything else could end the field of the SASL message that it stands in."""

_SECONDS: Final = 10.0
_LEFT: Final = 0.2
_LIFE_SECONDS: Final = 60.0
"""Life of a token whose server tells none."""


class TokenSource(Protocol):
    """A source of tokens; it is asked with every connection."""

    def token(self) -> str:
        """Return a token that is valid now."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The token in a file that another program keeps new, as an agent of the platform does.

    Args:
        path: the file; read with every connection.
    """

    path: Path

    def token(self) -> str:
        """Return the token.

        Raises:
            ConfigurationError: CFG-218, the file cannot be read or holds no token.
        """
        try:
            text = self.path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("CFG-218", f"{self.path} holds no token that can be read") from error
        return _checked(text, str(self.path))


@dataclass(slots=True)
class RequestedToken:
    """A token that an authorisation server issues for the secret of a client.

    Args:
        endpoint: URL of the server's token endpoint.
        client: id of the client.
        secret: its secret.
        scope: scope to ask for; empty asks for none.
        trust: files of the TLS connection to the endpoint.
    """

    endpoint: str
    client: str
    secret: str = field(repr=False)
    scope: str = ""
    trust: Trust = SYSTEM
    _token: str = field(default="", init=False, repr=False)
    _renewal: float = field(default=0.0, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def token(self) -> str:
        """Return the token, a new one if the last one is near its end.

        Raises:
            ConfigurationError: CFG-218, the server refuses the client or sends no token; CFG-211 to CFG-217, its
                address or its TLS is refused.
            TransportError: TRA-011, it does not answer.
        """
        with self._lock:  # two connections that begin together ask once
            if time.monotonic() >= self._renewal:
                asked = time.monotonic()
                answer = self._ask()
                self._token = _checked(str(answer.get("access_token", "")), self.endpoint)
                self._renewal = asked + _life(answer) * (1 - _LEFT)
            return self._token

    def _ask(self) -> dict[str, Any]:
        """Return the answer of the token endpoint."""
        import httpx2  # noqa: PLC0415 - it takes long to load, and most processes have a password

        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        try:
            with http_client(self.endpoint, self.trust, timeout=_SECONDS) as client:
                response = client.post(self.endpoint, data=form, auth=(self.client, self.secret))
        except httpx2.TransportError as error:
            if refusal := certificate_fault(error):
                raise refusal from error
            raise TransportError("TRA-011", f"the token endpoint {self.endpoint} does not answer") from error
        if response.is_server_error:
            raise TransportError("TRA-011", f"the token endpoint {self.endpoint} answers {response.status_code}")
        try:
            answer = response.raise_for_status().json()
        except (httpx2.HTTPError, ValueError) as error:
            message = f"the token endpoint {self.endpoint} answers {response.status_code}, without a token"
            raise ConfigurationError("CFG-218", message) from error
        return answer if isinstance(answer, dict) else {}


def _life(answer: dict[str, Any]) -> float:
    """Return the seconds for which a token is valid."""
    life = answer.get("expires_in")
    return float(life) if isinstance(life, int | float) and life > 0 else _LIFE_SECONDS


def _checked(text: str, source: str) -> str:
    """Return a token, if the text is one."""
    if not _TOKEN.fullmatch(text):
        raise ConfigurationError("CFG-218", f"{source} gives no token")
    return text
