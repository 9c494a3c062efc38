"""The three brokers of `docker-compose.yml` on the loopback interface: its settings, with other addresses and files.

The settings are read from the file and named as the image names them; what differs is what a machine without
containers needs: ports, folders and the addresses under which the brokers reach one another.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from amana.local import ports
from amana.provisioning.certificate_authority import issue
from amana.site import Site
from tests.support.cluster import NODES, Cluster

__all__ = ["ComposeBrokers", "property_name"]

FILE: Final = Path(__file__).parents[2] / "docker-compose.yml"
_HEAP: Final = {"num.network.threads": "2", "num.io.threads": "2", "log.cleaner.dedupe.buffer.size": "16777216"}
"""As the local broker: three of them share one machine."""


class ComposeBrokers(Cluster):
    """Three brokers with TLS and client certificates, below `home`; a context manager that runs them."""

    def __init__(self, home: Path) -> None:
        """Make certificates and choose ports."""
        super().__init__(home)
        self._tls = home / "tls"
        hosts = [(f"kafka-{number + 1}", "127.0.0.1", "localhost") for number in range(NODES)]
        issue(self._tls, hosts=[*hosts, ("registry", "localhost")], clients=["worker"])
        # CLIENT, BROKER and CONTROLLER of each node; REMOTE is the address by which the class knows it.
        self._inner = ports.choose(3 * NODES)

    @property
    def tls(self) -> Path:
        """The folder of the certificates."""
        return self._tls

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables by which a site runs on these brokers, as the services of the file do."""
        return {
            **super().environment,
            "AMANA_KAFKA": self._everywhere.kafka,
            "AMANA_KAFKA_PROTOCOL": "SASL_SSL",
            "AMANA_KAFKA_CA": str(self._tls / "ca.pem"),
            "AMANA_KAFKA_CERTIFICATE": str(self._tls / "worker.pem"),
            "AMANA_KAFKA_ADMIN_MECHANISM": "PLAIN",
        }

    @property
    def remote(self) -> str:
        """Addresses of the listener for agencies elsewhere."""
        return self._servers

    @property
    def _everywhere(self) -> Site:
        clients = ",".join(f"127.0.0.1:{self._port(number, 9092)}" for number in range(NODES))
        return Site(self._nodes[0].dir, clients, "", ())

    def _port(self, number: int, port: int) -> int:
        return self._inner[3 * number + (9092, 9093, 9094).index(port)]

    def _settings(self, number: int) -> Mapping[str, str]:
        service = yaml.safe_load(self._variables(FILE.read_text(encoding="utf-8")))["services"][f"kafka-{number + 1}"]
        own = {property_name(name): self._here(number, str(value)) for name, value in service["environment"].items()}
        node = self._nodes[number]
        return {
            **{name: value for name, value in own.items() if name != "cluster.id"},
            **_HEAP,
            "log.dirs": str(node.path("kafka", "data")),
            "ssl.keystore.location": str(self._tls / f"kafka-{number + 1}.pem"),
            "ssl.truststore.location": str(self._tls / "ca.pem"),
            # The file leaves it to the operator whether clients show one; here all of them do.
            "listener.name.client.ssl.client.auth": "required",
        }

    def _variables(self, text: str) -> str:
        password = self._passwords["admin"]
        text = re.sub(r"\$\{AMANA_ADMIN_PASSWORD:\?[^}]+\}", password, text)
        text = text.replace("${AMANA_CLIENT_CERTIFICATES:-none}", "required")
        return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)

    def _here(self, number: int, value: str) -> str:
        """Replace the addresses of containers by those of this machine."""
        value = re.sub(
            r"kafka-(\d):(909\d)", lambda found: f"127.0.0.1:{self._port(int(found[1]) - 1, int(found[2]))}", value
        )
        value = re.sub(r"://:(909\d)", lambda found: f"://127.0.0.1:{self._port(number, int(found[1]))}", value)
        return re.sub(r"://(localhost)?:19\d+", f"://{self._nodes[number].kafka}", value)


def property_name(variable: str) -> str:
    """Return the name of a broker's setting, as the image makes it of a variable's."""
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")
