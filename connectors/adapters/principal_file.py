"""Credential of one principal as its file in a party's folder `passwords` tells it.

Purpose: the fields of that file. Whoever runs a managed cluster fills it in; for a cluster of one's own it is made on
the first start.
Called by: `amana.site`.

    {"username": "worker.dedupe", "password": "…"}                             SCRAM-SHA-512
    {"username": "worker.dedupe", "password": "…", "mechanism": "PLAIN"}       or SCRAM-SHA-256
    {"username": "worker.dedupe", "mechanism": "OAUTHBEARER", "token_file": "/run/token"}
    {"username": "worker.dedupe", "mechanism": "OAUTHBEARER", "token_endpoint": "https://…", "client_id": "…",
     "client_secret": "…", "scope": "…"}

Invariants:
- A field that the mechanism does not have is refused: it would be a misspelling of one that it has.
- No message shows the value of a field.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from connectors.adapters.bearer_token import RequestedToken, TokenFile, TokenSource
from connectors.adapters.cluster import BEARER, MECHANISM, MECHANISMS, Credential
from connectors.adapters.transport_security import Trust
from schemas.errors import ConfigurationError

__all__ = ["credential_of"]

_WITH_PASSWORD: Final = (frozenset({"username", "password"}),)
_WITH_TOKEN: Final = (
    frozenset({"username", "token_file"}),
    frozenset({"username", "token_endpoint", "client_id", "client_secret"}),
    frozenset({"username", "token_endpoint", "client_id", "client_secret", "scope"}),
)


def credential_of(text: str, name: str, trust: Trust) -> Credential:
    """Return the credential.

    Args:
        text: content of the file, JSON.
        name: name of the file, for the message.
        trust: files of the TLS connection to a token endpoint.

    Raises:
        ConfigurationError: CFG-216, the file is not understood.
    """
    try:
        stored = json.loads(text)
    except ValueError as error:
        raise ConfigurationError("CFG-216", f"{name} is not JSON") from error
    if not isinstance(stored, dict) or not all(type(value) is str for value in stored.values()):
        raise ConfigurationError("CFG-216", f"{name} is not an object of texts")
    mechanism = stored.pop("mechanism", MECHANISM)
    if mechanism not in MECHANISMS:
        raise ConfigurationError("CFG-216", f"{name} names a mechanism that is none of {', '.join(MECHANISMS)}")
    forms = _WITH_TOKEN if mechanism == BEARER else _WITH_PASSWORD
    if frozenset(stored) not in forms:
        wanted = " or ".join(", ".join(sorted(form)) for form in forms)
        raise ConfigurationError("CFG-216", f"{name} has other fields than {mechanism} needs: {wanted}")
    if mechanism == BEARER:
        return Credential(stored["username"], mechanism=mechanism, token=_token(stored, trust))
    return Credential(stored["username"], stored["password"], mechanism)


def _token(stored: Mapping[str, str], trust: Trust) -> TokenSource:
    if "token_file" in stored:
        return TokenFile(Path(stored["token_file"]))
    client, secret = stored["client_id"], stored["client_secret"]
    return RequestedToken(stored["token_endpoint"], client, secret, stored.get("scope", ""), trust)
