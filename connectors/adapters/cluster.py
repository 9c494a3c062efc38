"""Access of one principal to the broker.

Purpose: carry the client settings of exactly one principal, so that who holds a `Cluster` can act as that principal and
as nobody else.
Called by: `amana.site` makes it; `connectors.ingest`, `connectors.console.reconciliation`, `connectors.operations`,
`connectors.adapters.notices_topic`, `amana.trend_feed`, `amana.provisioning`, `amana.local.broker`, `amana.demo` and
the package `amana` take it.

Invariants:
- It holds the password of one principal and opens no other file than those of the TLS connection.
- Neither password nor token nor TLS context appears in its text form.
- One that would speak in clear beyond this machine, or send a password in clear, cannot be made.
- No client gets settings before a broker has shown an accepted certificate, if TLS is used and a broker answers.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from connectors.adapters.bearer_token import TokenSource
from connectors.adapters.broker_handshake import require_handshake
from connectors.adapters.transport_security import CLEAR, SYSTEM, TLS, Trust, addresses, require_protocol
from schemas.errors import ConfigurationError
from schemas.record_seal import RecordSeal

__all__ = ["BEARER", "MECHANISM", "MECHANISMS", "SCRAM", "Cluster", "Credential"]

MECHANISM: Final = "SCRAM-SHA-512"
"""SASL mechanism of every principal that this project creates."""

SCRAM: Final = (MECHANISM, "SCRAM-SHA-256")
"""Mechanisms that prove a password without sending it."""

BEARER: Final = "OAUTHBEARER"

MECHANISMS: Final = (*SCRAM, "PLAIN", BEARER)
"""The SASL mechanisms that are spoken; those after SCRAM send a secret, and need TLS."""


@dataclass(frozen=True, slots=True)
class Credential:
    """User name of one principal, with its secret and the SASL mechanism that the broker asks of it.

    Args:
        username: name of the principal.
        password: its password; empty with a token.
        mechanism: one of `MECHANISMS`.
        token: source of its tokens, for OAUTHBEARER.
    """

    username: str
    password: str = field(repr=False, default="")
    mechanism: str = MECHANISM
    token: TokenSource | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Address of the broker, the agencies whose topics it holds, the schema ids, and the credential of one principal.

    Args:
        bootstrap: broker addresses, comma separated.
        schema_ids: file of the schema ids (`connectors.adapters.schema_ids`); no registry is asked.
        agencies: ids of the agencies; topic names follow from them.
        credential: of the one principal.
        protocol: SASL_PLAINTEXT or SASL_SSL.
        trust: files of the TLS connections.
        seal: opens the hub's records, as far as the principal's party has their keys: an agency has those of its own
            entries, analysts have none.

    Raises:
        ConfigurationError: CFG-211, in clear beyond this machine; CFG-213, a malformed address; CFG-216, no such
            protocol or mechanism, or a mechanism that sends a secret without TLS.
    """

    bootstrap: str
    schema_ids: Path
    agencies: tuple[str, ...]
    credential: Credential = field(repr=False)
    protocol: str = CLEAR
    trust: Trust = SYSTEM
    seal: RecordSeal = field(default_factory=lambda: RecordSeal({}, os.urandom), repr=False)

    def __post_init__(self) -> None:
        """Refuse what is not understood or would send something in clear."""
        require_protocol(self.bootstrap, self.protocol)
        mechanism = self.credential.mechanism
        if mechanism not in MECHANISMS or (mechanism == BEARER) != (self.credential.token is not None):
            raise ConfigurationError("CFG-216", f"the mechanism of {self.principal} is none of {', '.join(MECHANISMS)}")
        if mechanism not in SCRAM and self.protocol == CLEAR:
            raise ConfigurationError("CFG-216", f"{mechanism} sends a secret: set AMANA_KAFKA_PROTOCOL to {TLS}")

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
        """Return client settings that kafka-python and aiokafka both take.

        The one difference is the provider of tokens, which is kafka-python's; `streams.runtime.client_credentials`
        wraps it for aiokafka.

        Raises:
            ConfigurationError: CFG-212, a file of the TLS connection is not what it must be; CFG-214, CFG-215 or
                CFG-217, no broker can be spoken to with it; CFG-218, there is no token.
            TransportError: TRA-011, the token endpoint does not answer; TRA-012, every broker ends the connection in
                the handshake.
        """
        settings: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.protocol,
            "sasl_mechanism": self.credential.mechanism,
        }
        if self.credential.token is None:
            settings["sasl_plain_username"] = self.credential.username
            settings["sasl_plain_password"] = self.credential.password
        else:
            from connectors.adapters.token_provider import TokenProvider  # noqa: PLC0415 - it loads Kafka's client

            # Asked here once: a fault within a client would be repeated until its time is over, and lose its cause.
            self.credential.token.token()
            settings["sasl_oauth_token_provider"] = TokenProvider(self.credential.token)
        if self.protocol == TLS:
            settings["ssl_context"] = context = self.trust.context()
            require_handshake(addresses(self.bootstrap), context)
        return settings
