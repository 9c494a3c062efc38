"""`amana release`: let the calendar tick, and say what was released, suppressed or withheld.

Decides what the release process is made of (`compose`) and how its answer is shown. Does not release anything itself:
it asks the process that keeps the audit log and the ledger, wherever that runs, and waits for its announced outcome.
"""

import datetime as dt
import functools
import hmac
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from amana.commands.budget import FILE as BUDGET
from amana.site import Site
from amana.spread import spread
from anonymizer.engines import glop, solver
from anonymizer.engines.opendp import OpenDP
from anonymizer.policy import Policy
from anonymizer.tabular.program import Engine
from connectors.adapters import registry
from connectors.adapters.audit_storage import AuditStorage
from connectors.adapters.budget import BudgetFile
from connectors.adapters.ledger import Ledger
from schemas import codec, limits
from schemas.errors import ConfigurationError, TransportError
from streams.agents.release_bus import KafkaBus, Schemas
from streams.agents.release_ports import Cells, Outcome, ReleaseDeps
from streams.core import attacked
from streams.core import release as planning
from streams.core.noisy import Noise
from streams.core.release import Earlier

__all__ = ["Answer", "Line", "Withheld", "compose", "register", "request"]

PRINCIPAL = "worker.release"
_PLANNING_SECONDS = 600  # how long a plan may take once the stages are idle
_AUDIT = TopicPartition("audit", 0)
_ATTACKS = ("ortools.linear_solver.pywraplp",)  # what a process that attacks takes long to load

AsOf = Annotated[str, typer.Option("--as-of", metavar="DATE", help="Release what is due on this day (YYYY-MM-DD).")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait for the stages to be idle.")]


@dataclass(frozen=True, slots=True)
class Line:
    """Cells of the feeds of one population and year: released, suppressed, withheld with their table."""

    population: str
    year: int
    released: int = 0
    suppressed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Withheld:
    """One table that was not released in one window, and why."""

    population: str
    window: str
    table: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one tick came to; `code` and `reason` say why it was refused, and are empty where it was not."""

    tick: str
    lines: tuple[Line, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    code: str = ""
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, details: Mapping[str, str], seconds: float) -> "Answer":
        """Read the announced outcome."""
        if details["outcome"] != "done":
            return cls(details["tick"], code=details["code"], reason=details["reason"], seconds=seconds)
        counts: dict[tuple[str, int], dict[str, int]] = {}
        for population, year, status, cells in json.loads(details["cells"]):
            counts.setdefault((population, year), {})[_FIELD[status]] = cells
        lines = tuple(Line(population, year, **found) for (population, year), found in sorted(counts.items()))
        return cls(
            details["tick"], lines, tuple(Withheld(*one) for one in json.loads(details["withheld"])), "", "", seconds
        )


_FIELD = {"published": "released", "suppressed": "suppressed", "withheld": "withheld"}


def register(app: typer.Typer) -> None:
    """Add `release`."""
    app.command()(release)


def release(as_of: AsOf, timeout: Timeout = 120.0) -> None:
    """Release everything that is due as of a date and was not released yet."""
    try:
        day = dt.date.fromisoformat(as_of)
    except ValueError as error:
        raise ConfigurationError("CFG-140", "--as-of takes a date of the form YYYY-MM-DD") from error
    answer = request(Site.open(), day, patience=timeout)
    show(answer, Console())
    raise typer.Exit(1 if answer.code else 0)


def request(site: Site, as_of: dt.date, *, patience: float) -> Answer:
    """Let the calendar tick and wait for the announced outcome; `patience` is how long the stages may take, in seconds.

    Raises:
        TransportError: TRA-142, the release process did not answer; TRA-140, the broker is out of reach.
    """
    allowed = registry.ids(site.registry, ["audit"]).allowed("audit")
    settings = site.kafka_settings("operator")
    tick, started = uuid.uuid4().hex, time.monotonic()
    try:
        consumer = KafkaConsumer(**settings, enable_auto_commit=False)
        consumer.assign([_AUDIT])
        consumer.seek_to_end(_AUDIT)
        consumer.position(_AUDIT)  # resolves the end now, before the tick
        _send(settings, {"id": tick, "as_of": as_of.isoformat(), "timeout": patience})
        for value in _values(consumer, until=started + patience + _PLANNING_SECONDS):
            found = codec.decode(value, allowed, limits.INTERNAL)
            if found["action"] == "calendar" and found["details"].get("tick") == tick:
                consumer.close()
                return Answer.of(found["details"], time.monotonic() - started)
    except KafkaError as error:
        raise TransportError("TRA-140", "the broker is out of reach") from error
    raise TransportError("TRA-142", "the release process did not answer: does `amana worker release` run?")


def show(answer: Answer, console: Console) -> None:
    """Print an answer as a table, then the tables that were withheld."""
    if answer.code:
        console.print(f"Nothing was released. {answer.code}: {answer.reason}", style="bold red")
        return
    if not answer.lines:
        console.print("Nothing was due that is not released already.")
        return
    table = Table("population", "year", title="Cells released", title_justify="left")
    for name in ("released", "suppressed", "withheld"):
        table.add_column(name, justify="right")
    for line in answer.lines:
        table.add_row(line.population, str(line.year), str(line.released), str(line.suppressed), str(line.withheld))
    console.print(table)
    for one in answer.withheld:
        console.print(f"withheld: {one.population} {one.window}, table {one.table}. {one.code}: {one.reason}")


def compose(site: Site) -> ReleaseDeps:
    """Return the release process of a site: its log, its ledger, its broker and its plan.

    Raises:
        IntegrityError: the log or the ledger cannot be opened.
        TransportError, ConfigurationError: broker or registry are out of reach, or a schema is not registered.
    """
    policy, key = site.policy(), site.secret("audit-signing")
    log = AuditStorage.open(site.path("audit"), key)
    ledger = Ledger.open(site.path("ledger", "ledger.sqlite"))
    found = registry.ids(site.registry, ["audit", "ledger", "trend", "cell"])
    bus = KafkaBus(site.kafka_settings(PRINCIPAL), Schemas(found.current, found.readable), site.agencies)
    seed = hmac.digest(key, b"amana/1|suppression weights", "sha256")
    plan = functools.partial(_plan, policy, Engine(solver.Highs(), glop.Auditor(), seed), site.path(*BUDGET))
    return ReleaseDeps(bus, log, ledger, plan, policy.digest, metadata.version("amana-pipeline"))


def _plan(
    policy: Policy, engine: Engine, budget: Path, cells: Cells, as_of: dt.date, earlier: Sequence[Earlier]
) -> Sequence[Outcome]:
    apart = functools.partial(spread, modules=(*solver.MODULES, *glop.MODULES))
    with ExitStack() as stack:
        noise = None
        if any(population.mode == "dp" for population in policy.populations):
            noise = Noise(OpenDP(), stack.enter_context(closing(BudgetFile.open(budget))).spend)
        planned = planning.plan(cells, as_of, earlier, policy, engine=engine, noise=noise, spread=apart)
    return attacked.attacked(planned, earlier, policy, glop.ENGINES, functools.partial(spread, modules=_ATTACKS))


def _send(settings: Mapping[str, Any], tick: Mapping[str, object]) -> None:
    producer = KafkaProducer(**settings, acks="all")
    try:
        sent = producer.send("calendar", key=str(tick["id"]).encode(), value=json.dumps(tick).encode(), partition=0)
        sent.get(timeout=30)
    finally:
        producer.close(timeout=5)


def _values(consumer: KafkaConsumer, *, until: float) -> Iterator[bytes]:
    while time.monotonic() < until:
        for records in consumer.poll(timeout_ms=200).values():
            yield from (record.value for record in records)
