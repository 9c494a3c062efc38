"""The ids of schemas come from a file, and mean what the code says whatever the file says beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.adapters import schema_ids
from schemas import catalogue, codec, parsing
from schemas.errors import ConfigurationError, ContractError

IDS = {stem: number for number, stem in enumerate(catalogue.STEMS, 1)}
LATE = {"agency": "a", "kind": "case", "partition": 0, "offset": 7, "period": "2020", "closed_on": "2022-01-15"}


@pytest.fixture(name="file")
def recorded(tmp_path: Path) -> Path:
    """Return a file with an id for every shipped schema."""
    file = tmp_path / "schema-ids.json"
    schema_ids.record(file, IDS)
    return file


def changed(file: Path, **values: object) -> None:
    """Change the line of `late-value` by hand."""
    document = json.loads(file.read_text())
    for line in document["schemas"]:
        if line["subject"] == "late-value":
            line.update(values)
    file.write_text(json.dumps(document))


def test_every_recorded_id_is_readable_as_the_shipped_schema(file: Path) -> None:
    """The allow-list holds the ids of the file and the schemas of the code."""
    allowed = schema_ids.allow_list(file)
    assert allowed.current == IDS
    assert all(allowed.allowed(stem) == {IDS[stem]: catalogue.load(stem).parsed} for stem in catalogue.STEMS)
    assert schema_ids.lacking(file) == ()


def test_a_record_is_read_under_its_own_topics_id_alone(file: Path) -> None:
    """The id of another topic's schema is refused."""
    allowed = schema_ids.allow_list(file, ["late", "delta"])
    payload = codec.encode(allowed.id_of("late"), catalogue.load("late").parsed, LATE)
    assert codec.decode(payload, allowed.allowed("late")) == LATE
    with pytest.raises(ContractError, match="CON-004"):
        codec.decode(payload, allowed.allowed("delta"))


def test_an_id_whose_digest_the_code_does_not_know_is_ignored(file: Path) -> None:
    """A schema that the code does not ship is not readable, and its absence names the command that mends it."""
    changed(file, sha256="0" * 64)
    assert schema_ids.lacking(file) == ("late-value",)
    with pytest.raises(ConfigurationError, match="amana provision") as caught:
        schema_ids.allow_list(file)
    assert (caught.value.code, caught.value.field) == ("CFG-042", "late-value")


def test_a_file_that_is_not_there_is_a_missing_id(tmp_path: Path) -> None:
    """An agency's machine without the file is told what to copy."""
    with pytest.raises(ConfigurationError, match="copy the file") as caught:
        schema_ids.allow_list(tmp_path / "schema-ids.json", ["late"])
    assert caught.value.code == "CFG-042"


def test_a_schema_keeps_its_id_for_ever(file: Path) -> None:
    """A registry that gives others later changes nothing: the topics hold records under the first ids."""
    before = file.read_bytes()
    schema_ids.record(file, {stem: number + 100 for stem, number in IDS.items()})
    assert file.read_bytes() == before


def test_an_id_is_never_given_to_a_second_schema_of_its_subject(file: Path) -> None:
    """Records of the first would be read by the second."""
    changed(file, sha256="0" * 64)  # as after an upgrade that changed the schema
    before = file.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        schema_ids.record(file, IDS)
    assert caught.value.code == "CFG-251"
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", "null", '{"schemas": 7}', '{"schemas": [7]}', "[" * 100_000, "\ufeff{}"),
        '{"schemas": [{"subject": "late-value", "id": -1, "sha256": "00"}]}',
        '{"schemas": [{"subject": "late-value", "id": "1", "sha256": "00"}]}',
        '{"schemas": [{"subject": "late-value", "id": true, "sha256": "00"}]}',
        '{"schemas": [{"subject": "late-value", "id": 1e9, "sha256": "00"}]}',
        '{"schemas": [{"subject": "late-value", "id": 4294967296, "sha256": "00"}]}',
        '{"schemas": [{"subject": 7, "id": 1, "sha256": "00"}]}',
    ],
)
def test_a_file_of_another_form_is_refused_with_its_code(tmp_path: Path, content: str) -> None:
    """Nothing in it is guessed."""
    file = tmp_path / "schema-ids.json"
    file.write_text(content)
    calls: list[Any] = [schema_ids.allow_list, schema_ids.lacking, lambda path: schema_ids.record(path, IDS)]
    for call in calls:
        with pytest.raises(ConfigurationError) as caught:
            call(file)
        assert caught.value.code == "CFG-250"


def test_the_file_can_be_read_by_everybody(file: Path) -> None:
    """It holds no secret, and agencies get a copy."""
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_layout_and_order_of_members_are_no_part_of_a_schemas_digest() -> None:
    """A registry may store the text without spaces; a change of a field's place is another schema."""
    text = catalogue.load("raw.case").text
    assert parsing.digest(text) == parsing.digest(json.dumps(json.loads(text), indent=7))
    assert parsing.digest(text) == parsing.digest(json.dumps(json.loads(text), sort_keys=True))
    first, second = (f'"name": "{field.name}"' for field in catalogue.load("raw.case").fields[:2])
    swapped = text.replace(first, "?").replace(second, first).replace("?", second)
    assert parsing.digest(text) != parsing.digest(swapped)
