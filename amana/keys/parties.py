"""Parties and secrets as data: the one table of who holds what.

Purpose: say for every secret which parties may hold it, in which file of their folder, and what follows from its loss.
Called by: `amana.keys.party_folder` and `amana.keys.making`; `amana.site`; the page `docs/reference/keys.md` is written
from it, and tests hold it against the file system, the files that processes open, and the mounts of docker-compose.yml.

Invariants:
- A party's folder holds the secrets of this table that name the party, and nothing else.
- No party has both person keys: that of the agencies, and that of the de-identifier.
- Whoever may open the names that agencies seal (`deidentify`) cannot sign the audit log, and the other way round.

Source: the parties are those of a review of who must never learn what; ADR 0040.
"""

from dataclasses import dataclass
from typing import Final

from schemas.record_seal import AGENCY, EVIDENCE, REFUSED
from streams.broker import access

__all__ = ["AGENCY_PARTY", "PARTIES", "SECRETS", "Secret", "folder_of", "holds_scope", "party_of"]

AGENCY_PARTY: Final = "agency"
"""One party for each agency; its folder is `agencies/<id>`."""

PARTIES: Final = {
    AGENCY_PARTY: "an agency: its publisher",
    "deidentify": "the de-identifier, a process of the hub",
    "counting": "dedupe and aggregate, processes of the hub",
    "release": "the release process of the hub",
    "officer": "the data officers",
    "operator": "whoever runs broker and processes",
    "analysts": "readers of releases",
}
"""Party → who that is."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret.

    Args:
        name: what it is called.
        files: pattern of its files in a party's folder.
        holders: the parties that hold it; the first one makes it.
        use: what it does.
        loss: what somebody can do who steals it alone.
        rotates: how it is replaced while the system runs.
        optional: whether a party may be without it.
        apart: whether it lies in a folder of its holder's own, outside of the party's folder.
    """

    name: str
    files: str
    holders: tuple[str, ...]
    use: str
    loss: str
    rotates: str
    optional: bool = False
    apart: bool = False


_HUB: Final = ("deidentify", "counting")

SECRETS: Final = (
    Secret(
        "person key of the agencies",
        "person.key",
        (AGENCY_PARTY,),
        "makes person keys from names, within the agencies",
        "test a list of names against person keys, which lie nowhere in clear",
        "never: a person would have two keys, and count twice",
    ),
    Secret(
        "event key",
        "event.key",
        (AGENCY_PARTY,),
        "makes the agency's event ids; its own",
        "test record ids of this agency against event ids",
        "never: a correction is known by the id of its event",
    ),
    Secret(
        "signing key",
        "signing.key",
        (AGENCY_PARTY,),
        "signs the agency's events; its own",
        "publish as this agency",
        "`rotate signing`",
    ),
    Secret(
        "sealing keys",
        "sealing/*.key",
        ("deidentify",),
        "open what agencies sealed",
        "read raw events of the last 14 days from a broker's disk",
        "`rotate sealing`",
    ),
    Secret(
        "person key of the hub",
        "dedupe.key",
        ("deidentify",),
        "makes person tokens from person keys",
        "nothing without a person key",
        "by the one of a later year",
    ),
    Secret(
        "person keys of the hub, by year",
        "dedupe/[0-9][0-9][0-9][0-9].key",
        ("deidentify",),
        "make person tokens of a year and of those after it",
        "nothing without a person key",
        "`rotate dedupe --year`, for a year to come",
        optional=True,
    ),
    Secret(
        "keys of a year",
        "records/[0-9][0-9][0-9][0-9].json",
        (*_HUB, "release", "operator"),
        "seal records, states and counts of a year",
        "read tokens, attributes and exact counts of that year from a broker's disk",
        "`rotate records`",
    ),
    Secret(
        "keys of an agency's entries",
        f"records/{AGENCY}*.json",
        ("deidentify", AGENCY_PARTY, "operator", "officer"),
        "seal its notices and the entries of its quarantine; an agency has its own alone",
        "read places, results and codes of this agency's records",
        "`rotate records`",
    ),
    Secret(
        "keys of evidence",
        f"records/{EVIDENCE}.json",
        (*_HUB, "operator", "officer"),
        "seal outcomes, late records, refusals of dedupe, and what is left of erased events",
        "count records by agency, kind and outcome",
        "`rotate records`",
    ),
    Secret(
        "keys of refused records",
        f"records/{REFUSED}.json",
        ("deidentify",),
        "seal the bytes of refused records",
        "read what was sent in clear by mistake",
        "`rotate records`",
    ),
    Secret(
        "key of the audit log",
        "audit-signing.key",
        ("release",),
        "signs checkpoints of the audit log",
        "sign another history of the log",
        "`rotate audit`",
    ),
    Secret(
        "next key of the audit log",
        "audit-signing.next.key",
        ("release",),
        "takes the place of the key of the audit log; only while that is replaced",
        "sign another history of the log",
        "`rotate audit`",
        optional=True,
    ),
    Secret(
        "suppression key",
        "suppression.key",
        ("release",),
        "chooses between equally good suppressions",
        "repeat the choice, and so narrow down suppressed counts",
        "`rotate suppression`",
    ),
    Secret(
        "exchange key",
        "exchange.key",
        tuple(PARTIES),
        "opens secrets that another party handed over; each party its own",
        "open what was handed over to this party",
        "`rotate exchange --party`",
    ),
    Secret(
        "passwords",
        "passwords/*.json",
        ("operator", *(party for party in PARTIES if party != "operator")),
        "let principals into the broker; the operator has all, since it makes the users",
        "act as this principal at the broker",
        "`rotate passwords`",
    ),
    Secret(
        "key of a client certificate",
        "tls/*.key",
        tuple(PARTIES),
        "proves to brokers who connects, where they ask for a certificate; `AMANA_KAFKA_KEY` names it",
        "connect to the brokers, and no more without a password",
        "`keys ca --client`, then a new start",
        optional=True,
    ),
    Secret(
        "policy key of an officer",
        "signing.key",
        ("officer",),
        "signs policies; each officer's own, in a folder that no process of the hub sees",
        "give one of the two signatures of a policy",
        "`policy key`, `enrol`, `remove`",
        optional=True,
        apart=True,
    ),
)
"""Every secret, in the order of the page."""

_PARTY_OF: Final = {
    "worker.deidentify": "deidentify",
    "worker.dedupe": "counting",
    "worker.aggregate": "counting",
    "worker.release": "release",
    access.OFFICER: "officer",
    access.OPERATOR: "operator",
    access.ADMIN: "operator",
    access.ANALYSTS: "analysts",
}


def folder_of(party: str, agency: str | None = None) -> str:
    """Return the name of a party's folder below `parties`."""
    return f"agencies/{agency}" if party == AGENCY_PARTY else party


def party_of(principal: str) -> tuple[str, str | None]:
    """Return the party whose password a principal's is, and the agency if it is one's."""
    if principal.startswith(AGENCY):
        return AGENCY_PARTY, principal.removeprefix(AGENCY)
    return _PARTY_OF[principal], None


def holds_scope(party: str, agency: str | None, scope: str) -> bool:
    """Tell whether a party may hold the keys of a scope of the hub's records: one of its principals needs them."""
    kind = access.YEARS if scope.isdecimal() else AGENCY if scope.startswith(AGENCY) else scope
    own = (one for one in access.principals([agency] if agency else []) if party_of(one) == (party, agency))
    return any({scope, kind} & access.scopes_of(principal) for principal in own)
