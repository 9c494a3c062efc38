"""Hand-made releases, as a plan would answer them."""

import datetime as dt
from dataclasses import replace

from schemas.identifiers import ReleaseId
from schemas.trend import TrendRow
from streams.core.releasing.release_decision import Publish, Withhold
from streams.core.releasing.released_rows import ReleaseHeader

AS_OF = dt.date(2024, 4, 20)


def a_row(**changed: object) -> TrendRow:
    """Return one published row of the Levant's totals."""
    usual: dict[str, object] = {
        "release": "r1", "as_of": "2024-04-20", "revision": 0, "population": "cases", "table": "totals",
        "scheme": "levant", "region": "levant", "period": "2024-Q1",
        "dimensions": {"phenomenon": "TIP", "status": "confirmed", "country": "_T"},
        "value": 42, "status": "published", "k": 11, "policy": "0123456789abcdef",
    }  # fmt: skip
    return TrendRow(**{**usual, **changed})  # type: ignore[arg-type] # a test's own choice of fields


def a_publish(release: str = "r1", *, window: str = "2024-Q1", rows: int = 3) -> Publish:
    """Return one release to two regions; the last row of each is suppressed."""
    feed = [a_row(release=release, period=window, dimensions={"status": f"s{n}"}, value=20 + n) for n in range(rows)]
    feed.append(a_row(release=release, period=window, dimensions={"status": "few"}, value=None, status="suppressed"))
    return Publish(
        ReleaseHeader(ReleaseId(release), AS_OF, "cases", window, 0), "suppression", "ab" * 32,
        {"levant": tuple(feed), "pave": tuple(replace(row, scheme="pave", region="pave") for row in feed)},
        {"programs": "≤100"},
    )  # fmt: skip


def a_withhold(release: str = "r1", *, table: str = "means", window: str = "2024-Q1") -> Withhold:
    """Return one table that is withheld from a release."""
    row = a_row(release=release, table=table, period=window, dimensions={}, value=None, status="withheld")
    header = ReleaseHeader(ReleaseId(release), AS_OF, "cases", window, 0)
    return Withhold(header, table, "DIS-020", "cannot be protected", {"levant": (row,)})
