"""The commands of the data officer and the analyst, on a real broker."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from amana.audit_log import AuditLog
from amana.local import runtime
from amana.site import Site
from amana.trend_feed import TrendFeed
from connectors.operations.calendar_tick import request
from tests.integration.test_release_process import worker
from tests.support.release_worker import RELEASES

pytestmark = pytest.mark.broker

DAY = dt.date(2025, 4, 20)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a broker of their own: the stages, which no worker serves here, must have nothing to catch up with."""
    with runtime.running(tmp_path_factory.mktemp("release"), workers=False) as running:
        yield running


@pytest.fixture(scope="module")
def released(site: Site) -> Site:
    with worker(site) as process:
        assert not request(site.cluster("operator"), DAY, patience=60).code
        process.terminate()  # a kill in the middle of an append leaves an entry that only the next start vouches for
        process.wait(30)
    return site


def _amana(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AMANA_DATA": str(site.dir), "COLUMNS": "160"}
    command = [sys.executable, "-m", "amana", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_an_analyst_lists_gets_and_exports_what_was_released(released: Site, tmp_path: Path) -> None:
    listed = _amana(released, "feed", "list")
    assert "levant" in listed.stdout
    assert "totals" in listed.stdout
    out = tmp_path / "trend"
    words = ("feed", "export", "--region", "levant", "--format", "csv", "--format", "parquet", "--out", str(out))
    done = _amana(released, *words)
    assert done.returncode == 0, done.stderr
    frame = pl.read_parquet(out / "totals.parquet").filter(pl.col("as_of") == "2024-04-20")
    assert frame["cell_status"].to_list().count("suppressed") == RELEASES
    assert TrendFeed(released.cluster("analysts")).frame("totals", regions=["levant"]).height >= RELEASES


def test_an_unknown_region_is_a_usage_error(released: Site) -> None:
    done = _amana(released, "feed", "get", "--region", "atlantis")
    assert (done.returncode, done.stdout) == (2, "")
    assert "CFG-150" in done.stderr


def test_a_release_without_a_date_of_the_right_form_is_a_usage_error(released: Site) -> None:
    done = _amana(released, "release", "--as-of", "yesterday")
    assert done.returncode == 2
    assert "CFG-140" in done.stderr


def test_an_officer_verifies_shows_and_proves(released: Site) -> None:
    done = _amana(released, "audit", "verify")
    assert done.returncode == 0, done.stderr
    assert "The audit log is whole" in done.stdout
    assert len(_amana(released, "audit", "show", "--last", "5").stdout.splitlines()) == 5
    assert '"path"' in _amana(released, "audit", "prove", "0").stdout


def test_a_tampered_copy_is_named_and_refused(released: Site, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(released.path("audit"), tmp_path / "audit"))
    assert AuditLog(copy, key=released.path("public", "audit.pub")).verify().entries > RELEASES
    raw = bytearray((copy / "entries.jsonl").read_bytes())
    raw[raw.index(b"\n") + 40] ^= 1
    (copy / "entries.jsonl").write_bytes(raw)
    done = _amana(released, "audit", "verify", str(copy))
    assert done.returncode == 1
    assert "entry 1 " in done.stderr
