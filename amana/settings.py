"""The environment of a process: the only place that reads `AMANA_*`.

Purpose: turn environment variables into one frozen, typed value.
Called by: `amana.site`, `amana.local`, `amana.audit_log` and commands. The rooms below `amana` are given values.

Invariants:
- An unknown value of a variable is refused at start; the error names the variable and never shows what it holds.
- An empty variable counts as absent.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.adapters.registry_access import holds_credential
from schemas.errors import ConfigurationError

__all__ = ["Settings"]


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
        kafka_protocol: security protocol of that cluster.
        kafka_ca: certificate authority of that cluster's certificates; None trusts the system's.
        kafka_admin_mechanism: SASL mechanism of that cluster's admin.
        kafka_admin_password: password of that cluster's admin, kept by the site on its first start.
    """

    # An unknown AMANA_ variable is ignored: service managers and containers set some of their own.
    model_config = SettingsConfigDict(
        env_prefix="AMANA_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data: Path | None = None
    cache: Path | None = None
    kafka: str = ""
    registry: str = ""
    registry_user: str = ""
    registry_password: SecretStr = SecretStr("")
    kafka_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_PLAINTEXT"
    kafka_ca: Path | None = None
    kafka_admin_mechanism: Literal["SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"
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
            ConfigurationError: CFG-008, a variable holds something that is not allowed.
        """
        try:
            return cls()
        except ValidationError as error:
            # Neither the input nor the cause is shown: the value may be the admin's password.
            first = error.errors(include_input=False, include_url=False)[0]
            name = "AMANA_" + "_".join(map(str, first["loc"])).upper()
            raise ConfigurationError("CFG-008", f"{name} has a value that is not allowed: {first['msg']}") from None

    @property
    def has_cluster(self) -> bool:
        """True if an existing broker and an existing registry are both named."""
        return bool(self.kafka and self.registry)
