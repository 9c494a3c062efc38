"""The environment of a process: the only place that reads `AMANA_*`.

Purpose: turn environment variables into one frozen, typed value.
Called by: `amana.site`, `amana.local`, `amana.audit_log` and commands. The rooms below `amana` are given values.

Invariants:
- An unknown value of a variable is refused at start; the error names the variable and never shows what it holds.
- A variable of the connections that does not exist is refused, as a misspelling of one that does.
- An empty variable counts as absent.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.adapters.registry_access import holds_credential
from connectors.adapters.transport_security import Trust
from schemas.errors import ConfigurationError

__all__ = ["Settings"]

_PREFIX: Final = "AMANA_"
_OF_CONNECTIONS: Final = re.compile(r"AMANA_(KAFKA|REGISTRY)(_.*)?")
"""Variables whose misspelling would change how the brokers or the registry are spoken to. Other unknown variables are
ignored: service managers and containers set some of their own, and no protection hangs on one."""

_SERVICE_LINK: Final = re.compile(
    r"AMANA_(KAFKA|REGISTRY)(_SERVICE_(HOST|PORT.*)|_PORT|_PORT_[0-9]+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes sets in every container beside services named `amana-kafka` and `amana-registry`."""


class Settings(BaseSettings):
    """Settings of one process, each from the variable `AMANA_<NAME>`.

    Args:
        data: the data directory of a site.
        cache: folder for downloaded files of the local runtime; None is the user's cache folder.
        kafka: broker addresses of an existing cluster, which takes the local broker's place.
        registry: base URL of an existing schema registry, which takes the local registry's place; without user and
            password.
        registry_user: user that may write to that registry.
        registry_password: password of that user.
        kafka_protocol: security protocol of that cluster; None is SASL_SSL, unless every address is loopback.
        kafka_ca: certificate authorities of that cluster and registry; None trusts the system's.
        kafka_certificate: certificate of this client, where the brokers ask for one.
        kafka_key: its private key; None if the certificate's file holds it.
        kafka_admin_mechanism: SASL mechanism of that cluster's admin; None is what the admin's file says.
        kafka_admin_password: password of that cluster's admin, kept by the site on its first start.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data: Path | None = None
    cache: Path | None = None
    kafka: str = ""
    registry: str = ""
    registry_user: str = ""
    registry_password: SecretStr = SecretStr("")
    kafka_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] | None = None
    kafka_ca: Path | None = None
    kafka_certificate: Path | None = None
    kafka_key: Path | None = None
    kafka_admin_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] | None = None
    kafka_admin_password: SecretStr = SecretStr("")

    @field_validator("registry")
    @classmethod
    def _without_credential(cls, url: str) -> str:
        """Refuse an address that would carry a password into `site.json`, messages and logs."""
        if holds_credential(url):
            raise ValueError("user and password belong in AMANA_REGISTRY_USER and AMANA_REGISTRY_PASSWORD")
        return url

    @classmethod
    def read(cls) -> Self:
        """Read the environment as it is now.

        Raises:
            ConfigurationError: CFG-008, a variable holds something that is not allowed; CFG-210, a variable of the
                connections does not exist.
        """
        _refuse_misspelt([_PREFIX + name.upper() for name in cls.model_fields])
        try:
            return cls()
        except ValidationError as error:
            # Neither the input nor the cause is shown: the value may be the admin's password.
            first = error.errors(include_input=False, include_url=False)[0]
            name = _PREFIX + "_".join(map(str, first["loc"])).upper()
            raise ConfigurationError("CFG-008", f"{name} has a value that is not allowed: {first['msg']}") from None

    @property
    def trust(self) -> Trust:
        """The files of the TLS connections to brokers and registry."""
        return Trust(self.kafka_ca, self.kafka_certificate, self.kafka_key)

    @property
    def has_cluster(self) -> bool:
        """True if an existing broker and an existing registry are both named."""
        return bool(self.kafka and self.registry)


def _refuse_misspelt(known: list[str]) -> None:
    """Refuse a variable of the connections that is none of `known`."""
    # Names of variables are read without regard to their case.
    named = {name.upper() for name in os.environ}
    for name in sorted(named - set(known)):
        if _OF_CONNECTIONS.fullmatch(name) and not _SERVICE_LINK.fullmatch(name):
            meant = "".join(f": {near} is meant?" for near in difflib.get_close_matches(name, known, 1))
            raise ConfigurationError("CFG-210", f"there is no variable {name}{meant}")
