"""The table of parties and secrets is what lies in the folders, and what the page says."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

from amana.keys import making, parties
from amana.keys.exchange import PartyId
from amana.local.played_officers import FOLDER, PLAYED, play
from amana.site import Site
from streams.broker import access

PAGE = Path(__file__).parents[3] / "docs/reference/keys.md"
AGENCIES = ("police-jor", "shelter-lbn")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Make a site on one machine: every party, each in its folder."""
    return Site.create(tmp_path_factory.mktemp("site"), agencies=AGENCIES)


def members() -> list[PartyId]:
    single = [PartyId(party) for party in parties.PARTIES if party != parties.AGENCY_PARTY]
    return [*single, *(PartyId(parties.AGENCY_PARTY, agency) for agency in AGENCIES)]


def files(site: Site, member: PartyId) -> dict[str, str]:
    """Return the files of a party's folder with their content."""
    folder = member.folder(site.path("parties")).path
    return {
        str(path.relative_to(folder)): path.read_text(encoding="ascii") for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("member", members(), ids=lambda member: member.name)
def test_a_folder_holds_what_the_table_says_and_nothing_else(site: Site, member: PartyId) -> None:
    held = files(site, member)
    own = [secret for secret in parties.SECRETS if member.party in secret.holders and not secret.apart]
    assert {name for name in held if not any(fnmatch(name, secret.files) for secret in own)} == set()
    needed = [secret for secret in own if not secret.optional]
    assert [secret.name for secret in needed if not any(fnmatch(name, secret.files) for name in held)] == []


def test_no_secret_lies_with_a_party_that_the_table_does_not_name(site: Site) -> None:
    """By content, not by name: a copy under another name would be found."""
    values = {member: set(files(site, member).values()) for member in members()}
    for secret in parties.SECRETS:
        for member in members():
            if member.party not in secret.holders or secret.apart:
                continue
            own = {text for name, text in files(site, member).items() if fnmatch(name, secret.files)}
            for other in members():
                assert other.party in secret.holders or not own & values[other], (secret.name, other.name)


def test_agencies_share_the_person_key_and_nothing_else(site: Site) -> None:
    first, second = (set(files(site, PartyId("agency", agency)).values()) for agency in AGENCIES)
    assert first & second == {PartyId("agency", "police-jor").folder(site.path("parties")).text("person.key")}


def test_the_two_person_keys_meet_nowhere(site: Site) -> None:
    shared = PartyId("agency", "police-jor").folder(site.path("parties")).text("person.key")
    for member in members():
        held = files(site, member)
        assert not ("dedupe.key" in held and shared in held.values()), member.name


@pytest.mark.parametrize("principal", access.principals(AGENCIES))
def test_a_cluster_access_opens_the_scopes_of_its_principal_alone(site: Site, principal: str) -> None:
    """The keys come from the party's folder, and a party has the scopes of its principals and no other."""
    party, agency = parties.party_of(principal)
    allowed = {scope for scope in scopes() if parties.holds_scope(party, agency, scope)}
    held = set(PartyId(party, agency).folder(site.path("parties")).scopes())
    assert held == allowed
    assert (held == set()) == (access.scopes_of(principal) == frozenset() and not allowed)


def scopes() -> tuple[str, ...]:
    return making.scopes(making.Members(AGENCIES, 2027))


OPTIONAL = {
    "person keys of the hub, by year": "dedupe/2099.key",
    "next key of the audit log": "audit-signing.next.key",
    "key of a client certificate": "tls/client.key",
}


def test_the_table_has_a_place_for_every_secret_that_a_party_may_have(tmp_path: Path) -> None:
    """Also for those that a new site lacks, and for no party that may not have them."""
    assert set(OPTIONAL) == {secret.name for secret in parties.SECRETS if secret.optional and not secret.apart}
    made = Site.create(tmp_path, agencies=AGENCIES)
    for secret in (secret for secret in parties.SECRETS if secret.name in OPTIONAL):
        for member in (member for member in members() if member.party in secret.holders):
            making.once(member.folder(made.path("parties")).path / OPTIONAL[secret.name], lambda: "ab" * 32)
    for member in members():
        test_a_folder_holds_what_the_table_says_and_nothing_else(made, member)


def test_an_officers_key_lies_in_a_folder_of_her_own_alone(tmp_path: Path) -> None:
    made = Site.create(tmp_path, agencies=AGENCIES)
    play(made.dir)
    (secret,) = (secret for secret in parties.SECRETS if secret.apart)
    keys = {path.read_text(encoding="ascii") for path in made.path(FOLDER).glob(f"*/{secret.files}")}
    assert len(keys) == len(PLAYED)
    assert [name for member in members() for name, text in files(made, member).items() if text in keys] == []


def test_every_file_is_its_owners_alone(site: Site) -> None:
    assert {path.stat().st_mode & 0o077 for path in (site.path("parties"), *site.path("parties").rglob("*"))} == {0}


def test_a_second_start_changes_nothing(site: Site) -> None:
    before = {member: files(site, member) for member in members()}
    Site.create(site.dir)
    assert {member: files(site, member) for member in members()} == before


def test_the_page_is_what_the_table_says() -> None:
    """Run this module (`python -m tests.unit.amana.test_parties`) to print both tables anew."""
    page = PAGE.read_text(encoding="utf-8").partition("## Handing over")[0]
    assert [line for line in page.splitlines() if line.startswith("|")] == lines()


def lines() -> list[str]:
    """Return the rows of the page's tables: who the parties are, and who holds which secret."""
    rows = ["| party | is | folder |", "|---|---|---|"]
    for party, who in parties.PARTIES.items():
        rows.append(f"| `{party}` | {who} | `parties/{parties.folder_of(party, '<id>')}` |")
    rows += [
        f"| secret | files | {' | '.join(f'`{one}`' for one in parties.PARTIES)} | does | its thief can | replaced |",
        f"|---|---|{'---|' * len(parties.PARTIES)}---|---|---|",
    ]
    for secret in parties.SECRETS:
        marks = " | ".join("yes" if party in secret.holders else "" for party in parties.PARTIES)
        place = f"`{secret.files}`" + ", apart" * secret.apart
        rows.append(f"| {secret.name} | {place} | {marks} | {secret.use} | {secret.loss} | {secret.rotates} |")
    return rows


if __name__ == "__main__":
    print("\n".join(lines()))
