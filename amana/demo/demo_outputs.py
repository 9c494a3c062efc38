"""The results of the demonstration for analyst and officer: trends, charts, and a verified copy of the log.

Purpose: write the part of the results that analysts and officers would get. Reads through the public API: the feed as
an analyst, the log offline as an officer.

Called by: `amana.demo.run`.

Invariants:
- The copy of the log is verified with its public key alone.
"""

import shutil
from pathlib import Path

from amana.audit_log import AuditLog
from amana.site import Site
from amana.trend_feed import TrendFeed
from connectors.feed import drawing, export
from streams.broker import access

__all__ = ["audit", "trends"]


def trends(site: Site, out: Path) -> None:
    """Write `trend/*.csv`, `trend/*.parquet`, `chart.html` and `chart.png`; without a release, no files."""
    if rows := TrendFeed(site.cluster(access.ANALYSTS)).get():
        export.write(rows, out / "trend", ("csv", "parquet"))
        drawing.draw(rows, out, pictures=False)


def audit(site: Site, out: Path) -> int:
    """Copy the log and its public key, verify the copy against that key, and return the number of entries.

    Raises:
        IntegrityError: the log is not whole.
    """
    # Lock files are left out: the release process still holds them, and a copy needs none.
    shutil.copytree(site.path("audit"), out / "audit", ignore=shutil.ignore_patterns("*.lock", "lock"))
    (out / "public").mkdir()
    shutil.copy(site.path("public", "audit.pub"), out / "public" / "audit.pub")
    return AuditLog(out / "audit").verify().entries
