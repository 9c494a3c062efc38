"""The local schema registry: Apicurio Registry on the loopback interface with H2 file storage.

Purpose: the registry's settings and its readiness. Schemas are registered by `connectors.adapters.schema_registry`, the
compatibility rule is set by `connectors.adapters.registry_rule`.
Called by: `amana.local.supervisor`.

Invariants:
- Every port is bound to the loopback interface: the packaged default binds the management port on all interfaces.
"""

import shutil
import time
from collections.abc import Callable
from typing import Final

import httpx2

from amana import site as sites
from amana.local import artifacts, ports, server_process
from connectors.adapters.registry_access import API
from schemas.errors import TransportError

__all__ = ["child", "wait_ready"]

_READY_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 10.0
_JVM: Final = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+DisableAttachMechanism",
    "-XX:+ExitOnOutOfMemoryError",
)


def child(site: sites.Site, runtime: artifacts.Runtime) -> server_process.ServerProcess:
    """Return the registry as a child process that was not started yet."""
    home = site.path("registry")
    # What an earlier start left in its folder for temporary files is of no use: a killed server does not tidy up.
    shutil.rmtree(home / "tmp", ignore_errors=True)
    (home / "tmp").mkdir(mode=0o700, parents=True)
    settings = {
        "quarkus.http.host": ports.LOOPBACK,
        "quarkus.http.port": site.registry.rsplit(":", 1)[1],
        "quarkus.management.host": ports.LOOPBACK,
        "quarkus.management.port": str(ports.choose(1)[0]),
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{home / 'h2'};DB_CLOSE_ON_EXIT=FALSE",
        "java.io.tmpdir": str(home / "tmp"),
    }
    options = [f"-D{key}={value}" for key, value in settings.items()]
    options.append(f"-XX:ErrorFile={site.path('logs', 'registry-crash.log')}")
    jar = str(runtime.registry / "quarkus-run.jar")
    return server_process.ServerProcess("registry", [str(runtime.java), *_JVM, *options, "-jar", jar], site.dir)


def wait_ready(site: sites.Site, alive: Callable[[], bool]) -> None:
    """Wait until the registry's interface answers; `alive` says whether its process still runs.

    Raises:
        TransportError: TRA-004, it ended; TRA-005, it does not answer within a minute and a half.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{site.registry}{API}/subjects", timeout=_TIMEOUT_SECONDS, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass  # the port is not open yet
        if not alive():
            raise TransportError("TRA-004", f"the registry ended as it started: see {site.path('logs')}/registry.log")
        time.sleep(_POLL_SECONDS)
    raise TransportError("TRA-005", f"the registry does not answer: see {site.path('logs')}/registry.log")
