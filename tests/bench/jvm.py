"""Kafka Streams as a peer of the counting path, where a JDK is: `Count.java`, compiled as it is started.

Its jars are fetched once, beside the runtime's own. Under at-least-once it commits every 30 seconds, so not at all
within a run; under exactly_once_v2 every tenth of a second.
"""

import os
import shutil
import tempfile
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from amana.local import artifacts
from amana.site import Site

GUARANTEES = {"kafka-streams": "at_least_once", "kafka-streams-eos": "exactly_once_v2"}
SCHEMA = Path(__file__).with_name("single_delta.avsc")
"""One delta a record, as the peers read them."""

_JARS = (
    "org.apache.kafka:kafka-streams:4.3.1",
    "org.apache.kafka:kafka-clients:4.3.1",
    "org.rocksdb:rocksdbjni:10.1.3",
    "org.apache.avro:avro:1.12.2",
)


def is_here() -> bool:
    """Tell whether a JDK is: a runtime alone cannot compile."""
    return shutil.which("java") is not None and shutil.which("javac") is not None


def command(site: Site, principal: str, peer: str, number: int, run: int) -> list[str]:
    """Return the command that runs the peer and prints its seconds."""
    home = Path(tempfile.mkdtemp(prefix="amana-streams-", dir=site.dir))
    settings = home / "client.properties"
    settings.write_text("\n".join(f"{name}={value}" for name, value in _settings(site, principal, peer, run, home)))
    source = str(Path(__file__).with_name("Count.java"))
    return ["java", "-Xmx2g", "-cp", _classpath(), source, str(settings), str(SCHEMA), str(number)]


def _settings(site: Site, principal: str, peer: str, run: int, home: Path) -> list[tuple[str, str]]:
    known = site.cluster(principal).kafka_settings()
    module = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    login = f'username="{known["sasl_plain_username"]}" password="{known["sasl_plain_password"]}"'
    return [
        ("application.id", f"bench-{peer}-{run}"),
        ("bootstrap.servers", ",".join(known["bootstrap_servers"])),
        ("security.protocol", known["security_protocol"]),
        ("sasl.mechanism", known["sasl_mechanism"]),
        ("sasl.jaas.config", f"{module} {login};"),
        ("processing.guarantee", GUARANTEES[peer]),
        ("state.dir", str(home / "state")),
    ]


def _classpath() -> str:
    context = MavenContext(PythonResolver(), repo_cache=artifacts.cache_dir() / "bench", timeout=60)
    jars = []
    for coordinate in _JARS:
        group, artifact, version = coordinate.split(":")
        jars.append(str(context.project(group, artifact).at_version(version).artifact().resolve()))
    return os.pathsep.join([*jars, artifacts.ensure().classpath])
