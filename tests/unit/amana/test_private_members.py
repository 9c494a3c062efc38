"""Private members of libraries: each is there as expected, a missing one is found, and none is used beside the list."""

import ast
import importlib.metadata
import re
from dataclasses import replace
from pathlib import Path

import pytest

from amana.composition import private_members
from amana.composition.private_members import MEMBERS, VERSIONS, Member
from schemas.errors import IntegrityError

ROOT = Path(__file__).parents[3]
ROOMS = ("amana", "anonymizer", "connectors", "schemas", "streams")
LIBRARIES = (*VERSIONS, "re")
PRIVATE, OWN = re.compile(r"\w\.(_[a-zA-Z]\w*)"), re.compile(r"self\.(_[a-z]\w*)")
RECORDS = "aiokafka.consumer.fetcher:PartitionRecords"
PLANTED = Member("aiokafka", "aiokafka.consumer.fetcher:Fetcher", "_no_such_member", "streams.runtime.transport")


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: f"{member.used_by}: {member.owner}.{member.name}")
def test_a_private_member_is_as_expected(member: Member) -> None:
    private_members.check(member.library, members=[member])


@pytest.mark.parametrize(
    "planted",
    [
        PLANTED,
        replace(PLANTED, owner="aiokafka.consumer.fetcher:NoSuchClass"),
        replace(PLANTED, owner="aiokafka.no_such_module"),
        replace(
            PLANTED,
            owner=RECORDS,
            name="_unpack_records",
            parameters=("self", "x"),
        ),
        replace(PLANTED, owner=RECORDS, name="_tp", parameters=("self",)),
    ],
    ids=["member", "class", "module", "signature", "value in place of a function"],
)
def test_a_planted_difference_ends_the_start(planted: Member) -> None:
    with pytest.raises(IntegrityError) as caught:
        private_members.check("aiokafka", members=[*MEMBERS, planted])
    assert caught.value.code == "INT-025"


def test_a_library_that_is_not_loaded_is_not_checked() -> None:
    private_members.check("faust-streaming", members=[PLANTED])


@pytest.mark.parametrize("library", VERSIONS)
def test_the_listed_version_is_the_installed_one(library: str) -> None:
    assert importlib.metadata.version(library) == VERSIONS[library]
    assert {member.library for member in MEMBERS} == set(LIBRARIES)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: f"{member.used_by}: {member.owner}.{member.name}")
def test_a_listed_member_is_used_where_the_list_says(member: Member) -> None:
    """A member that nobody needs any more is taken off the list."""
    source = (ROOT / member.used_by.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    class_ = member.owner.rpartition(":")[2]
    assert member.name in source or (member.name == "__init__" and class_ in source)


def test_every_private_member_that_is_used_is_listed() -> None:
    """Every line that ruff is told to let pass (SLF001), and every import of a private module."""
    listed = {(member.used_by, member.name) for member in MEMBERS}
    users = {member.used_by for member in MEMBERS}
    unlisted = []
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for row in text.splitlines():
            code, _, comment = row.partition("#")
            if "SLF001" in comment:
                names = set(PRIVATE.findall(code)) - set(OWN.findall(code))
                unlisted += [(module, name) for name in names if (module, name) not in listed]
        unlisted += [(module, name) for name in _imported(text) if "._" in name and module not in users]
    assert not unlisted


def _imported(text: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(text)))
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return modules | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
