"""Attack of the owner of the broker, of its disk or of a backup: every byte that a finished demo left there.

The attacker has the broker's segments, the registry's files and the state folders, and no key of the hub. In a second
attempt it is an agency as well: it has the person key that the agencies share, and a list of guessed names.
"""

import contextlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import pytest

from amana.site import Site
from anonymizer.microdata import pseudonym
from connectors.ingest.event import person_key
from schemas import codelists
from tests.support import demo, traces

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

PUBLIC = ("trend.", "ledger-", "audit-", "calendar-", "__")
"""Topics that hold nothing about a person: releases, their entries, decision records, ticks, the broker's own."""

YEAR_MONTH = re.compile(rb"(?:19|20)\d\d-(?:0[1-9]|1[0-2])")
HEX_KEY = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
LEAST = 6
"""Letters of a code that do not come together by chance in some tens of megabytes of ciphertext."""


@pytest.fixture(scope="module")
def disk(ran: demo.Ran) -> dict[str, bytes]:
    """Take all that lies on the disks of broker and registry, and in the folders of the stages."""
    found = {}
    for folder in ("kafka/data", "registry", "state"):
        for name, data in traces.files(ran.site / folder, without=ran.site / "parties"):
            if not name.startswith(PUBLIC):
                found[f"{folder}/{name}"] = data
    assert any("deidentified.case" in name and len(data) > 100_000 for name, data in found.items())
    assert any("raw.police-jor.case" in name and len(data) > 100_000 for name, data in found.items())
    return found


def codes() -> set[str]:
    """Return every code that describes a person, as agencies send it and as the hub keeps it."""
    lists = [one for one in codelists.NAMES if one not in {"language", "country"}]
    sent = {code for one in lists for code in codelists.labels(one)}
    kept = {"confirmed", "possible", "not-a-victim", "forced-labour", "sexual-exploitation", "domestic-servitude"}
    return {code for code in sent | kept if len(code) >= LEAST}


def attributes(disk: dict[str, bytes], needles: traces.Needles) -> Counter[str]:
    """Count what tells something of a person, by file: months and codes."""
    found: Counter[str] = Counter()
    for name, data in disk.items():
        if name.startswith("registry") or name.endswith((".index", ".timeindex", ".snapshot")):
            continue  # the registry holds the code lists themselves, as parts of schemas
        found[name] += len(YEAR_MONTH.findall(data)) + len(needles.found_in(data))
    return +found


@pytest.fixture(scope="module")
def needles() -> traces.Needles:
    return traces.Needles(codes(), width=LEAST)


def test_no_attribute_of_anybody_can_be_read(disk: dict[str, bytes], needles: traces.Needles) -> None:
    """No month, status, gender, age, form of exploitation: so no two quasi-identifiers of one record, and no cell."""
    assert attributes(disk, needles) == Counter()


def test_the_search_finds_what_is_planted(disk: dict[str, bytes], needles: traces.Needles) -> None:
    """One record in clear among tens of megabytes of ciphertext, in the forms of the agency and of the hub."""
    name = next(name for name in disk if "deidentified.case-0" in name and name.endswith(".log"))
    for record in (b"\x0e2024-03\x06LBN", b"\x12Feminine", b"cases|profile|TIP|confirmed|LBN|F"):
        half = len(disk[name]) // 2
        altered = {name: disk[name][:half] + record + disk[name][half:]}
        assert attributes(altered, needles) == Counter({name: 1}), record


def rows(ran: demo.Ran) -> Iterator[dict[str, str]]:
    """Yield every row that an agency gave to the demo about a person."""
    for path in sorted((ran.out / "input").glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError):  # a few lines of the demo's files are broken on purpose
                row = json.loads(line)
                if row.get("prs_FirstName") and row.get("prs_Birthdate"):
                    yield row


def keys_of_guessed_names(ran: demo.Ran) -> dict[str, str]:
    """Return person key → year of an event, for everybody whose name and birth year the attacker guesses right."""
    shared, found = Site.open(ran.site).party("agency", "police-jor").key("person"), {}
    for row in rows(ran):
        names = [row[name] for name in ("prs_FirstName", "prs_MiddleName", "prs_SecondName") if row.get(name)]
        key = person_key.person_key(shared, names, int(row["prs_Birthdate"][:4]), otherwise="nobody")
        found[key] = str(row.get("event_date", ""))[:4]
    return found


def occurring(keys: Iterable[str], disk: dict[str, bytes]) -> int:
    """Count the places at which a key stands, as text or as bytes."""
    needles = traces.Needles.of_keys(form for key in keys for form in (key.encode(), bytes.fromhex(key)))
    return sum(map(needles.count_in, disk.values()))


def test_who_has_the_shared_key_and_the_names_finds_nobody(ran: demo.Ran, disk: dict[str, bytes]) -> None:
    keys = keys_of_guessed_names(ran)
    assert len(keys) > 5_000
    assert occurring(keys, disk) == 0


def test_no_person_token_can_be_read(ran: demo.Ran, disk: dict[str, bytes]) -> None:
    """Not even by their form: whoever had both keys would recognise a token, and they are nowhere."""
    dedupe = Site.open(ran.site).party("deidentify").key("dedupe")
    tokens = {str(pseudonym.person_token(dedupe, year, key)) for key, year in keys_of_guessed_names(ran).items()}
    assert len(tokens) > 5_000
    assert occurring(tokens, disk) == 0


def test_nothing_links_records_of_two_agencies(disk: dict[str, bytes]) -> None:
    """No key of 32 digits on one agency's raw topics stands on another's: the person key used to."""
    by_agency: dict[str, set[bytes]] = defaultdict(set)
    for name, data in disk.items():
        if match := re.match(r"kafka/data/raw\.([a-z0-9-]+?)\.(?:case|referral|assistance)-\d/.*\.log$", name):
            by_agency[match[1]] |= set(HEX_KEY.findall(data))
    assert len(by_agency) == 6
    assert min(map(len, by_agency.values())) > 1_000
    shared = Counter(key for keys in by_agency.values() for key in keys)
    assert [key for key, agencies in shared.items() if agencies > 1] == []
