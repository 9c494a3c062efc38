"""`amana notices`: what became of an agency's own records, with the agency's own credential and folder.

Purpose: options and output. `connectors.ingest.own_records` reads the notices, `connectors.feed` the releases.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The agency's folder of secrets and the public one are enough.
- Nothing is shown that follows from another agency's events: such things are not in what is read.
- `reconcile` ends with exit status 0 only if every published record has its notice.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from amana.site import Site
from connectors.adapters import notices_topic, schema_ids
from connectors.adapters.cluster import Cluster
from connectors.feed.publications import publications
from connectors.feed.trend_reader import TrendReader
from connectors.ingest import own_records
from streams.broker import access, topics
from streams.core.counting.agency_notices import Notice, OwnBooks

__all__ = ["register"]

Agency = Annotated[str, typer.Option("--agency", help="Id of your agency.", show_default=False)]
Data = Annotated[Path | None, typer.Option("--data", help="Data directory; else AMANA_DATA.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Result = Annotated[
    str | None, typer.Option(help="Only records with this result: accepted, duplicate, superseded, late or refused.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Go on with new notices until Ctrl-C.")]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", help="Longest wait until all records are read.")]


def register(app: typer.Typer) -> None:
    """Add `notices list`, `reconcile` and `released`."""
    group = typer.Typer(help="What became of your own records: list, reconcile, released.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (reconcile, released):
        group.command()(command)
    app.add_typer(group, name="notices")


def list_(
    agency: Agency, result: Result = None, data: Data = None, *, follow: Follow = False, as_json: AsJson = False
) -> None:
    """List your records by place, with the result of each at the de-identifier; one a line."""
    cluster = _cluster(data, agency)
    found: Iterable[Notice] = (
        notices_topic.followed_notices(cluster, agency) if follow else own_records.notices(cluster, agency)
    )
    show: Callable[[str, Notice], str] = _document if as_json else _line
    for notice in found:
        if result in {None, notice.result}:
            print(show(agency, notice), flush=follow)


def reconcile(agency: Agency, wait: Wait = 0.0, data: Data = None, *, as_json: AsJson = False) -> None:
    """Compare what you published with its notices; exit status 1 if a record has none."""
    books = own_records.books(_cluster(data, agency), agency, wait=wait)
    if as_json:
        lines = [dataclasses.asdict(line) for line in books.lines]
        missing = [_place(agency, *place) for place in books.missing]
        print(json.dumps({"agency": agency, "lines": lines, "missing": missing, "unread": books.unread}, indent=1))
    else:
        _show(agency, books)
    if books.missing or books.unread:
        raise typer.Exit(1)


def released(agency: Agency, data: Data = None, *, as_json: AsJson = False) -> None:
    """List the releases of every period: an accepted event is considered in those of its date's periods."""
    cluster = _cluster(data, agency)
    allowed = schema_ids.allow_list(cluster.schema_ids, ["trend"]).allowed("trend")
    with TrendReader(cluster.kafka_settings(), allowed) as reader:
        prints = publications(reader.rows())
    if as_json:
        print(json.dumps([dataclasses.asdict(one) for one in prints], indent=1))
        return
    for one in prints:
        kind = f"revision {one.revision}" if one.revision else "first print"
        print(f"{one.population:<14}{one.period:<9}{kind:<13}as of {one.as_of}  {one.release}")


def _cluster(data: Path | None, agency: str) -> Cluster:
    """Return the broker as the agency's principal; raises CFG-102 if the site has no such agency."""
    site = Site.open(data)
    site.require_agency(agency)
    return site.cluster(access.agency_principal(agency))


def _show(agency: str, books: OwnBooks) -> None:
    for line in books.lines:
        if not line.published:
            continue
        counts = {**line.results, "not read yet": line.unread, "missing": line.missing}
        text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        print(f"{line.kind:<12}{line.published:>9} published: {text}")
        for code, count in line.refused.items():
            print(f"  refused {count} x {code}")
        if line.results["refused"]:
            print(f"  in quarantine {line.in_quarantine}")
    for place in books.missing:
        print(f"missing: {_place(agency, *place)}")
    print(f"difference {len(books.missing)}, not read yet {books.unread}")


def _line(agency: str, notice: Notice) -> str:
    place = _place(agency, notice.kind, notice.partition, notice.offset)
    why = f" {notice.code}" if notice.code else ""
    field = f" ({notice.field})" if notice.field else ""
    return f"{place:<48}{notice.result}{why}{field}{', replayed' if notice.replayed else ''}"


def _document(agency: str, notice: Notice) -> str:
    return json.dumps({"topic": topics.raw(agency, notice.kind), **dataclasses.asdict(notice)})


def _place(agency: str, kind: str, partition: int, offset: int) -> str:
    return f"{topics.raw(agency, kind)}/{partition}/{offset}"
