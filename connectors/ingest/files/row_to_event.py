"""Conversion of a row of a file to an event, by the mapping of its columns.

Purpose: turn cells into values of the contract: several codes in one cell, countries, yes-or-no columns, missing
values. A value is good or not by the contract (`connectors.ingest.event.event_builder`).
Called by: `connectors.ingest.file_publisher`.

    source = row_reader.survey(path)
    converter = RowConverter(source, column_mapping.choose(source, "case"), EventBuilder(...))
    events = [converter.convert(row) for row in row_reader.rows(source)]

Invariants:
- A file with a column that the mapping does not know is refused before its first row is converted.
- An error names a field and a code, never a value.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.ingest.event import person_key
from connectors.ingest.event.event_builder import OWN_ID, EventBuilder
from connectors.ingest.files import column_mapping
from connectors.ingest.files.column_mapping import ColumnMapping
from connectors.ingest.files.row_reader import SourceFile, SourceRow
from schemas import codelists
from schemas.catalogue import FieldSpec
from schemas.errors import ContractError

__all__ = ["RowConverter"]

_SEVERAL = re.compile(r"[;|\s]+")

_Convert = Callable[[Any], Any]
"""From a cell to the field's value; None is no value."""


class RowConverter:
    """Converts the rows of one file.

    Args:
        source: the surveyed file.
        mapping: the meaning of its columns.
        builder: makes the events.

    Raises:
        ContractError: CON-104, a column that the mapping does not know; CON-105, no column is known.
    """

    def __init__(self, source: SourceFile, mapping: ColumnMapping, builder: EventBuilder) -> None:
        mapping.refuse_unknown(source, builder.kind, builder.accepted_names)
        self._mapping, self._builder, self._digest = mapping, builder, source.digest
        self._columns: dict[str, tuple[str, _Convert]] = {}
        for column in source.columns:
            field = mapping.field_of(column, builder.kind)
            if field in builder.accepted_names:
                self._columns[column] = (field, _converter(field, builder.fields.get(field), mapping))

    def convert(self, row: SourceRow) -> dict[str, Any]:
        """Return the event in `row`: every field of the contract, the sealed ones still as text.

        Raises:
            ContractError: the row is refused; `field` and `code` say why.
        """
        if row.fault:
            raise row.fault
        values = dict(self._mapping.defaults)
        for column, (field, convert) in self._columns.items():
            cell = row.cells.get(column)
            # A missing value leaves the default in its place.
            if cell is not None and (value := convert(cell)) is not None:
                values[field] = value
        values.update(self._flags(row.cells))
        own_id = self._own_id(values.pop(OWN_ID, None), row.line)
        return self._builder.build(values, own_id)

    def _flags(self, cells: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield field and value of the fields that are spread over several yes-or-no columns."""
        for field, columns in self._mapping.flags.items():
            codes = [code for column, given in columns.items() if self._says_yes(cells, column) for code in given]
            distinct = tuple(dict.fromkeys(codes))
            if not distinct:
                continue
            if self._builder.fields[field].repeated:
                yield field, distinct
            else:
                # Two codes for a field that takes one: neither is more right than the other.
                yield field, distinct[0] if len(distinct) == 1 else None

    def _says_yes(self, cells: Mapping[str, Any], column: str) -> bool:
        value = cells.get(column, "")
        if value in self._mapping.yes:
            return True
        if value in self._mapping.no or value in self._mapping.missing:
            return False
        raise ContractError("CON-011", "neither yes nor no", field=column)

    def _own_id(self, given: object, line: int) -> str:
        if self._mapping.identity == "row":
            return person_key.row_id(self._builder.agency, self._digest, line)
        if given is None:
            raise ContractError("CON-010", "a field is missing", field=OWN_ID)
        if not isinstance(given, str):
            raise ContractError("CON-014", "a value of another type, form or range", field=OWN_ID)
        return given


def _converter(field: str, spec: FieldSpec | None, mapping: ColumnMapping) -> _Convert:
    """Return the function from a cell of `field` to its value; `spec` is None for the agency's own id."""
    codes = mapping.codes.get(field, {})
    missing = frozenset((*mapping.missing, *mapping.unknown.get(field, ())))
    is_country = spec is not None and spec.codelist == "country"

    def _single(cell: object) -> object:
        if not isinstance(cell, str):
            return cell  # a number, a yes or no, nothing; the contract refuses the rest
        text = column_mapping.tidy(cell)
        if text in missing:
            return None
        code = codes.get(text, text)
        # A country that is not known stays as it is: the contract refuses it under the name of its field.
        return (codelists.alpha3(code) or code) if is_country else code

    def _repeated(cell: object) -> object:
        parts = _SEVERAL.split(column_mapping.tidy(cell)) if isinstance(cell, str) else cell
        if not isinstance(parts, list):
            return parts
        values = [value for value in map(_single, parts) if value is not None]
        # Not a set or a dict: JSON may bring values that cannot be hashed, which the contract refuses afterwards.
        return [value for place, value in enumerate(values) if value not in values[:place]] or None

    def _as_text(cell: object) -> object:
        """Return a date or own id as text, also where a JSON file gives it as a number."""
        value = _single(cell)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    if spec is None or field == "event_date":
        return _as_text
    return _repeated if spec.repeated else _single
