"""A named pipe, a device, a socket or a folder in the place of a file: every command refuses it at once."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amana.__main__ import build
from amana.site import Site
from connectors.adapters import local_files
from schemas.errors import AmanaError

pytestmark = pytest.mark.timeout(20, method="signal")  # a hanging open is what these tests look for

TABLE = "country,value,status\nLBN,12,published\nJOR,,suppressed\n"
COUNTS = "country,count\nLBN,12\nJOR,3\n"
GOLD = '{"text": "a", "spans": []}\n'


def named_pipe(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def folder(path: Path) -> None:
    """Make a folder."""
    path.mkdir()


def device(path: Path) -> None:
    """Make a name of a device without an end."""
    path.symlink_to("/dev/zero")


def local_socket(path: Path) -> None:
    """Make a socket in the file system."""
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have no more than about a hundred bytes
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


ODD = (named_pipe, folder, device, local_socket)

CASES: dict[str, tuple[str, set[str]]] = {
    "publish": ("publish {odd} --agency police-jor --kind case --data {site}", {"CFG-100"}),
    "redact": ("redact {odd}", {"CFG-012"}),
    "redact policy": ("redact {gold} --policy {odd}", {"CFG-011"}),
    "redact receipts": ("redact {gold} --receipts {odd}", {"CFG-254"}),
    "evaluate": ("evaluate {odd} {gold}", {"CFG-012"}),
    "evaluate packed": ("evaluate {gold} {odd.gz}", {"CFG-012"}),
    "protect": ("protect {odd} --dims country --out {out}", {"CON-080"}),
    "protect groups": ("protect {counts} --dims country --out {out} --groups {odd}", {"CON-080"}),
    "attack": ("attack {odd-folder}", {"CON-080"}),
    "attack groups": ("attack {tables} --groups {odd}", {"CON-080"}),
    "attack own": ("attack {tables} --own {odd}", {"CON-080"}),
    "attack truth": ("attack {tables} --truth {odd-folder}", {"CON-080"}),
    "attack log": ("attack {tables} --log {odd} --guesses {gold}", {"CFG-083"}),
    "attack guesses": ("attack {tables} --log {gold} --guesses {odd}", {"CFG-083"}),
    "attack out": ("attack {tables} --out {odd}", {"CFG-254"}),
    "audit key": ("audit verify {log} --key {odd}", {"CFG-131"}),
    "audit seen": ("audit verify {log} --key {key} --seen {odd}", {"CFG-133"}),
    "audit log": ("audit verify {odd-log} --key {key}", {"INT-120"}),
    "schemas lint": ("schemas lint {odd.avsc}", {"CFG-040"}),
    "schemas check": ("schemas check {odd.avsc} {odd.avsc}", {"CFG-040"}),
    "budget": ("budget show --file {odd}", {"CFG-160"}),
    "demo": ("demo --out {demo} --input {odd}", {"CFG-060"}),
}
"""Command line and the codes with which it may refuse."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that was never started."""
    home = tmp_path_factory.mktemp("site")
    Site.create(home)
    return home


@pytest.fixture
def words(tmp_path: Path, site: Path) -> dict[str, Path]:
    """Return the good files that command lines name, and the places of odd ones."""
    made = {
        "site": site,
        "key": site / "public" / "audit.pub",
        "gold": tmp_path / "gold.jsonl",
        "counts": tmp_path / "counts.csv",
        "tables": tmp_path / "tables",
        "log": tmp_path / "log",
        "out": tmp_path / "out",
        "demo": tmp_path / "demo",
        "odd": tmp_path / "odd",
        "odd.gz": tmp_path / "odd.gz",
        "odd.avsc": tmp_path / "odd.avsc",
        "odd-folder": tmp_path / "odd-folder",
        "odd-log": tmp_path / "odd-log",
    }
    made["gold"].write_text(GOLD)
    made["counts"].write_text(COUNTS)
    for name in ("tables", "log", "odd-folder", "odd-log"):
        made[name].mkdir()
    (made["tables"] / "t.csv").write_text(TABLE)
    return made


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("case", CASES)
def test_a_command_refuses_what_is_no_file(case: str, make: Callable[[Path], None], words: dict[str, Path]) -> None:
    """At once, with its code, and without a byte read or written."""
    line, codes = CASES[case]
    for place in ("odd", "odd.gz", "odd.avsc"):
        make(words[place])
    make(words["odd-folder"] / "t.csv")
    for name in ("entries.jsonl", "leaves", "checkpoints", "audit.pub"):
        make(words["odd-log"] / name)
    arguments = [str(words[part[1:-1]]) if part.startswith("{") else part for part in line.split()]
    answer = CliRunner().invoke(build(), arguments)
    assert isinstance(answer.exception, AmanaError), answer.output
    # A folder of schemas may be named; this one is empty.
    assert answer.exception.code in codes
    assert not stat.S_ISREG(words["odd"].lstat().st_mode)


def test_exact_counts_are_not_written_to_what_is_no_file(tmp_path: Path) -> None:
    """Nor left readable in a file that was there before."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"no regular file|No such device"):
        local_files.write_private(tmp_path / "pipe", "exact")
    (tmp_path / "old.csv").write_text("longer than the new one")
    (tmp_path / "old.csv").chmod(0o644)
    local_files.write_private(tmp_path / "old.csv", "exact")
    assert (tmp_path / "old.csv").read_text() == "exact"
    assert stat.S_IMODE((tmp_path / "old.csv").stat().st_mode) == 0o600
