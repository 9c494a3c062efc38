"""The shipped contracts: every field has its role, and the models of the edge are the Avro files in other words."""

import doctest
import types
import typing
from datetime import date
from typing import Any

import pydantic
import pytest

from schemas import catalogue, codec, codelists, raw, values
from schemas.errors import ContractError
from schemas.roles import SEALED_ROLES, FieldRole, stricter_or_same

TODAY = date(2024, 5, 17)
FIELDS = [(kind, field) for kind in catalogue.KINDS for field in catalogue.load(f"raw.{kind}").fields]
PYTHON_TYPES = {"string": str, "int": int, "long": int, "boolean": bool, "bytes": bytes}


def case(**fields: object) -> dict[str, Any]:
    return {
        "event_id": "0" * 32,
        "agency": "police-jor",
        "revision": 1,
        "event_date": "2024-05",
        "person": "f" * 32,
        "con_Consent": True,
        "consent_basis": "Person",
        "phenomenon": "TIP",
        **fields,
    }


def refusals(**fields: object) -> set[tuple[str, str]]:
    return {(one.code, one.field) for one in raw.problems("case", case(**fields), today=TODAY)}


@pytest.mark.parametrize("module", [catalogue, codec, codelists], ids=lambda module: module.__name__)
def test_the_examples_in_the_documentation_hold(module: types.ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("stem", catalogue.STEMS)
def test_every_code_list_that_a_schema_names_is_shipped(stem: str) -> None:
    assert {field.codelist for field in catalogue.load(stem).fields if field.codelist} <= set(codelists.NAMES)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_every_event_travels_in_an_envelope_and_its_naming_fields_are_texts(kind: str) -> None:
    schema = catalogue.load(f"raw.{kind}")
    assert schema.sealed == "envelope"
    for field in schema.by_role(*SEALED_ROLES):
        assert (field.type, field.nullable) == ("string", True), field.name


@pytest.mark.parametrize("stem", [stem for stem in catalogue.STEMS if not stem.startswith("raw.")])
def test_no_other_schema_names_a_person(stem: str) -> None:
    assert not catalogue.load(stem).by_role(FieldRole.DIRECT_IDENTIFIER, FieldRole.STAFF_IDENTIFIER)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_a_model_has_the_fields_of_its_schema(kind: str) -> None:
    assert raw.MODELS[kind].model_fields.keys() == {field.name for field in catalogue.load(f"raw.{kind}").fields}


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda one: one if isinstance(one, str) else one.name)
def test_a_model_agrees_with_its_schema_on_a_field(kind: str, field: catalogue.FieldSpec) -> None:
    """Type, whether it may be null or left out, and the code list are the same in both."""
    info = raw.MODELS[kind].model_fields[field.name]
    kinds, marks = leaves(info)
    assert (type(None) in kinds) == field.nullable
    assert info.is_required() != field.has_default
    assert {mark.name for mark in marks if isinstance(mark, values.Listed)} == ({field.codelist} - {None})
    assert kinds - {type(None)} == expected_types(field)


def expected_types(field: catalogue.FieldSpec) -> set[Any]:
    if field.symbols:
        return set(field.symbols)
    if field.repeated:
        return {str}
    return {PYTHON_TYPES[str(field.type)]}


def leaves(info: pydantic.fields.FieldInfo) -> tuple[set[Any], list[Any]]:
    """Return the plain types (a literal's values) and the marks in a field's annotation."""
    kinds: set[Any] = set()
    marks: list[Any] = list(info.metadata)
    rest: list[Any] = [info.annotation]
    while rest:
        one = rest.pop()
        origin = typing.get_origin(one)
        if origin is typing.Annotated:
            marks += one.__metadata__
            rest.append(one.__origin__)
        elif origin is typing.Literal:
            kinds |= set(one.__args__)
        elif origin is None:
            kinds.add(getattr(one, "__supertype__", one))  # a NewType is the plain type
        else:
            rest += [inner for inner in typing.get_args(one) if inner is not ...]
    return kinds, marks


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_a_valid_event_fits_its_schema(kind: str) -> None:
    required = {"event_id", "agency", "revision", "event_date"}
    specific = {"indicator": "HotlineCalls", "value": 3, "activity_type": "Campaign", "stage": "Arrested"}
    specific |= {"CountryOfExploitation": "JOR"}
    names = {field.name for field in catalogue.load(f"raw.{kind}").fields}
    given = {name: value for name, value in (case() | specific).items() if name in names}
    event = raw.validate(kind, given, today=TODAY)
    schema = catalogue.load(f"raw.{kind}").parsed
    assert codec.decode(codec.encode(1, schema, event.model_dump()), {1: schema}).items() >= given.items()
    assert required <= given.keys()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("vic_TraffickingStatus", "Maybe", "CON-011"),
        ("CountryOfExploitation", "LB", "CON-011"),
        ("event_date", "2024-13", "CON-012"),
        ("event_date", "2023-02-29", "CON-012"),
        ("event_date", "17/05/2024", "CON-012"),
        ("event_date", "1024", "CON-012"),
        ("event_date", "٢٠٢٤", "CON-012"),
        ("event_date", "2024-06", "CON-013"),
        ("event_date", "2024-05-18", "CON-013"),
        ("prs_Birthdate", "2031", "CON-013"),
        ("prs_Birthdate", "about 1990", "CON-012"),
        ("agency", "Police Jordan", "CON-014"),
        ("event_id", "0" * 31, "CON-014"),
        ("revision", 0, "CON-014"),
        ("vic_AgeWhenTrafficked", -1, "CON-014"),
        ("consent_basis", "Nobody", "CON-014"),
        ("prs_FirstName", 17, "CON-014"),
        ("prs_FirstName", "half\ud800", "CON-014"),
        ("hte_Description", "x" * 16_385, "CON-015"),
        ("hte_Description", "ع" * 8_193, "CON-015"),
        ("HTE_DESCRIPTION", "x", "CON-010"),
    ],
)
def test_a_wrong_value_is_refused_by_field_and_code(field: str, value: object, code: str) -> None:
    assert refusals(**{field: value}) == {(code, field)}


def test_a_missing_field_is_refused_by_name() -> None:
    assert {(one.code, one.field) for one in raw.problems("indicator", {}, today=TODAY)} == {
        ("CON-010", name)
        for name in ("event_id", "agency", "revision", "event_date", "indicator", "phenomenon", "value")
    }


def test_a_code_in_a_list_is_refused_by_its_place() -> None:
    assert refusals(prs_Citizenship=["LBN", "Lebanon"]) == {("CON-011", "prs_Citizenship.1")}


def test_texts_that_do_not_fit_into_one_message_are_refused_together() -> None:
    texts = dict.fromkeys(["prs_FirstName", "prs_SecondName", "hte_Description", "cco_CaseComment"], "x" * 16_000)
    assert refusals(**texts) == {("CON-015", "")}


def test_a_refusal_never_repeats_a_value_or_an_odd_field_name() -> None:
    odd: Any = {"Layla Haddad": 1, "prs_Email": 7, "vic_TraffickingStatus": "Layla", "prs_Birthdate": "Layla"}
    with pytest.raises(ContractError) as caught:
        raw.validate("case", case(**odd), today=TODAY)
    assert "Layla" not in repr([*raw.problems("case", case(**odd), today=TODAY), caught.value, caught.value.field])
    assert caught.value.__context__ is None


def test_a_record_that_does_not_fit_is_refused_without_its_values() -> None:
    with pytest.raises(ContractError) as caught:
        codec.encode(1, catalogue.load("raw.case").parsed, case(phenomenon="Layla"))
    assert (caught.value.code, caught.value.__context__) == ("CON-006", None)
    assert "Layla" not in str(caught.value)


def test_namibia_is_a_country_and_not_a_missing_value() -> None:
    assert codelists.alpha3("NA") == "NAM"
    assert refusals(prs_Citizenship=["NAM"]) == set()


@pytest.mark.parametrize(
    ("code", "country"),
    [("lb ", "LBN"), ("IRQ", "IRQ"), ("XK", "SRB"), ("TB", "CHN"), ("ZR", "COD"), ("AN", "ANT"), ("Y2", "MNE")],
)
def test_an_odd_or_old_country_code_is_understood(code: str, country: str) -> None:
    assert codelists.alpha3(code) == country
    assert codelists.valid("country", country)


@pytest.mark.parametrize("code", ["", "0", "00", "-99", "ZZ"])
def test_a_missing_or_redacted_country_is_no_country(code: str) -> None:
    assert codelists.alpha3(code) is None


def test_no_code_or_label_has_space_around_it_or_a_no_break_space() -> None:
    every = [text for name in codelists.NAMES for pair in codelists.labels(name).items() for text in pair]
    assert [text for text in every if text != " ".join(text.split())] == []
    assert codelists.valid("vic_MethodsOfControl", "DebtBondage")


def test_the_roles_are_ordered_from_nothing_to_naming_somebody() -> None:
    assert min(FieldRole, key=lambda role: role.strictness) is FieldRole.TECHNICAL
    assert all(stricter_or_same(role, FieldRole.DIRECT_IDENTIFIER) for role in FieldRole)
    assert not stricter_or_same(FieldRole.SENSITIVE_ATTRIBUTE, FieldRole.QUASI_IDENTIFIER)
