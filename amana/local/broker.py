"""The local Kafka broker: KRaft mode, one node on the loopback interface, SCRAM users and access control.

Purpose: the broker's settings, its users and its readiness. Topics and access rules are made by
`amana.provisioning.cluster_setup`.
Called by: `amana.local.supervisor`; the tests' clusters of three nodes use `lay_out`.

    prepare(site, runtime)                   # settings, and on first start the formatted data folder
    process = child(site, runtime)           # started by the supervisor
    wait_ready(site, alive)

Invariants:
- Every listener requires SASL, the controller's too: on a plain listener the broker's own requests would be anonymous,
  the authorizer would refuse them, and the broker would never become ready.
- Users are written when the data folder is formatted, salted, from a file: no password appears in a process list.
- The broker speaks to itself by a password that is drawn at every start: those of all users can be replaced while it
  runs.
- Committed offsets are kept for ten years: a stage must resume where it stopped, even after weeks of standstill.

Source: ADR 0007; KIP-900 for users at format time.
"""

import base64
import hashlib
import json
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from amana import site as sites
from amana.local import artifacts, ports, server_process
from connectors.adapters.cluster import MECHANISM
from schemas.errors import ConfigurationError, TransportError
from streams.broker import access

__all__ = ["CONNECTIONS_PER_ADDRESS", "child", "cluster_id", "lay_out", "prepare", "settings", "wait_ready"]

CONNECTIONS_PER_ADDRESS: Final = 500
"""Connections that one address may hold; the workers of one machine hold about ten each."""

_SCRAM_ITERATIONS: Final = 4096
_READY_SECONDS: Final = 60.0
_FORMAT_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05
_JVM: Final = (
    "-Xmx384m",
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+DisableAttachMechanism",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    # At its default level the logger writes 5,000 lines per start.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
PRODUCER_MEMORY_MS: Final = 10 * 60 * 1000
"""Milliseconds for which the broker remembers an idle producer: longer than any sender of this project retries."""

_FIXED: Final[dict[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENT",
    # In clear, since all listeners are on the loopback interface.
    "listener.security.protocol.map": "CONTROLLER:SASL_PLAINTEXT,CLIENT:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": MECHANISM,
    "sasl.mechanism.inter.broker.protocol": MECHANISM,
    "sasl.mechanism.controller.protocol": "PLAIN",
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:{access.ADMIN}",
    "allow.everyone.if.no.acl.found": "false",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.retention.minutes": str(10 * 365 * 24 * 60),
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A broker that was killed cannot register again before its old session ends: 5 s instead of the default 9 s.
    "broker.session.timeout.ms": "5000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    # A client that opens more connections, with or without a password, shuts out itself and nobody else.
    "max.connections.per.ip": str(CONNECTIONS_PER_ADDRESS),
    # Members of one consumer group, and producers that the broker remembers: an agency may ask for any number of both.
    "group.max.size": "64",
    "producer.id.expiration.ms": str(PRODUCER_MEMORY_MS),
    "producer.id.expiration.check.interval.ms": "60000",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    # Records that were deleted, or are to be compacted, go within seconds: an erasure waits for it.
    "log.retention.check.interval.ms": "2000",
    "log.cleaner.backoff.ms": "1000",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "16777216",
}


def settings(
    site: sites.Site, *, controller_port: int, passwords: Mapping[str, str], broker_port: int = 0
) -> Mapping[str, str]:
    """Return the broker's settings.

    Args:
        site: where the broker's data is kept.
        controller_port: port of the listener between broker and controller.
        passwords: those of the users `admin` and `controller`.
        broker_port: port of a listener between brokers, which enter by the password of the controller; 0 lets them
            enter as clients by the admin's, which then cannot be replaced while they run.
    """
    controller = f"{ports.LOOPBACK}:{controller_port}"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    own = passwords["controller"]
    between = _between(f"{ports.LOOPBACK}:{broker_port}", site.kafka, controller, own) if broker_port else {}
    lines = _FIXED | {
        "listeners": f"CLIENT://{site.kafka},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENT://{site.kafka}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": str(site.path("kafka", "data")),
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            f'{scram} username="{access.ADMIN}" password="{passwords[access.ADMIN]}";'
        ),
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{plain} username="{access.ADMIN}" password="{own}" user_{access.ADMIN}="{own}";'
        ),
    }
    return lines | between


def _between(broker: str, client: str, controller: str, password: str) -> dict[str, str]:
    """Return the settings of a listener of its own for the broker's connections to itself."""
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    names = ("CONTROLLER", "CLIENT", "BROKER")
    return {
        "listeners": f"CLIENT://{client},BROKER://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENT://{client},BROKER://{broker}",
        "listener.security.protocol.map": ",".join(f"{name}:SASL_PLAINTEXT" for name in names),
        "inter.broker.listener.name": "BROKER",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.enabled.mechanisms": f"{MECHANISM},PLAIN",
        "listener.name.client.sasl.enabled.mechanisms": MECHANISM,
        "listener.name.broker.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.broker.plain.sasl.jaas.config": (
            f'{plain} username="{access.ADMIN}" password="{password}" user_{access.ADMIN}="{password}";'
        ),
    }


def prepare(site: sites.Site, runtime: artifacts.Runtime) -> None:
    """Write the settings and, on first start, format the data folder with every principal's credential.

    Raises:
        ConfigurationError: CFG-072, the data folder cannot be formatted.
    """
    passwords = {
        access.ADMIN: site.cluster(access.ADMIN).credential.password,
        "controller": secrets.token_urlsafe(32),
    }
    controller_port, broker_port = ports.choose(2)
    lines = settings(site, controller_port=controller_port, passwords=passwords, broker_port=broker_port)
    lay_out(site, runtime, lines, cluster_id())


def cluster_id() -> str:
    """Draw the id of a new cluster; all its nodes are formatted with it."""
    # The id may not begin with a dash: the parser of the format tool would take it for an option.
    return "A" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode("ascii")[1:22]


def lay_out(site: sites.Site, runtime: artifacts.Runtime, lines: Mapping[str, str], cluster: str) -> None:
    """Write the settings `lines` and, if it does not exist, format the data folder of one node of `cluster`.

    Raises:
        ConfigurationError: CFG-072, the data folder cannot be formatted.
    """
    home = site.path("kafka")
    shutil.rmtree(home / "tmp", ignore_errors=True)
    (home / "tmp").mkdir(mode=0o700, parents=True)
    _write(home / "server.properties", "".join(f"{key}={value}\n" for key, value in lines.items()))
    if not (home / "data" / "meta.properties").exists():
        _format(site, runtime, cluster)


def child(site: sites.Site, runtime: artifacts.Runtime) -> server_process.ServerProcess:
    """Return the broker as a child process that was not started yet."""
    command = [*_java(site, runtime), "kafka.Kafka", str(site.path("kafka", "server.properties"))]
    return server_process.ServerProcess("broker", command, site.dir)


def wait_ready(site: sites.Site, alive: Callable[[], bool]) -> None:
    """Wait until the broker's port answers; `alive` says whether its process still runs.

    Raises:
        TransportError: TRA-002, it ended; TRA-003, it does not answer within a minute.
    """
    host, port = site.kafka.split(":")
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return
        if not alive():
            raise TransportError("TRA-002", f"the broker ended as it started: see {site.path('logs', 'broker.log')}")
    raise TransportError("TRA-003", f"the broker does not answer: see {site.path('logs', 'broker.log')}")


def _java(site: sites.Site, runtime: artifacts.Runtime) -> list[str]:
    """Return the command of a Java program of Kafka, up to the name of its class."""
    places = (f"-Djava.io.tmpdir={site.path('kafka', 'tmp')}", f"-XX:ErrorFile={site.path('logs', 'broker-crash.log')}")
    return [str(runtime.java), *_JVM, *places, "-cp", runtime.classpath]


def _format(site: sites.Site, runtime: artifacts.Runtime, cluster: str) -> None:
    """Format the data folder; raises as `lay_out`."""
    home = site.path("kafka")
    arguments = ["format", "--cluster-id", cluster, "--config", str(home / "server.properties")]
    arguments += [part for user in _users(site) for part in ("--add-scram", user)]
    _write(home / "format.args", "\n".join(arguments) + "\n")
    command = [*_java(site, runtime), "kafka.tools.StorageTool", f"@{home / 'format.args'}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_FORMAT_SECONDS, check=False)  # noqa: S603 - our own
    finally:
        (home / "format.args").unlink()  # it holds salted passwords
    if done.returncode:
        # A folder that is half formatted would count as formatted at the next start.
        shutil.rmtree(home / "data", ignore_errors=True)
        _write(site.path("logs", "broker-format.log"), done.stderr.decode(errors="replace"))
        raise ConfigurationError("CFG-072", f"the broker's folder cannot be made: see {site.path('logs')}")


def _users(site: sites.Site) -> Iterator[str]:
    """Yield every principal's SCRAM credential in the form of the format tool's `--add-scram`."""
    for path in sorted(site.path("parties", "operator", "passwords").glob("*.json")):
        credential = json.loads(path.read_text(encoding="ascii"))
        salt = secrets.token_bytes(32)
        salted = hashlib.pbkdf2_hmac("sha512", credential["password"].encode(), salt, _SCRAM_ITERATIONS)
        parts = {
            "name": credential["username"],
            "iterations": _SCRAM_ITERATIONS,
            "salt": f'"{base64.b64encode(salt).decode()}"',
            "saltedpassword": f'"{base64.b64encode(salted).decode()}"',
        }
        yield f"{MECHANISM}=[{','.join(f'{key}={value}' for key, value in parts.items())}]"


def _write(path: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
