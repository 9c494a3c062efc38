"""A request for a release leaves no connection behind, however it ends."""

import datetime as dt

import psutil
import pytest

from amana.site import Site
from connectors.operations import calendar_tick
from schemas.errors import TransportError
from streams.broker import access

pytestmark = pytest.mark.broker


def connections(site: Site) -> int:
    """Count this process's connections to the broker."""
    port = int(site.kafka.rpartition(":")[2])
    return sum(bool(one.raddr) and one.raddr.port == port for one in psutil.Process().net_connections("tcp"))


def test_a_request_without_an_answer_closes_its_consumer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No release process runs here; the fault that is raised keeps nothing open."""
    monkeypatch.setattr(calendar_tick, "_PLANNING_SECONDS", 0)
    before = connections(site)
    with pytest.raises(TransportError) as caught:
        calendar_tick.request(site.cluster(access.OPERATOR), dt.date(2025, 1, 15), patience=0.5)
    assert caught.value.code == "TRA-142"
    assert connections(site) <= before
