"""Files as agencies hand them over."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ingest.files import row_reader
from schemas.errors import ConfigurationError, ContractError


def given_file(folder: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    source = row_reader.survey(
        given_file(tmp_path, delimiter.join(["a", "b", "c"]) + "\n" + delimiter.join("123") + "\n")
    )
    assert (source.columns, source.delimiter) == (("a", "b", "c"), delimiter)
    assert [row.cells for row in row_reader.rows(source)] == [{"a": "1", "b": "2", "c": "3"}]


def test_a_file_and_its_gzip_are_one_file(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfa,b\r\n1,2\r\n"
    plain = row_reader.survey(given_file(tmp_path, content))
    packed = row_reader.survey(given_file(tmp_path, gzip.compress(content), "file.csv.gz"))
    assert (plain.digest, plain.columns) == (packed.digest, packed.columns)
    assert [row.cells for row in row_reader.rows(plain)] == [row.cells for row in row_reader.rows(packed)]
    assert plain.columns == ("a", "b")  # the byte order mark is no part of a name


def test_a_row_is_named_by_the_line_it_begins_on(tmp_path: Path) -> None:
    source = row_reader.survey(given_file(tmp_path, 'a,b\n1,"two\nlines"\n\n3,4\n'))
    assert [row.line for row in row_reader.rows(source)] == [2, 5]


def test_a_row_that_is_none_is_refused_alone(tmp_path: Path) -> None:
    source = row_reader.survey(given_file(tmp_path, '{"a": 1}\n{"a": \n[1]\n{"a": 2}\n', "file.jsonl"))
    codes = [row.fault.code if row.fault else None for row in row_reader.rows(source)]
    assert codes == [None, "CON-102", "CON-102", None]
    source = row_reader.survey(given_file(tmp_path, "a,b\n1\n1,2,3\n1,2\n"))
    assert [row.fault.code if row.fault else None for row in row_reader.rows(source)] == ["CON-103", "CON-103", None]


@pytest.mark.parametrize("encoding", ["cp1256", "utf-16", "utf-16-le", "latin-1"])
def test_another_encoding_refuses_the_file_and_names_the_line_alone(tmp_path: Path, encoding: str) -> None:
    text = "a,b\n1,2\nx,\u0645\u0631\u064a\u0645\n" if encoding != "latin-1" else "a,b\n1,2\nx,\u00e9t\u00e9\n"
    with pytest.raises(ContractError, match=r"CON-100: line [13] is not text in UTF-8$"):
        row_reader.survey(given_file(tmp_path, text.encode(encoding)))


def test_what_is_no_file_is_a_configuration_fault(tmp_path: Path) -> None:
    for path, code in ((tmp_path, "CFG-100"), (tmp_path / "none", "CFG-100"), (given_file(tmp_path, ""), "CFG-101")):
        with pytest.raises(ConfigurationError, match=code):
            row_reader.survey(path)
    torn = gzip.compress(b"a,b\n1,2\n" * 1000)[:-20]
    with pytest.raises(ConfigurationError, match="CFG-100"):
        row_reader.survey(given_file(tmp_path, torn, "torn.csv.gz"))


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="CON-101"):
        row_reader.survey(given_file(tmp_path, "a,a\n1,2\n"))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Reading a file of any content ends in rows or in a typed fault."""
    path = given_file(tmp_path_factory.mktemp("any"), content)
    try:
        for row in row_reader.rows(row_reader.survey(path)):
            assert row.line >= 1
    except (ConfigurationError, ContractError) as fault:
        assert fault.code  # noqa: PT017 - either way is right


@pytest.mark.parametrize(
    "line",
    [
        '{"con_Consent": false, "con_Consent": true}',
        '{"a": 1, "b": {"c": 1, "c": 1}}',
        '{"a": [{"c": 1, "c": 2}]}',
        '{"a": 1, "\\u0061": 2}',
    ],
)
def test_a_row_that_names_a_key_twice_is_refused_alone(tmp_path: Path, line: str) -> None:
    """Which value holds would depend on the reader; the rows beside it are good, and no key of it is a column."""
    source = row_reader.survey(given_file(tmp_path, f'{{"a": 1}}\n{line}\n{{"a": 2}}\n', "file.jsonl"))
    first, twice, last = row_reader.rows(source)
    assert (first.cells, last.cells, source.columns) == ({"a": 1}, {"a": 2}, ("a",))
    assert isinstance(twice.fault, ContractError)
    assert (twice.fault.code, "twice" in twice.fault.message) == ("CON-102", True)
