"""Hand-made released rows, as many as charts need, and a reader of pages of charts."""

import itertools
import random
from collections.abc import Iterator
from html.parser import HTMLParser

from schemas.trend import TrendRow

COUNTRIES = ("EGY", "IRQ", "JOR", "KWT", "LBN", "SAU")
FORMS = ("ForcedLabour", "SexualExploitation", "ForcedBegging", "ForcedMarriage", "ForcedLabour+Servitude", "unknown")


def a_feed_row(value: int | None = 42, **changed: object) -> TrendRow:
    """Return one row; without a value it is suppressed."""
    usual: dict[str, object] = {
        "release": "cases-2024-Q1-0", "as_of": "2024-04-20", "revision": 0, "population": "cases", "table": "totals",
        "scheme": "pave", "region": "pave", "period": "2024-Q1", "dimensions": {}, "value": value,
        "status": "suppressed" if value is None else "published", "k": 11, "policy": "0123456789abcdef",
    }  # fmt: skip
    return TrendRow(**{**usual, **changed})  # type: ignore[arg-type] # a test's own choice of fields


def a_region(
    *, scheme: str = "pave", region: str = "pave", period: str = "2024-Q1", seed: int = 1, none: bool = False
) -> Iterator[TrendRow]:
    """Yield a region's tables for one period; with `none`, nothing but suppressed cells."""
    chosen = random.Random(f"{seed}{region}{period}")
    place: dict[str, object] = {"scheme": scheme, "region": region, "period": period}

    def number(most: int) -> int | None:
        drawn = chosen.randrange(most)
        return None if none or drawn < 11 else drawn

    for cell, most in _persons():
        table = "exploitation-by-gender" if "gender" in cell else "totals"
        value = 0 if cell.get("country") == "SAU" and not none else number(most)
        yield a_feed_row(value, table=table, dimensions=cell, **place)
    for activity, sex in itertools.product(("AwarenessSession", "PoliceTraining"), ("_T", "F", "M")):
        cell = {"activity_type": activity, "sex": sex}
        yield a_feed_row(number(900), population="activities", table="activities", dimensions=cell, **place)


def _persons() -> Iterator[tuple[dict[str, str], int]]:
    for phenomenon, status in itertools.product(("TIP", "SOM"), ("possible", "confirmed")):
        whom = {"phenomenon": phenomenon, "status": status}
        for country in ("_T", *COUNTRIES):
            yield {**whom, "country": country}, 400 if country == "_T" else 90
        for form, gender in itertools.product(("_T", *FORMS), ("_T", "F", "M")):
            yield {**whom, "exploitation": form, "gender": gender}, 60


def loading_attributes(page: str) -> list[str]:
    """Return `tag attribute` for every attribute of an HTML page through which it could load something."""
    parser = _LoadingAttributes()
    parser.feed(page)
    return parser.names


class _LoadingAttributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loading = {"src", "srcset", "data", "poster", "background", "action", "formaction"}
        self.names += [f"{tag} {name}" for name, _ in attrs if name in loading or (name == "href" and tag != "a")]
