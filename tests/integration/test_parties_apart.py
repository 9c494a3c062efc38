"""Every party with its own folder alone: the pipeline needs nothing else, and nobody finds anything else."""

import csv
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.keys import parties
from amana.local import runtime as local
from amana.local import server_process
from amana.site import Site
from streams.broker import access
from tests.support import demo

AGENCY = "police-jor"
SECOND = "shelter-lbn"
"""A year that one agency alone has reported is not released."""
ROWS = 120
PATIENCE_SECONDS = 120


class Machines:
    """A site whose parties are on machines of their own: each has the addresses, the public folder and its secrets."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site, self._folder = site, folder

    def home(self, principal: str) -> Path:
        """Return the data directory of a principal's machine."""
        party, agency = parties.party_of(principal)
        name = parties.folder_of(party, agency)
        home = self._folder / principal
        if not home.exists():
            for part in ("run", "logs", "state", "audit", "ledger"):
                (home / part).mkdir(parents=True)
            shutil.copy(self._site.path("site.json"), home)
            for shared in ("public", "policies"):
                shutil.copytree(self._site.path(shared), home / shared)
            shutil.copytree(self._site.path("parties", name), home / "parties" / name)
        return home

    def amana(self, principal: str, *words: str | Path) -> str:
        """Run a command on a principal's machine and return what it printed."""
        done = self.ended(principal, *words)
        assert done[0] == 0, done[1]
        return done[1]

    def ended(self, principal: str, *words: str | Path) -> tuple[int, str]:
        """Run a command on a principal's machine; return its exit status and all that it said."""
        done = demo.amana(*words, environment={**os.environ, "AMANA_DATA": str(self.home(principal))})
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Start each stage on a machine that has its party's folder alone."""
    folder = tmp_path_factory.mktemp("apart")
    with local.running(folder / "site", workers=False, agencies=(AGENCY, SECOND)) as site:
        apart = Machines(site, folder / "machines")
        workers = [server_process.worker(apart.home(f"worker.{stage}"), stage, 0) for stage in access.WORKERS]
        for worker in workers:
            worker.start()
        try:
            yield apart
        finally:
            server_process.stop_all(workers, seconds=20)


def a_file(path: Path, first: int = 0) -> Path:
    """Write cases of as many invented persons as there are rows; `first` is the number of the first."""
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["record_id", "event_date", "con_Consent", "CountryOfExploitation", "prs_FirstName"])
        for row in range(first, first + ROWS):
            writer.writerow([f"own-{row}", "2023-03-05", "true", "LB", f"Zarun{row}"])
    return path


def test_the_pipeline_runs_though_no_party_has_anothers_secret(machines: Machines, tmp_path: Path) -> None:
    """Published, de-identified, counted, released and read, each by a process that sees one folder."""
    for first, agency in ((0, AGENCY), (ROWS, SECOND)):
        file = a_file(tmp_path / f"{agency}.csv", first)
        machines.amana(access.agency_principal(agency), "publish", "--agency", agency, "--kind", "case", file)
    machines.amana(access.OPERATOR, "status", "--wait-idle", "--timeout", str(PATIENCE_SECONDS))
    machines.amana(access.OPERATOR, "cells", "export", "--out", tmp_path / "cells.csv")
    counted = demo.counted_cells(tmp_path / "cells.csv")
    assert sum(count for cell, count in counted.items() if "|profile|" in cell) == 2 * ROWS
    machines.amana(access.OPERATOR, "release", "--as-of", "2024-06-30")
    assert machines.amana(access.ANALYSTS, "feed", "list")
    assert machines.amana(access.OFFICER, "audit", "reconcile")


@pytest.mark.parametrize(
    ("principal", "words"),
    [
        (access.OPERATOR, ["publish", "--agency", AGENCY, "--kind", "case", "nothing.csv"]),
        (access.OPERATOR, ["worker", "deidentify"]),
        (access.OPERATOR, ["worker", "release"]),
        (access.agency_principal(AGENCY), ["cells", "export"]),
        (access.agency_principal(AGENCY), ["worker", "dedupe"]),
        (access.ANALYSTS, ["cells", "export"]),
        (access.OFFICER, ["cells", "export"]),
        ("worker.dedupe", ["worker", "deidentify"]),
        ("worker.deidentify", ["worker", "release"]),
    ],
    ids=lambda one: one if isinstance(one, str) else one[-1].split("/")[-1],
)
def test_a_party_cannot_act_as_another(machines: Machines, principal: str, words: list[str]) -> None:
    status, said = machines.ended(principal, *words)
    assert status != 0
    assert "CFG-005" in said, said
    assert "Traceback" not in said
