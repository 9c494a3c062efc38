"""From rows to events: mappings, codes, keys, and what is refused."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.ingest.event.event_builder import AgencyKeys, EventBuilder
from connectors.ingest.files import column_mapping, row_reader
from connectors.ingest.files.row_to_event import RowConverter
from schemas import catalogue, codelists
from schemas.errors import ContractError

KEYS = AgencyKeys(b"s" * 32, b"a" * 32)
ROW = {
    "record_id": "7", "event_date": "2024-03-05", "con_Consent": True, "prs_FirstName": "Tavrin",
    "prs_SecondName": "Masuli", "prs_Birthdate": "1991-02-03",
}  # fmt: skip


def converted(
    path: Path, kind: str = "case", agency: str = "shelter-lbn"
) -> tuple[list[dict[str, Any]], list[ContractError]]:
    """Return the events of a file and the faults of its other rows."""
    source = row_reader.survey(path)
    builder = EventBuilder(agency, kind, keys=KEYS, today=date(2026, 1, 1))
    converter = RowConverter(source, column_mapping.choose(source, kind), builder)
    events, faults = [], []
    for row in row_reader.rows(source):
        try:
            events.append(converter.convert(row))
        except ContractError as fault:
            faults.append(fault)
    return events, faults


def one(tmp_path: Path, *rows: dict[str, Any], kind: str = "case") -> tuple[list[dict[str, Any]], list[ContractError]]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return converted(path, kind)


def test_an_event_has_every_field_of_the_contract_in_clear(tmp_path: Path) -> None:
    (event,), _ = one(tmp_path, ROW)
    assert set(event) == {field.name for field in catalogue.load("raw.case").fields}
    assert event["prs_FirstName"] == "Tavrin"
    assert event["agency"] == "shelter-lbn"


def test_the_toolkits_own_defects_are_mapped(tmp_path: Path) -> None:
    """Typo, survey names, stray spaces, codes joined by spaces, an empty column, a two-letter country."""
    path = tmp_path / "toolkit.csv"
    path.write_text(
        ",record_id,hte_Date,con_Consent,prs_First_Name,vic_TraffickinStatusDecisionMakingOrg,vic_Methods_of_Control ,"
        "prs_Gender,hte_Country,prs_Citizenship\n"
        ",7,2024-03-05,yes,Tavrin,Police,DebtBondage  FalsePromises,Feminine\u00a0,NA,NA\n",
        encoding="utf-8",
    )
    (event,), _ = converted(path)
    assert event["vic_TraffickingStatusDecisionMakingOrg"] == "Police"
    assert event["vic_MethodsOfControl"] == ["DebtBondage", "FalsePromises"]
    assert (event["prs_Gender"], event["CountryOfExploitation"]) == ("Feminine", "NAM")
    assert event["prs_Citizenship"] == ["NAM"]
    assert event["prs_FirstName"] == "Tavrin"


@pytest.mark.parametrize("separator", [";", "|", " ", " ; "])
def test_several_codes_stand_in_one_cell(tmp_path: Path, separator: str) -> None:
    (event,), _ = one(tmp_path, ROW | {"vic_TypeOfExploitation": separator.join(["ForcedLabour", "Servitude"])})
    assert event["vic_TypeOfExploitation"] == ["ForcedLabour", "Servitude"]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"vic_TraffickingStatus": "Zavulet"}, "CON-011", "vic_TraffickingStatus"),
        ({"vic_TypeOfExploitation": ["ForcedLabour", "Zavulet"]}, "CON-011", "vic_TypeOfExploitation.1"),
        ({"event_date": "2199-01-01"}, "CON-013", "event_date"),
        ({"event_date": "05.03.2024"}, "CON-012", "event_date"),
        ({"event_date": None}, "CON-010", "event_date"),
        ({"record_id": None}, "CON-010", "record_id"),
        ({"con_Consent": None}, "CON-010", "con_Consent"),
        ({"con_Consent": False}, "CON-106", "con_Consent"),
        ({"vic_AgeWhenTrafficked": 300}, "CON-014", "vic_AgeWhenTrafficked"),
        ({"CountryOfExploitation": "Zavulet"}, "CON-011", "CountryOfExploitation"),
        ({"prs_FirstName": {"Zavulet": 1}}, "CON-014", "prs_FirstName"),
        ({"vic_TypeOfExploitation": [{"Zavulet": 1}]}, "CON-014", "vic_TypeOfExploitation.0"),
        ({"record_id": ["Zavulet"]}, "CON-014", "record_id"),
    ],
)  # fmt: skip
def test_a_bad_row_names_field_and_code_and_never_the_value(
    tmp_path: Path, change: dict[str, Any], code: str, field: str
) -> None:
    events, (fault,) = one(tmp_path, ROW | change, ROW | {"record_id": "8"})
    assert len(events) == 1
    assert (fault.code, fault.field) == (code, field)
    assert "Zavulet" not in str(fault)


def test_a_withdrawal_needs_no_consent(tmp_path: Path) -> None:
    (event,), _ = one(tmp_path, ROW | {"revision": 2, "withdrawn": True, "con_Consent": False, "consent_basis": "None"})
    assert event["withdrawn"] is True


def test_an_unknown_column_is_named_and_a_missing_header_is_not(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="CON-104: unknown column shoe_size"):
        one(tmp_path, ROW | {"shoe_size": 38})
    path = tmp_path / "headless.csv"
    path.write_text("Tavrin,Masuli,1991-02-03\nKadas,Rizutu,1990-01-01\n", encoding="utf-8")
    with pytest.raises(ContractError, match="CON-105") as raised:
        converted(path)
    assert "Tavrin" not in str(raised.value)


def test_an_unknown_column_that_looks_like_no_name_is_told_by_its_place(tmp_path: Path) -> None:
    """A cell of a person's data where a column name should be is not repeated."""
    with pytest.raises(ContractError) as raised:
        one(tmp_path, ROW | {"+961 3 482 915": "x"})
    assert "482" not in str(raised.value)
    assert "column 7" in str(raised.value)


def test_who_has_no_name_or_no_birth_year_is_a_person_of_their_own(tmp_path: Path) -> None:
    without = {name: value for name, value in ROW.items() if name != "prs_Birthdate"}
    events, _ = one(tmp_path, without, without | {"record_id": "8"}, ROW, ROW | {"record_id": "9"})
    persons = [event["person"] for event in events]
    assert len(set(persons[:2])) == 2
    assert persons[2] == persons[3]


@pytest.mark.parametrize("kind", ["indicator", "activity"])
def test_an_agencys_own_aggregate_has_no_person(tmp_path: Path, kind: str) -> None:
    rows = {
        "indicator": {"indicator": "HotlineCalls", "phenomenon": "TIP", "value": 9},
        "activity": {"activity_type": "SchoolSession", "participants_female": 9},
    }
    (event,), _ = one(tmp_path, {"record_id": "7", "event_date": "2024-03"} | rows[kind], kind=kind)
    assert set(event) == {field.name for field in catalogue.load(f"raw.{kind}").fields}


@pytest.mark.parametrize("name", column_mapping.NAMES)
def test_every_code_of_a_mapping_is_in_the_contracts_lists(name: str) -> None:
    found = column_mapping.load(name)
    lists = {field.name: str(field.codelist) for field in catalogue.load("raw.case").fields}
    given = [(field, code) for field, columns in found.flags.items() for codes in columns.values() for code in codes]
    given += [(field, code) for field, table in found.codes.items() for code in table.values()]
    assert [(field, code) for field, code in given if not codelists.valid(lists[field], code)] == []


@pytest.mark.shared
def test_the_derived_file_is_taken_whole(shared_dir: Path) -> None:
    """48,773 rows, eight columns of geography ignored as the mapping declares, each row a person of its own."""
    events, faults = converted(shared_dir / "data/ctdc/GlobalDataset_14Apr2020_derived_15col.csv.gz")
    assert (len(events), faults) == (48_773, [])
    assert len({event["event_id"] for event in events}) == len({event["person"] for event in events}) == 48_773
    assert Counter(event["CountryOfExploitation"] for event in events)[None] == 10_175 + 844
    assert Counter(event["prs_Gender"] for event in events) == {"Feminine": 35_506, "Masculine": 13_267}
    assert {event["consent_basis"] for event in events} == {"CoveredByPublication"}
    forms = Counter("ForcedLabour" in (event["vic_TypeOfExploitation"] or ()) for event in events)
    assert forms[True] == 9_772
    assert {len(event["event_date"]) for event in events} == {4}


@pytest.mark.shared
def test_the_rows_of_2020_are_taken_as_published(shared_dir: Path) -> None:
    events, faults = converted(shared_dir / "data/ctdc/GlobalDataset_14Apr2020_header_and_6_verbatim_rows.csv")
    assert not faults
    assert [event["prs_Citizenship"] for event in events] == [["COL"], ["MDA"], ["MDA"], ["UGA"], ["UGA"], ["UGA"]]
    assert [event["CountryOfExploitation"] for event in events] == [None] * 3 + ["UGA"] * 3
    assert [event["vic_TypeOfExploitation"] for event in events][:2] == [["SexualExploitation"], None]
    assert [event["ageBroad"] for event in events][3:] == ["30--38", "30--38", None]
    assert {event["Datasource"] for event in events} == {"CaseManagement"}


@pytest.mark.shared
def test_the_later_form_has_blanks_and_rows_without_a_year_are_refused(shared_dir: Path) -> None:
    events, faults = converted(shared_dir / "data/ctdc/GlobalKAnonDataset_semicolon_variant_header_and_rows.csv")
    assert [event["event_date"] for event in events] == ["2002"]
    assert [(fault.code, fault.field) for fault in faults] == [("CON-010", "event_date")] * 2
