"""Files that would cost an agency's publisher its memory, or come out as something else than what was written."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from connectors.ingest.files import row_reader
from schemas.errors import AmanaError

GROWTH_BYTES = 64 * 1024 * 1024
HUGE = 256 * 1024 * 1024


def _packed(path: Path, head: bytes, fill: bytes, length: int) -> Path:
    """Write a gzip of `head` and then `length` bytes of `fill`, a megabyte at a time."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(length >> 20):
            file.write(fill * ((1 << 20) // len(fill)))
    return path


def _read(path: Path) -> Iterator[row_reader.SourceRow]:
    yield from row_reader.rows(row_reader.survey(path))


@pytest.mark.parametrize(
    ("name", "head", "fill"),
    [
        ("one.csv.gz", b"a,b\n", b"x"),
        ("quoted.csv.gz", b'a,b\n"', b"x"),
        ("header.csv.gz", b"", b"a,"),
        ("one.jsonl.gz", b'{"a": "', b"x"),
        ("deep.jsonl.gz", b"", b"["),
    ],
)
def test_a_line_without_end_is_refused_before_memory_is(tmp_path: Path, name: str, head: bytes, fill: bytes) -> None:
    """A quarter of a gigabyte from about a megabyte, on one line."""
    path = _packed(tmp_path / name, head, fill, HUGE)
    assert path.stat().st_size < HUGE // 50
    process = psutil.Process()
    before = process.memory_info().rss
    with pytest.raises(AmanaError) as caught:
        list(_read(path))
    assert caught.value.code == "CON-107"
    assert process.memory_info().rss - before < GROWTH_BYTES


def test_a_quote_that_never_closes_costs_no_more_than_its_lines(tmp_path: Path) -> None:
    path = _packed(tmp_path / "open.csv.gz", b'a,b\n"', b"x\n" * 512, 1 << 20)
    faults = {row.fault.code for row in _read(path) if row.fault is not None}
    assert faults <= {"CON-102", "CON-103"}
    assert faults


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp1256", "iso-8859-6"])
def test_another_encoding_is_refused_with_its_line(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes("a,b\n\u062f\u0627\u0646\u0629,1\n".encode(encoding))
    with pytest.raises(AmanaError, match="CON-100"):
        list(_read(path))


def test_a_gzip_in_a_gzip_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"a,b\n1,2\n")))
    with pytest.raises(AmanaError, match="CON-100"):
        list(_read(path))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_formula_is_text_as_it_stands(tmp_path: Path, cell: str) -> None:
    """Nothing evaluates it; and no cell of an agency's file is written to a table: only codes of lists are."""
    path = tmp_path / "formula.csv"
    path.write_text(f"a,b\n{cell},1\n", encoding="utf-8")
    assert [row.cells["a"] for row in _read(path)] == [cell]
