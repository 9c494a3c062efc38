"""The guard of the agencies' shares of the disk, beside a running system.

Purpose: measure the shares once a minute, slow an agency whose share is used up, let it go on when there is room again,
and tell the operator before that. On a cluster without `amana up`, run `amana provision` as often.

Called by: `amana.local.supervisor`.

Invariants:
- A broker that does not answer changes nothing: the next minute tells.
"""

import threading
from collections.abc import Callable
from typing import Final

from amana import site as sites
from amana.provisioning import cluster_quotas, cluster_setup
from schemas.errors import AmanaError
from streams.broker import quotas

__all__ = ["DiskGuard"]

_PERIOD_SECONDS: Final = 60.0


class DiskGuard:
    """Guards the disks in a thread of its own.

    Args:
        site: the site, with its admin's password.
        tell: says one line to the operator.
        period: seconds between two measurements.
    """

    def __init__(self, site: sites.Site, tell: Callable[[str], None], *, period: float = _PERIOD_SECONDS) -> None:
        self._site, self._tell, self._period = site, tell, period
        self._told: dict[str, str] = {}
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="disk-guard", daemon=True).start()

    def stop(self) -> None:
        """Measure no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            try:
                with cluster_setup.admin_of(self._site) as admin:
                    shares = cluster_quotas.disk_shares(self._site, admin)
                    cluster_quotas.set_right(self._site, admin)
            except AmanaError:
                continue
            self._report(shares)

    def _report(self, shares: dict[str, float]) -> None:
        """Say what has changed for an agency since the last measurement."""
        for agency, share in shares.items():
            now = "is slowed" if share >= 1 else "is nearly slowed" if share >= quotas.ALARM_SHARE else ""
            if now != self._told.get(agency, ""):
                self._tell(f"{agency} {now or 'goes on'}: {share:.0%} of its share of a disk")
            self._told[agency] = now
