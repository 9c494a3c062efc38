"""From a row of a file to an event of the contract, in clear and still at the agency.

Decides how cells become values: several codes in one cell, countries, flags, what is missing. Which values are good is
decided by the contract (`schemas.raw`). Does not seal, key for the wire, or send.

- Without consent on record an event does not leave the agency, unless it takes itself back: CON-106.
- A message names a field and a code, never a value.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.ingest.event import person_key
from connectors.ingest.files import mapping as mappings
from connectors.ingest.files.row_reader import SourceFile, SourceRow
from schemas import catalogue, codelists, raw
from schemas.catalogue import FieldSpec, Schema
from schemas.errors import ContractError

__all__ = ["OWN_ID", "AgencyKeys", "RowShaper", "contract_fields"]

OWN_ID = "record_id"
"""The column with the agency's own record id; it stays at the agency."""

_MADE_HERE = frozenset({"event_id", "agency", "person", "sealing"})
_NAMES = ("prs_FirstName", "prs_MiddleName", "prs_SecondName")
_SEVERAL = re.compile(r"[;|\s]+")
_YEAR = re.compile(r"\d{4}")

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, repr=False)
class AgencyKeys:
    """The keys that stay with the agencies: their shared one for persons, and one agency's own for event ids."""

    shared: bytes
    agency: bytes


def contract_fields(kind: str) -> frozenset[str]:
    """Return the names that a file's column may have for events of `kind`, before any mapping."""
    fields = {field.name for field in catalogue.load(f"raw.{kind}").fields}
    return frozenset(fields - _MADE_HERE | {OWN_ID})


class RowShaper:
    """Shapes the rows of one file: `agency` publishes events of `kind`; `today` is the last date not in the future."""

    def __init__(self, agency: str, kind: str, found: mappings.Mapping, *, keys: AgencyKeys, today: date) -> None:
        self._agency, self._kind, self._mapping = agency, kind, found
        self._keys, self._today = keys, today
        self.schema: Schema = catalogue.load(f"raw.{kind}")
        self._of_person = any(field.name == "person" for field in self.schema.fields)
        self._columns: dict[str, tuple[str, Convert]] = {}
        self._digest = ""

    def of(self, source: SourceFile) -> "RowShaper":
        """Prepare for the columns of `source`; a column that the mapping does not know refuses the file (CON-104)."""
        fields = contract_fields(self._kind)
        self._mapping.refuse_unknown(source, self._kind, fields)
        self._digest = source.digest
        specs = {field.name: field for field in self.schema.fields}
        for column in source.columns:
            field = self._mapping.field_of(column, self._kind)
            if field in fields:
                self._columns[column] = (field, _converter(field, specs.get(field), self._mapping))
        return self

    def shape(self, row: SourceRow) -> dict[str, Any]:
        """Return the event in `row`: every field of the contract, sealed ones still as text.

        Raises:
            ContractError: the row is refused; `field` and `code` say why.
        """
        if row.fault:
            raise row.fault
        values = dict(self._mapping.defaults)
        self._convert(row.cells, values)
        values.update(self._flags(row.cells))
        own_id = self._own_id(values.pop(OWN_ID, None), row.line)
        values["agency"] = self._agency
        values["event_id"] = person_key.event_id(self._keys.agency, self._kind, own_id)
        if self._of_person:
            values["person"] = self._person(values)
        else:
            values = {name: value for name, value in values.items() if name in self.schema_names}
        valid = raw.validate(self._kind, values, today=self._today).__dict__
        # Avro's union of null and array takes a tuple for a hint of the branch.
        event = {name: list(value) if isinstance(value, tuple) else value for name, value in valid.items()}
        _refuse_without_consent(event)
        return event

    @property
    def schema_names(self) -> frozenset[str]:
        """Names of the contract's fields."""
        return frozenset(field.name for field in self.schema.fields)

    def _convert(self, cells: Mapping[str, Any], values: dict[str, Any]) -> None:
        """Put the cells' values into `values`; what is missing leaves the default there."""
        for column, (field, convert) in self._columns.items():
            cell = cells.get(column)
            if cell is not None and (value := convert(cell)) is not None:
                values[field] = value

    def _flags(self, cells: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        for field, columns in self._mapping.flags.items():
            codes = [code for column, given in columns.items() if self._says_yes(cells, column) for code in given]
            several = tuple(dict.fromkeys(codes))
            if several:
                repeated = next(spec for spec in self.schema.fields if spec.name == field).repeated
                yield field, several if repeated else several[0] if len(several) == 1 else None

    def _says_yes(self, cells: Mapping[str, Any], column: str) -> bool:
        value = cells.get(column, "")
        if value in self._mapping.yes:
            return True
        if value in self._mapping.no or value in self._mapping.missing:
            return False
        raise ContractError("CON-011", "neither yes nor no", field=column)

    def _own_id(self, given: object, line: int) -> str:
        if self._mapping.identity == "row":
            return person_key.row_id(self._agency, self._digest, line)
        if given is None:
            raise ContractError("CON-010", "a field is missing", field=OWN_ID)
        if not isinstance(given, str):
            raise ContractError("CON-014", "a value of another type, form or range", field=OWN_ID)
        return given

    def _person(self, values: Mapping[str, Any]) -> str:
        names = [str(values[name]) for name in _NAMES if values.get(name)]
        born = _YEAR.match(str(values.get("prs_Birthdate") or ""))
        otherwise = person_key.event_person(self._agency, str(values["event_id"]))
        return person_key.person_key(self._keys.shared, names, int(born[0]) if born else None, otherwise=otherwise)


def _refuse_without_consent(event: Mapping[str, Any]) -> None:
    if event.get("con_Consent", True) is False and not event["withdrawn"]:
        raise ContractError("CON-106", "no consent on record", field="con_Consent")


def _converter(field: str, spec: FieldSpec | None, found: mappings.Mapping) -> Convert:
    """Return the function from a cell to the field's value; None is no value."""
    codes, none = found.codes.get(field, {}), frozenset((*found.missing, *found.unknown.get(field, ())))
    country = spec is not None and spec.codelist == "country"

    def code(text: str) -> str:
        name = codes.get(text, text)
        return (codelists.alpha3(name) or name) if country else name

    def one(cell: object) -> object:
        if not isinstance(cell, str):
            return cell  # a number, a yes or no, nothing; the contract refuses the rest
        text = mappings.tidy(cell)
        return None if text in none else code(text)

    def several(cell: object) -> object:
        parts = _SEVERAL.split(mappings.tidy(cell)) if isinstance(cell, str) else cell
        if not isinstance(parts, list):
            return parts
        kept = [part for part in (one(part) for part in parts) if part is not None]
        return [part for place, part in enumerate(kept) if part not in kept[:place]] or None

    def plain(cell: object) -> object:
        """Return a date or own id as text, also where a file gives a number."""
        value = one(cell)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    if spec is None or field == "event_date":
        return plain
    return several if spec.repeated else one
