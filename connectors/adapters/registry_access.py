"""Address and credential of a schema registry, as provisioning and `amana check` use them.

Purpose: keep user and password apart from the address, so that an address can stand in messages and in files.
Called by: `amana.site` makes it, and `amana.settings` asks `holds_credential`; the registry's adapters of this room and
`amana.local.apicurio` use it.

Invariants:
- The password does not appear in the text form.
- No worker, publisher, feed or tool holds one: they take the schema ids from a file (`connectors.adapters.schema_ids`).

Source: Confluent Schema Registry API, version 7, as Apicurio Registry 3.3 serves it under `/apis/ccompat/v7`.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from connectors.adapters.transport_security import SYSTEM, Trust
from schemas.errors import ConfigurationError

__all__ = ["API", "RegistryAccess", "holds_credential"]

API: Final = "/apis/ccompat/v7"
"""Path of the Confluent-compatible interface, below the registry's address."""


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """A registry and the user that may write to it.

    Args:
        url: address, without user and password; one with a path of its own names the interface itself.
        username: user of HTTP basic authentication; empty for none.
        password: password of that user.
        trust: files of the TLS connection.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    trust: Trust = SYSTEM

    @property
    def interface(self) -> str:
        """Address of the Confluent-compatible interface, without a slash at its end.

        Raises:
            ConfigurationError: CFG-213, the address is no URL.
        """
        base = self.url.rstrip("/")
        try:
            return base if urlsplit(base).path.strip("/") else base + API
        except ValueError:  # its message quotes the address
            raise ConfigurationError("CFG-213", "the address of the schema registry is no URL") from None


def holds_credential(url: str) -> bool:
    """Tell whether a URL names a user or a password before its host."""
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:  # a malformed address: whatever stands before an `@` in it may be a password
        return "@" in url
