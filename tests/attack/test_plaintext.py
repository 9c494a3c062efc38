"""No byte leaves a machine in clear, and no server is spoken to whose certificate is not accepted.

Two attackers. One listens: every connection of every component passes through a proxy that keeps its first bytes, and
each of them must be a handshake that offers TLS 1.3 alone. The other answers: with a certificate for another host, an
expired one, one of an authority of its own, without TLS, with an older version; every component must refuse it, with
a code and without a word about who asked. A misspelt setting is an attacker too: it must never switch TLS off.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from amana.__main__ import build
from amana.keys import parties
from amana.local import ports, runtime
from amana.site import Site
from connectors.adapters import schema_ids
from schemas import catalogue
from schemas.errors import AmanaError
from tests.support import policies
from tests.support.certificates import Authority
from tests.support.recording_proxy import RecordingProxy
from tests.support.tls_broker import TlsBroker, tls_broker

AGENCY = "shelter-lbn"
ALERT = b"\x15"
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 1}
COMPONENTS = {
    **{f"worker {stage}": ("worker", stage) for stage in WORKERS},
    "publish": ("publish", "--agency", AGENCY, "--kind", "case", "{file}"),
    "provision": ("provision",),
    "status": ("status",),
    "release": ("release", "--as-of", "2025-04-30"),
    "feed": ("feed", "list"),
    "cells": ("cells", "export", "--out", "{out}"),
    "quarantine": ("quarantine", "list"),
    "reconcile": ("audit", "reconcile"),
}
"""Everything that connects to the brokers, as its user calls it; `check` is apart, since it goes on after a fault."""

ROW = {
    "record_id": "2024-031",
    "event_date": "2024-03-05",
    "con_Consent": True,
    "CountryOfExploitation": "LBN",
    "vic_TraffickingStatus": "ActualVictimOfTrafficking",
    "prs_FirstName": "Dana",
    "prs_SecondName": "Example",
    "prs_Birthdate": "1991-04-05",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's directory that was never started, and a file to publish beside it."""
    folder = tmp_path_factory.mktemp("cold")
    site = Site.create(folder / "site", agencies=(AGENCY,))
    policies.put_in_force(site.dir, policies.altered())
    schema_ids.record(site.schema_ids, {stem: number for number, stem in enumerate(catalogue.STEMS, 1)})
    (folder / "march.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    return folder


def words(name: str, folder: Path) -> list[str]:
    """Return the words of a component's command."""
    return [
        word.format(file=folder / "march.jsonl", out=folder / f"cells-{os.urandom(4).hex()}.csv")
        for word in COMPONENTS[name]
    ]


def code_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> str:
    """Run a component in this process until it ends, and return the code with which it does."""
    given = {"AMANA_DATA": str(folder / "site"), "AMANA_REGISTRY": "http://127.0.0.1:1", **environment}
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    error = CliRunner().invoke(build(), words(name, folder)).exception
    assert isinstance(error, AmanaError), repr(error)
    return error.code


# ---- settings that would switch TLS off, or that nobody understands


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"AMANA_KAFKA_PROTOCOL": "PLAINTEXT"}, "CFG-008"),
        ({"AMANA_KAFKA_PROTOCOL": "sasl_ssl"}, "CFG-008"),
        ({"AMANA_KAFKA_PROTOCOL": "SASL-SSL"}, "CFG-008"),
        ({"AMANA_KAFKA_PROTOCOL": "SASL_PLAINTEXT"}, "CFG-211"),
        ({"AMANA_KAFKA_PROTOKOL": "SASL_SSL"}, "CFG-210"),
        ({"AMANA_KAFKA_CA": "/nowhere/ca.pem"}, "CFG-212"),
        ({"AMANA_KAFKA_CERTIFICATE": "/nowhere/client.pem"}, "CFG-212"),
    ],
    ids=lambda value: "=".join(*value.items()) if isinstance(value, dict) else "",
)
def test_a_setting_that_would_switch_tls_off_or_is_misspelt_ends_every_component_before_a_byte(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, setting: dict[str, str], code: str
) -> None:
    """The address is a name that is not loopback, although it leads to the listener of this test."""
    with RecordingProxy() as listener, monkeypatch.context() as patched:
        everywhere = lambda host, port, *rest, **more: _real(  # noqa: E731 - stands for the name server of the machine
            "127.0.0.1" if host == "kafka.example.org" else host, port, *rest, **more
        )
        patched.setattr(socket, "getaddrinfo", everywhere)
        assert code_of(name, home, patched, {"AMANA_KAFKA": f"kafka.example.org:{listener.port}", **setting}) == code
        assert listener.connections == []


_real = socket.getaddrinfo


# ---- servers that are not who they say


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the components trust."""
    return Authority.make(tmp_path_factory.mktemp("tls"))


class Impostor:
    """A server that makes a handshake with whoever connects, and keeps what it is sent after that."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.heard: list[bytes] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                plain.settimeout(5)
                if self._context is None:
                    plain.recv(5)  # as a broker without TLS: it takes the handshake for a request of absurd size
                    plain.close()
                    continue
                with self._context.wrap_socket(plain, server_side=True) as secured:
                    self.heard.append(secured.recv(1024))
            except OSError:
                plain.close()


def context_of(certificate: Path) -> ssl.SSLContext:
    """Return a server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module", params=["another host", "expired", "unknown authority", "TLS 1.2", "no TLS"])
def impostor(
    request: pytest.FixtureRequest, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Impostor, str]]:
    """Run one impostor; yield it with the code that it must meet."""
    here = ["127.0.0.1", "localhost"]
    stranger = Authority.make(tmp_path_factory.mktemp("stranger"), "stranger")
    old = context_of(authority.issue("old", here))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    contexts: dict[str, tuple[ssl.SSLContext | None, str]] = {
        "another host": (context_of(authority.issue("other", ["kafka.example.org", "127.0.0.2"])), "CFG-214"),
        "expired": (context_of(authority.issue("late", here, valid=timedelta(hours=-1))), "CFG-214"),
        "unknown authority": (context_of(stranger.issue("server", here)), "CFG-214"),
        "TLS 1.2": (old, "CFG-215"),
        "no TLS": (None, "TRA-012"),
    }
    context, code = contexts[request.param]
    server = Impostor(context)
    yield server, code
    server.close()


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_refuses_a_server_that_is_not_who_it_says(
    home: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority, impostor: tuple[Impostor, str], name: str
) -> None:
    """With a code, within seconds, and without a word after the handshake."""
    server, code = impostor
    environment = {
        "AMANA_KAFKA": f"127.0.0.1:{server.port}",
        "AMANA_KAFKA_PROTOCOL": "SASL_SSL",
        "AMANA_KAFKA_CA": str(authority.file),
    }
    assert code_of(name, home, monkeypatch, environment) == code
    assert b"".join(server.heard) == b""


def test_an_impostor_with_an_accepted_certificate_is_heard(authority: Authority, home: Path) -> None:
    """The control: what the impostor would hear if its certificate were accepted."""
    server = Impostor(context_of(authority.issue("good", ["127.0.0.1"])))
    environment = {
        **os.environ,
        "AMANA_DATA": str(home / "site"),
        "AMANA_KAFKA": f"127.0.0.1:{server.port}",
        "AMANA_KAFKA_PROTOCOL": "SASL_SSL",
        "AMANA_KAFKA_CA": str(authority.file),
    }
    command = [sys.executable, "-m", "amana", "status"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if b"".join(server.heard):
                break
            threading.Event().wait(0.1)
    finally:
        process.kill()
        process.wait()
        server.close()
    assert b"".join(server.heard)


# ---- every component at work, through a proxy that listens


@pytest.fixture(scope="module")
def proxy() -> Iterator[RecordingProxy]:
    """The listener between all components and the broker; the broker advertises its address."""
    (port,) = ports.choose(1)
    with RecordingProxy(("127.0.0.1", port)) as running:
        yield running


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, proxy: RecordingProxy) -> Iterator[TlsBroker]:
    """Run the broker behind the proxy."""
    assert proxy.target is not None
    users = {"officer": "invented-for-the-officer"}
    address = f"127.0.0.1:{proxy.port}"
    with tls_broker(tmp_path_factory.mktemp("tls-broker"), address, port=proxy.target[1], plain=users) as running:
        yield running


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory, broker: TlsBroker) -> Iterator[Site]:
    """Run a system on it, whose principals enter by four mechanisms."""
    folder = tmp_path_factory.mktemp("working")
    entering = {
        "officer": {"username": "officer", "password": broker.plain["officer"], "mechanism": "PLAIN"},
        "operator": {"username": "operator", "mechanism": "OAUTHBEARER"},
        "worker.aggregate": {"username": "worker.aggregate", "mechanism": "OAUTHBEARER"},
        "analysts": {"username": "analysts", "password": "invented-for-analysts", "mechanism": "SCRAM-SHA-256"},
        "worker.dedupe": {"username": "worker.dedupe", "password": "invented", "mechanism": "SCRAM-SHA-256"},
    }
    for name, credential in entering.items():
        if credential.get("mechanism") == "OAUTHBEARER":
            (folder / f"{name}.token").write_text(broker.token(name), encoding="ascii")
            (folder / f"{name}.token").chmod(0o600)
            credential["token_file"] = str(folder / f"{name}.token")
        for party in {Site(folder, "", "", ()).party(*parties.party_of(name)).path, folder / "parties" / "operator"}:
            (party / "passwords").mkdir(mode=0o700, parents=True, exist_ok=True)
            file = party / "passwords" / f"{name}.json"
            file.touch(mode=0o600)
            file.write_text(json.dumps(credential), encoding="ascii")
    for path in [folder / "parties", *(folder / "parties").rglob("*/")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    with pytest.MonkeyPatch.context() as patched:
        for variable, value in broker.environment.items():
            patched.setenv(variable, value)
        with runtime.running(folder, workers=WORKERS, agencies=(AGENCY,)) as site:
            yield site


def amana(site: Site, *given: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as its user would."""
    environment = {**os.environ, "AMANA_DATA": str(site.dir), **more}
    command = [sys.executable, "-m", "amana", *given]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_every_connection_of_every_component_at_work_is_tls_1_3(
    working: Site, proxy: RecordingProxy, home: Path
) -> None:
    """An event is published, counted, released and read; each component's connections begin with a TLS 1.3 hello."""
    done = {}
    for name in ("publish", "status", "release", "feed", "cells", "quarantine", "reconcile"):
        before = len(proxy.connected())
        more = ["--wait-idle", "--timeout", "120"] if name == "status" else []
        done[name] = amana(working, *words(name, home), *more)
        assert done[name].returncode == 0, f"{name}: {done[name].stdout}{done[name].stderr}"
        assert len(proxy.connected()) > before, f"{name} did not connect"
    before = len(proxy.connected())
    done["check"] = amana(working, "check")
    assert done["check"].returncode == 0, done["check"].stdout + done["check"].stderr
    line = next(line for line in done["check"].stdout.splitlines() if line.split()[1] == "broker")
    assert line.startswith("warn")  # its certificate ends tomorrow
    assert "OAUTHBEARER, TLSv1.3, certificates until" in line
    assert len(proxy.connected()) > before
    known = {connection.peer for connection in proxy.connected()}
    for stage in WORKERS:
        process = psutil.Process(int(working.path("run", f"worker-{stage}-0.pid").read_text()))
        ours = [one.laddr.port for one in process.net_connections() if getattr(one.raddr, "port", 0) == proxy.port]
        assert ours, f"worker {stage} does not connect"
        assert set(ours) <= known
    assert [bytes(one.sent[:8]) for one in proxy.connected() if not one.is_tls_1_3] == []


@pytest.mark.broker
@pytest.mark.usefixtures("broker")
def test_a_connection_in_clear_is_seen_by_the_proxy(proxy: RecordingProxy) -> None:
    """The control: a request in clear is told from a handshake, and the broker answers it with an alert of TLS."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as clear:
        clear.sendall(bytes.fromhex("0000000a 0012 0000 00000001 ffff"))
        assert clear.recv(100)[:1] in {b"", ALERT}
    spoken = proxy.connected().pop()
    assert not spoken.is_tls_1_3
    proxy.connections.remove(spoken)


@pytest.mark.broker
def test_the_broker_refuses_older_versions_and_clients_without_a_certificate(broker: TlsBroker) -> None:
    """Whoever listens cannot talk a client down: the broker itself ends everything below TLS 1.3."""
    host, port = broker.address.split(":")
    context = ssl.create_default_context(cafile=broker.authority.file)
    context.load_cert_chain(broker.authority.folder / "client.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError), socket.create_connection((host, int(port)), timeout=5) as plain:  # noqa: PT011 - any
        context.wrap_socket(plain, server_hostname=host)


@pytest.mark.broker
def test_a_client_without_the_certificate_that_the_broker_asks_for_is_told_so(working: Site) -> None:
    """The fault is the client's: it names the variable that is missing."""
    said = amana(working, "status", AMANA_KAFKA_CERTIFICATE="")
    assert (said.returncode, said.stderr[:7]) == (2, "CFG-217"), said.stderr
