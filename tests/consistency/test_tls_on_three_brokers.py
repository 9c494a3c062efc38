"""The brokers of `docker-compose.yml`: TLS 1.3 and client certificates on every listener.

The settings are those of the file itself, so that what compose starts is what was tried.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from tests.support import faults, feeding, flow, releasing
from tests.support.compose_brokers import ComposeBrokers

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(1800)]

WORKERS = {"deidentify": 1, "dedupe": 2, "aggregate": 2, "release": 1}
PER_SECOND = 200


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeBrokers]:
    """Run the three brokers."""
    three = ComposeBrokers(tmp_path_factory.mktemp("compose"))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in three.environment.items():
            patched.setenv(name, value)
        with three:
            yield three


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory, brokers: ComposeBrokers) -> Iterator[Site]:
    """Run a system on them."""
    assert brokers.tls.is_dir()
    with runtime.running(tmp_path_factory.mktemp("site"), workers=WORKERS) as site:
        yield site


def test_a_broker_that_dies_and_comes_back_changes_no_count(brokers: ComposeBrokers, working: Site) -> None:
    """Each in turn, while events flow and releases are asked for; the coordinator moves over TLS connections."""
    sent = flow.events(PER_SECOND * 240, seed=47)
    with releasing.Releases(working) as releases, feeding.Feed(working, sent, PER_SECOND) as feed:
        absences = []
        for number in range(3):
            time.sleep(5)
            killed = time.monotonic()
            brokers.kill(number)
            time.sleep(5)
            feed.hold()  # a release waits until the stages are idle
            releases.ask()
            brokers.start(number)
            absences.append(releasing.Away(killed, time.monotonic()))
            brokers.wait_in_sync()
            releases.wait()
            feed.go_on()
        feed.enough.set()
    releases.check(absences)
    faults.settled(working, 300)
    assert faults.lost(working, sent[: feed.acknowledged]) == 0
    assert faults.differences(working, sent[: feed.acknowledged]) == ({}, {})


def test_check_finds_nothing_wrong(working: Site) -> None:
    """With the admin, who enters by PLAIN within TLS."""
    done = subprocess.run(
        [sys.executable, "-m", "amana", "check"],
        env={**os.environ, "AMANA_DATA": str(working.dir)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 broker, SCRAM-SHA-512, TLSv1.3" in done.stdout


def test_an_agency_elsewhere_publishes_at_the_remote_listener(
    brokers: ComposeBrokers, working: Site, tmp_path: Path
) -> None:
    """By SCRAM, with the certificate that the listener asks for."""
    row = {"record_id": "1", "event_date": "2024-03-05", "con_Consent": True, "CountryOfExploitation": "LBN"}
    row |= {"vic_TraffickingStatus": "ActualVictimOfTrafficking", "prs_FirstName": "Dana", "prs_Birthdate": "1991"}
    (tmp_path / "one.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "amana", "publish", "--agency", "shelter-lbn", "--kind", "case"]
    environment = {**os.environ, "AMANA_DATA": str(working.dir), "AMANA_KAFKA": brokers.remote}
    for certificate, status in (("", 2), (str(brokers.tls / "worker.pem"), 0)):
        environment["AMANA_KAFKA_CERTIFICATE"] = certificate
        done = subprocess.run(
            [*command, str(tmp_path / "one.jsonl")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr


def test_every_listener_speaks_tls_1_3_and_nothing_else(brokers: ComposeBrokers) -> None:
    """Those between brokers and controllers too: an older version, a request in clear and no certificate are ended."""
    for port in [*brokers._inner, *(int(address.rsplit(":", 1)[1]) for address in brokers.remote.split(","))]:
        assert _answers(port, brokers.tls, newest=ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        assert _answers(port, brokers.tls, newest=ssl.TLSVersion.TLSv1_2) == ""
        assert _answers(port, brokers.tls, newest=ssl.TLSVersion.TLSv1_3, certificate=False) == ""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as clear:
            clear.sendall(bytes.fromhex("0000000a 0012 0000 00000001 ffff"))
            assert clear.recv(100)[:1] in {b"", b"\x15"}  # an alert of TLS


def _answers(port: int, tls: Path, *, newest: ssl.TLSVersion, certificate: bool = True) -> str:
    """Return the version in which a listener answers a question, empty if it does not."""
    context = ssl.create_default_context(cafile=tls / "ca.pem")
    context.maximum_version = newest
    if certificate:
        context.load_cert_chain(tls / "worker.pem")
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.sendall(bytes.fromhex("0000000a 0012 0000 00000001 ffff"))
            return secured.version() or "" if secured.recv(1) else ""
    except OSError:
        return ""
