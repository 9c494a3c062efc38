"""The invented region: reproducible, refused where it says so, and answered by its own recount."""

import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from amana.demo.simulation.generator import KEY_FOLDER, simulate
from anonymizer import policy
from connectors.ingest.event.event_builder import AgencyKeys, EventBuilder
from connectors.ingest.files import column_mapping, row_reader
from connectors.ingest.files.row_to_event import RowConverter
from schemas.errors import ConfigurationError, ContractError

EVENTS = 3_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate(EVENTS, 5, out)
    return out


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / KEY_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for out in ("a", "b"):
        simulate(300, 9, tmp_path / out)
    simulate(300, 10, tmp_path / "c")
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*")]
    assert all((tmp_path / "a" / one).read_bytes() == (tmp_path / "b" / one).read_bytes() for one in files)
    assert any((tmp_path / "a" / one).read_bytes() != (tmp_path / "c" / one).read_bytes() for one in files)


def test_the_edge_refuses_what_the_key_says_and_meets_persons_as_it_says(folder: Path) -> None:
    """Line, field and code of every refusal; and one person key per person, across agencies and scripts."""
    refused, persons = [], {}
    for path in sorted(folder.glob("*.jsonl")):
        agency, kind, _ = path.name.split(".")
        source = row_reader.survey(path)
        keys = AgencyKeys(b"s" * 32, agency.encode())
        builder = EventBuilder(agency, kind, keys=keys, today=date(2026, 1, 1))
        converter = RowConverter(source, column_mapping.choose(source, kind), builder)
        for row in row_reader.rows(source):
            try:
                persons[agency, kind, row.line] = converter.convert(row).get("person")
            except ContractError as fault:
                refused.append((agency, kind, str(row.line), fault.field or "", fault.code))
    told = [tuple(one.values()) for one in table(folder, "refused.csv")]
    assert sorted(refused) == sorted(told)
    lines = (folder / KEY_FOLDER / "persons.jsonl").read_text(encoding="utf-8").splitlines()
    met = [{persons[agency, kind, line] for agency, kind, line, _ in json.loads(one)["rows"]} for one in lines]
    assert {len(keys) for keys in met} == {1}
    assert len(set.union(*met)) == len(lines)


def test_the_counts_of_the_key_agree_with_one_another(folder: Path) -> None:
    summary = json.loads((folder / KEY_FOLDER / "summary.json").read_text(encoding="utf-8"))
    outcomes: Counter[str] = Counter()
    for one in table(folder, "expected-outcomes.csv"):
        outcomes[one["outcome"]] += int(one["records"])
    assert summary["rows"] == EVENTS == summary["published"] + summary["refused"]
    assert sum(outcomes.values()) == summary["published"]
    assert {name: summary[name] for name in outcomes} == dict(outcomes)
    assert set(outcomes) == {"counted", "duplicate", "superseded", "withdrawn", "out_of_scope"}


def test_every_expected_cell_is_one_of_the_shipped_policys(folder: Path) -> None:
    shipped = policy.load((Path(policy.__file__).parent / "policies" / "default.toml").read_text(encoding="utf-8"))
    widths = {(p.name, c.name): len(c.dimensions) for p in shipped.populations for c in p.cubes}
    cells = [one["cell"].split("|") for one in table(folder, "expected-cells.csv")]
    assert all(len(values) == widths[population, cube] for population, cube, *values in cells)
    profiles = sum(int(one["count"]) for one in table(folder, "expected-cells.csv") if "|profile|" in one["cell"])
    means = sum(int(one["count"]) for one in table(folder, "expected-cells.csv") if "|means|" in one["cell"])
    assert profiles == means > 0


def test_every_planted_string_stands_where_the_key_says(folder: Path) -> None:
    lines = {path.name: path.read_text(encoding="utf-8").splitlines() for path in folder.glob("*.jsonl")}
    types: Counter[str] = Counter()
    for text in (folder / KEY_FOLDER / "planted.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(text)
        line = lines[f"{one['agency']}.{one['kind']}.jsonl"][one["line"] - 1]
        types[one["type"]] += 1
        if line.endswith("}"):  # not one that was cut in two
            assert one["text"] in json.loads(line)[one["field"]]
    assert {
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "IBAN_CODE",
        "NATIONAL_ID",
        "PASSPORT",
        "DATE_TIME",
        "URL",
        "PERSON",
    } < set(types)


def test_narratives_are_of_the_promised_length_in_three_languages(folder: Path) -> None:
    texts: Counter[str] = Counter()
    for path in folder.glob("*.case.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                row = json.loads(line)
                texts[row["language"]] += 1
                assert 180 <= len(row["hte_Description"]) <= 620
    assert set(texts) == {"en", "ar", "fr"}


def test_no_events_or_no_folder_is_a_configuration_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CFG-120"):
        simulate(0, 1, tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="CFG-121"):
        simulate(3, 1, tmp_path / "file")
