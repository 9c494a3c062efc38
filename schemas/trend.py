"""Released rows: the one form in which a cell leaves the system, for the release process and for the feed alike.

Purpose: say what a row of a topic `trend.*` holds, how it is written as a record, in which region's topic it belongs,
and by which digest all rows of a release are held against the audit log.
Called by: `streams.core.releasing` makes rows; `streams.release`, `connectors.adapters` and `connectors.feed` pass,
store, send and read them, as does `amana.trend_feed`; `anonymizer` and `connectors.offline.table_files` spell totals
with `TOTAL`.

    row = TrendRow.from_record(codec.decode(message, allowed))   # as the feed reads it
    rows_digest({row.region_id: [row]})                          # as the audit log holds it, under `rows`

Invariants:
- A row that was sent and read again is the same row, with the same record and so with the same digest.
- A row is about cells, never about one person.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["TOTAL", "TrendRow", "record_digests", "region_id", "rows_digest"]

TOTAL: Final = "_T"
"""The code of a margin: the sum over a dimension. From SDMX, where `_T` is the total of a code list."""

_NOISY_ONLY: Final = frozenset({"sd", "lo90", "hi90", "estimate", "known", "missing", "agencies", "certainty"})


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One released cell of one table in one region's feed, field by field as in `trend.avsc`.

    `value` counts persons and is None unless `status` is `published`. The fields from `sd` on belong to noisy rows, and
    are None where a value is exact or withheld: the standard deviation and the 90 % interval of `estimate`, which is
    unbiased and of which `value` is the rounded form, at least 0; the persons of the place of whom the table's codes
    are all `known`, and of whom they are `missing`, both noisy; the `agencies` that are declared to report there.
    `certainty` is `sound`, `too_uncertain`, or `not_covered` where no agency of the collaborative works.
    """

    release: str
    as_of: str
    revision: int
    population: str
    table: str
    scheme: str
    region: str
    period: str
    dimensions: Mapping[str, str]
    value: int | None
    status: str
    k: int
    policy: str
    sd: float | None = None
    lo90: float | None = None
    hi90: float | None = None
    estimate: float | None = None
    known: float | None = None
    missing: float | None = None
    agencies: int | None = None
    certainty: str | None = None

    @property
    def state(self) -> str:
        """The word for the row in a report: its status, or its certainty where that is less than `sound`."""
        return self.status if self.certainty in {None, "sound"} else str(self.certainty)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the row of a decoded record, whether or not the record has the fields of noisy values."""
        return cls(**record)

    def record(self) -> dict[str, object]:
        """Return the row as a record of `trend.avsc`, without the fields of noisy values where they are None."""
        # Not `dataclasses.asdict`, which copies every value: the release process spells all rows that are out, at each
        # start.
        plain = {name: getattr(self, name) for name in self.__slots__}
        plain["dimensions"] = dict(self.dimensions)
        # The ledger and the digest store the record as JSON. Rows of exact tables were stored before the three fields
        # existed: a null written out would give such a row another digest than the one that the audit log holds. In
        # Avro it makes no difference, because null is the fields' default.
        return {name: value for name, value in plain.items() if value is not None or name not in _NOISY_ONLY}

    @property
    def cell(self) -> tuple[object, ...]:
        """The cell that the row is about, whichever release it came in; rows sort by it."""
        place = (self.population, self.table, self.scheme, self.region, self.period)
        return (*place, tuple(sorted(self.dimensions.items())))

    @property
    def region_id(self) -> str:
        """The id of the row's region, which ends the name of its topic."""
        return region_id(self.scheme, self.region)


def region_id(scheme: str, region: str) -> str:
    """Return `scheme` where the scheme is one region of that name, else `scheme-region`; ends a trend topic's name."""
    return scheme if scheme == region else f"{scheme}-{region}"


def rows_digest(feeds: Mapping[str, Sequence[TrendRow]]) -> str:
    """Return the digest of all rows of a release, as the audit log holds it.

    Args:
        feeds: region id → the rows in that region's topic, in the order in which they were sent. A table that was
            withheld from a release is an entry of its own: its rows have the status `withheld`.

    Returns:
        The SHA-256 of the rows' records as JSON with sorted names, in hexadecimal digits.
    """
    return record_digests({region: [row.record() for row in rows] for region, rows in feeds.items()})[0]


def record_digests(feeds: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[str, dict[str, str]]:
    """Return `rows_digest` from the rows' records, and the digest of each region by itself.

    Args:
        feeds: region id → the records in that region's topic, in the order in which they were sent.
    """
    # Each region is spelt once, and is a part of both texts.
    names = {region: json.dumps(region, ensure_ascii=False) for region in sorted(feeds)}
    parts = {
        region: f"{name}:{json.dumps(feeds[region], sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"
        for region, name in names.items()
    }
    return _digest(parts.values()), {region: _digest([part]) for region, part in parts.items()}


def _digest(parts: Iterable[str]) -> str:
    text = "{" + ",".join(parts) + "}"
    return hashlib.sha256(text.encode()).hexdigest()
