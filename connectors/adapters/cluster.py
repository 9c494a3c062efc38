"""Access of one principal to the broker.

Purpose: carry the client settings of exactly one principal, so that who holds a `Cluster` can act as that principal and
as nobody else.
Called by: `amana.site` makes it; `connectors.ingest.agency_profile`, `connectors.console.reconciliation`,
`connectors.operations`, `amana.trend_feed`, `amana.provisioning.inspection`, `amana.local.broker`, `amana.demo` and the
package `amana` take it.

Invariants:
- It holds the password of one principal and opens no file.
- Neither password nor TLS context appears in its text form.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from schemas.errors import ConfigurationError
from schemas.record_seal import RecordSeal

__all__ = ["MECHANISM", "Cluster", "Credential"]

MECHANISM: Final = "SCRAM-SHA-512"
"""SASL mechanism of every principal that this project creates."""


@dataclass(frozen=True, slots=True)
class Credential:
    """User name and password of one principal, with the SASL mechanism that the broker asks of it."""

    username: str
    password: str = field(repr=False)
    mechanism: str = MECHANISM


@dataclass(frozen=True, slots=True)
class Cluster:
    """Address of the broker, the agencies whose topics it holds, the schema ids, and the credential of one principal.

    Args:
        bootstrap: broker addresses, comma separated.
        schema_ids: file of the schema ids (`connectors.adapters.schema_ids`); no registry is asked.
        agencies: ids of the agencies; topic names follow from them.
        credential: of the one principal.
        protocol: SASL_PLAINTEXT or SASL_SSL.
        ca: file of the certificate authority that signs the broker's certificate; None trusts the system's.
        seal: opens the hub's records, as far as the principal's party has their keys; agencies and analysts have none.
    """

    bootstrap: str
    schema_ids: Path
    agencies: tuple[str, ...]
    credential: Credential = field(repr=False)
    protocol: str = "SASL_PLAINTEXT"
    ca: Path | None = None
    seal: RecordSeal = field(default_factory=lambda: RecordSeal({}, os.urandom), repr=False)

    @property
    def principal(self) -> str:
        """Name of the principal."""
        return self.credential.username

    def chosen(self, agency: str | None) -> tuple[str, ...]:
        """Return one agency, or all of them where none is named.

        Raises:
            ConfigurationError: CFG-102, there is no such agency.
        """
        if agency is not None and agency not in self.agencies:
            raise ConfigurationError("CFG-102", "the site has no such agency")
        return self.agencies if agency is None else (agency,)

    def kafka_settings(self) -> Mapping[str, Any]:
        """Return client settings that kafka-python and aiokafka both take."""
        # Only names that both clients know, with one meaning.
        settings: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.protocol,
            "sasl_mechanism": self.credential.mechanism,
            "sasl_plain_username": self.credential.username,
            "sasl_plain_password": self.credential.password,
        }
        if self.protocol == "SASL_SSL":
            # With the host name checked, the default of this context: a password is sent over the connection.
            settings["ssl_context"] = ssl.create_default_context(cafile=self.ca)
        return settings
