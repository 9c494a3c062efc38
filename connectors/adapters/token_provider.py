"""A source of tokens in the form that kafka-python asks for.

Called by: `connectors.adapters.cluster`, for the settings of a principal with tokens.
"""

from kafka.net.sasl.oauth import AbstractTokenProvider

from connectors.adapters.bearer_token import TokenSource

__all__ = ["TokenProvider"]


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc] # kafka-python has no types
    """Asks a source for a token with every connection."""

    def __init__(self, source: TokenSource) -> None:
        """Take the source."""
        self._source = source

    def token(self) -> str:
        """Return a token that is valid now; raises as its source."""
        return self._source.token()
