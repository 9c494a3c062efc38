"""A change of contract is allowed only if both sides can still read, and no promise about privacy is broken."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amana.__main__ import build
from schemas import catalogue, evolution
from schemas.errors import ConfigurationError
from schemas.roles import SEALED_ROLES

NAME: dict[str, Any] = {"name": "a", "type": "string", "role": "technical"}


def record(*fields: dict[str, Any], name: str = "R", namespace: str = "n") -> str:
    return json.dumps({"type": "record", "name": name, "namespace": namespace, "fields": list(fields)})


def field(kind: object, **more: object) -> dict[str, Any]:
    return {"name": "b", "type": kind, "role": "technical", **more}


def enum(*symbols: str, **more: object) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


OPTIONAL = ["null", "string"]
SEALED = field(["null", "bytes"], default=None, role="direct_identifier", sealed="string")

ALLOWED = {
    "nothing changes": (record(NAME), record(NAME)),
    "an optional field comes": (record(NAME), record(NAME, field(OPTIONAL, default=None))),
    "an optional field goes": (record(NAME, field(OPTIONAL, default=None)), record(NAME)),
    "an enum with a default grows": (
        record(field(enum("x", default="x"))),
        record(field(enum("x", "y", default="x"))),
    ),
    "a role gets stricter": (record(NAME), record({**NAME, "role": "sensitive_attribute"})),
    "a sealed field comes": (record(NAME), record(NAME, SEALED)),
    "masked text comes": (record(NAME), record(NAME, field(OPTIONAL, default=None, role="free_text", masked="text"))),
}

REFUSED = {
    "a field without default comes": (record(NAME), record(NAME, field("string"))),
    "a field without default goes": (record(NAME, field("string")), record(NAME)),
    "a number gets wider": (record(field("int")), record(field("long"))),
    "an enum grows": (record(field(enum("x"))), record(field(enum("x", "y")))),
    "an enum shrinks": (record(field(enum("x", "y"))), record(field(enum("x")))),
    "a field becomes optional": (record(field("string")), record(field(OPTIONAL))),
    "a union gets wider": (record(field(OPTIONAL)), record(field([*OPTIONAL, "long"]))),
    "items change": (
        record(field({"type": "array", "items": "int"})),
        record(field({"type": "array", "items": "string"})),
    ),
    "values change": (
        record(field({"type": "map", "values": "int"})),
        record(field({"type": "map", "values": "bytes"})),
    ),
    "another name": (record(NAME), record(NAME, name="S")),
    "another namespace": (record(NAME), record(NAME, namespace="m")),
    "a role gets weaker": (record({**NAME, "role": "quasi_identifier"}), record(NAME)),
    "a role goes": (record(NAME), record({"name": "a", "type": "string"})),
    "a role that does not exist": (record(NAME), record({**NAME, "role": "harmless"})),
    "a seal is broken": (record(SEALED), record(field(SEALED["type"], default=None, role="direct_identifier"))),
    "a seal on text that cannot be sealed": (record(NAME), record(NAME, {**SEALED, "type": OPTIONAL})),
    "a name in clear": (record(NAME), record(NAME, field(OPTIONAL, default=None, role="direct_identifier"))),
    "a masked name": (
        record(NAME),
        record(NAME, field(OPTIONAL, default=None, role="direct_identifier", masked="text")),
    ),
    "free text in clear": (record(NAME), record(NAME, field(OPTIONAL, default=None, role="free_text"))),
    "staff in clear": (record(NAME), record(NAME, field(OPTIONAL, default=None, role="staff_identifier"))),
    "a bomb": (record(NAME), record(NAME, field({"type": "array", "items": "null"}, default=[]))),
    "no schema": (record(NAME), "{}"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_harmless_change_is_allowed(name: str) -> None:
    assert evolution.violations(*ALLOWED[name]) == ()


@pytest.mark.parametrize("name", REFUSED)
def test_a_harmful_change_is_refused(name: str) -> None:
    assert evolution.violations(*REFUSED[name])


@pytest.mark.parametrize("stem", catalogue.STEMS)
def test_every_shipped_schema_could_be_registered_for_the_first_time(stem: str) -> None:
    assert evolution.violations(None, catalogue.load(stem).text) == ()


@pytest.mark.parametrize("stem", [f"raw.{kind}" for kind in catalogue.KINDS])
def test_no_sealed_field_of_a_raw_event_can_be_weakened(stem: str) -> None:
    schema = catalogue.load(stem)
    for name in (field.name for field in schema.by_role(*SEALED_ROLES)):
        weaker = json.loads(schema.text)
        for one in weaker["fields"]:
            if one["name"] == name:
                one["role"] = "technical"
        found = evolution.violations(schema.text, json.dumps(weaker))
        assert [(one.path, "stricter" in one.message) for one in found] == [(name, True)]


def run(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(build(), ["schemas", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines()


def written(folder: Path, **files: str) -> str:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.avsc").write_text(text, encoding="utf-8")
    return str(folder)


def test_the_command_prints_one_line_per_violation_and_ends_with_one(tmp_path: Path) -> None:
    old, new = REFUSED["a seal is broken"]
    before = written(tmp_path / "old", case=old, gone=record(NAME), same=record(NAME))
    after = written(tmp_path / "new", case=new, same=record(NAME), fresh=record(NAME))
    status, lines = run("check", before, after)
    assert status == 1
    assert [line.split(":")[0] for line in lines] == ["gone.avsc", "case.avsc"]


def test_the_command_compares_two_files_whatever_they_are_called(tmp_path: Path) -> None:
    folder = Path(written(tmp_path / "both", v1=record(NAME), v2=record(NAME, SEALED)))
    assert run("check", str(folder / "v1.avsc"), str(folder / "v2.avsc"))[0] == 0
    assert run("check", str(folder / "v2.avsc"), str(folder / "v1.avsc"))[0] == 0
    assert run("lint", str(folder))[0] == 0


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b""])
def test_a_file_that_cannot_be_read_is_a_matter_of_configuration(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.avsc"
    if content is not None:
        path.write_bytes(content)
    good = Path(written(tmp_path / "good", good=record(NAME)))
    with pytest.raises(ConfigurationError) as caught:
        run("check", str(path), str(good / "good.avsc"))
    assert caught.value.code == "CFG-040"


def test_the_command_lists_every_subject() -> None:
    status, lines = run("list")
    assert status == 0
    assert [line.split()[0] for line in lines] == [f"{stem}-value" for stem in catalogue.STEMS]
