"""Credentials of a principal in the forms of aiokafka and of Faust.

Purpose: the two clients of a stage, Faust's consumer and the outbox, connect as the settings say, with TLS where they
say so.
Called by: `streams.runtime.app` and `streams.runtime.outbox`.

Invariants:
- The TLS context of the settings reaches every connection. Faust decides by its presence alone whether it speaks TLS,
  so that settings with TLS and without a context are refused.
- A token is asked for outside the event loop: its source may wait for a server.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import faust
from aiokafka.abc import AbstractTokenProvider

from schemas.errors import ConfigurationError

__all__ = ["aiokafka_settings", "faust_credentials"]


class _Tokens(AbstractTokenProvider):  # type: ignore[misc] # aiokafka has no types
    """kafka-python's provider of tokens in aiokafka's form."""

    def __init__(self, provider: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        self._provider = provider

    async def token(self) -> str:
        """Return a token that is valid now."""
        return str(await asyncio.to_thread(self._provider.token))


def aiokafka_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of `Cluster.kafka_settings` as aiokafka takes them."""
    provider = settings.get("sasl_oauth_token_provider")
    return {**settings, **({"sasl_oauth_token_provider": _Tokens(provider)} if provider else {})}


def faust_credentials(settings: Mapping[str, Any]) -> Any:  # noqa: ANN401 - SASLCredentials or OAuthCredentials
    """Return settings of `Cluster.kafka_settings` as Faust takes them; None for a broker that asks for nothing.

    Raises:
        ConfigurationError: CFG-216, settings with TLS lack the context of it.
    """
    protocol, context = settings.get("security_protocol", "PLAINTEXT"), settings.get("ssl_context")
    if protocol == "PLAINTEXT":
        return None
    if protocol.endswith("SSL") != (context is not None):
        raise ConfigurationError("CFG-216", f"a client was to speak {protocol} without what it needs for that")
    if provider := settings.get("sasl_oauth_token_provider"):
        return faust.OAuthCredentials(oauth_cb=_Tokens(provider), ssl_context=context)
    return faust.SASLCredentials(
        username=settings["sasl_plain_username"],
        password=settings["sasl_plain_password"],
        mechanism=settings["sasl_mechanism"],
        ssl_context=context,
    )
