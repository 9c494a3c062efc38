"""Three brokers on the loopback interface, each a process that can be killed and started again.

They run the local broker's own artifacts and settings; what differs is what three nodes need: their ids, the voters,
and three replicas of which two must hold a write.
"""

import contextlib
import json
import os
import secrets
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from amana import site as sites
from amana.local import artifacts, broker, ports, server_process
from amana.provisioning import cluster_setup
from schemas.errors import TransportError
from streams.broker import access

__all__ = ["NODES", "Cluster"]

NODES: Final = 3
_REPLICATED: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
}
_PATIENCE_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.2


class Cluster:
    """Three nodes, broker and controller in one, below `home`; a context manager that runs them."""

    def __init__(self, home: Path) -> None:
        chosen = ports.choose(2 * NODES)
        self._controllers = chosen[NODES:]
        self._passwords = {name: secrets.token_urlsafe(32) for name in (access.ADMIN, "controller")}
        self._nodes = [
            sites.Site(home / f"node-{number + 1}", f"{ports.LOOPBACK}:{port}", "", ())
            for number, port in enumerate(chosen[:NODES])
        ]
        self._servers = ",".join(node.kafka for node in self._nodes)
        self._children: list[server_process.ServerProcess] = []

    def __enter__(self) -> Self:
        """Format and start the nodes, and wait until each knows the others."""
        runtime, cluster = artifacts.ensure(), broker.cluster_id()
        for number, node in enumerate(self._nodes):
            _furnish(node, self._passwords[access.ADMIN])
            broker.lay_out(node, runtime, self._settings(number), cluster)
            self._children.append(broker.child(node, runtime))
            self._children[number].start()
        self.wait_in_sync()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the nodes."""
        server_process.stop_all(self._children, seconds=10.0)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables by which a site runs on these brokers in place of one of its own."""
        return {"AMANA_KAFKA": self._servers, "AMANA_KAFKA_ADMIN_PASSWORD": self._passwords[access.ADMIN]}

    def kill(self, number: int) -> None:
        """Kill a node, as a machine that loses its power."""
        os.kill(self._children[number].pid, signal.SIGKILL)
        self._children[number].end(time.monotonic())

    def freeze(self, number: int) -> None:
        """Stop a node where it is: it takes connections and answers nothing."""
        os.kill(self._children[number].pid, signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """Let a frozen node go on, unaware of the time that has passed."""
        os.kill(self._children[number].pid, signal.SIGCONT)

    def start(self, number: int) -> None:
        """Start a node again on what its folder holds."""
        self._children[number].start()

    def wait_in_sync(self) -> float:
        """Wait until every node is there and every partition has all its replicas; return the seconds it took."""
        begun = time.monotonic()
        while not self._is_in_sync():
            assert time.monotonic() - begun < _PATIENCE_SECONDS, "the replicas did not get in sync"
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - begun

    def coordinator_of(self, group: str) -> int:
        """Return the node that coordinates a consumer group now."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            with contextlib.suppress(TransportError), cluster_setup.admin_of(self._everywhere, seconds=5) as admin:
                return int(admin._manager.run(admin._find_coordinator_ids, [group])[group]) - 1
            assert time.monotonic() < deadline, f"no node coordinates {group}"
            time.sleep(_POLL_SECONDS)

    def elect_preferred(self) -> None:
        """Give every partition back to its preferred leader, as the controller does by itself every five minutes."""
        with cluster_setup.admin_of(self._everywhere, seconds=5) as admin:
            admin.elect_leaders(0, raise_errors=False)

    @property
    def _everywhere(self) -> sites.Site:
        return sites.Site(self._nodes[0].dir, self._servers, "", ())

    def _is_in_sync(self) -> bool:
        try:
            with cluster_setup.admin_of(self._everywhere, seconds=5) as admin:
                nodes = sum(not broker["is_fenced"] for broker in admin.describe_cluster()["brokers"])
                found = [partition for topic in admin.describe_topics() for partition in topic["partitions"]]
        except TransportError:
            return False
        return nodes == NODES and all(len(one["isr_nodes"]) == len(one["replica_nodes"]) == NODES for one in found)

    def _settings(self, number: int) -> Mapping[str, str]:
        own = broker.settings(self._nodes[number], controller_port=self._controllers[number], passwords=self._passwords)
        voters = ",".join(f"{n + 1}@{ports.LOOPBACK}:{port}" for n, port in enumerate(self._controllers))
        return {**own, **_REPLICATED, "node.id": str(number + 1), "controller.quorum.voters": voters}


def _furnish(node: sites.Site, password: str) -> None:
    """Give a node's folder what a broker is started from: places for its log and pid, and the admin's password."""
    for folder in ("run", "logs", "parties/operator/passwords"):
        node.path(folder).mkdir(mode=0o700, parents=True)
    file = node.path("parties", "operator", "passwords", f"{access.ADMIN}.json")
    file.touch(mode=0o600)
    file.write_text(json.dumps({"username": access.ADMIN, "password": password}), encoding="ascii")
