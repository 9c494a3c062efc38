"""The local schema registry: Apicurio on the loopback interface, H2 file storage, FULL_TRANSITIVE as its global rule.

Decides its settings and its global rule. Does not register schemas (`connectors.adapters.registry`). Its packaged
defaults would bind a management port on every interface and accept any change of a schema; both are set here.
"""

import shutil
import time
from collections.abc import Callable
from typing import Final
from urllib import parse

import httpx2

from amana import site as sites
from amana.local import artifacts, ports, process
from connectors.adapters.registry import RULE
from schemas.errors import IntegrityError, TransportError

__all__ = ["API", "child", "global_rule", "set_global_rule", "wait_ready"]

API: Final = "/apis/ccompat/v7"
"""The Confluent-compatible interface, below the registry's address."""

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


def child(site: sites.Site, runtime: artifacts.Runtime) -> process.Child:
    """Return the registry as a child process that was not started yet."""
    home = site.path("registry")
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
    return process.Child("registry", [str(runtime.java), *_JVM, *options, "-jar", jar], site.dir)


def wait_ready(site: sites.Site, alive: Callable[[], bool]) -> None:
    """Wait until the registry's interface answers; `alive` says whether its process still runs.

    Raises:
        TransportError: TRA-004, it ended; TRA-005, it does not answer within a minute and a half.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{site.registry}{API}/subjects", timeout=_TIMEOUT_SECONDS).is_success:
                return
        except httpx2.TransportError:
            pass
        if not alive():
            raise TransportError("TRA-004", f"the registry ended as it started: see {site.path('logs')}/registry.log")
        time.sleep(_POLL_SECONDS)
    raise TransportError("TRA-005", f"the registry does not answer: see {site.path('logs')}/registry.log")


def global_rule(url: str) -> str:
    """Ask a registry for its global compatibility level.

    Raises:
        TransportError: TRA-006, it cannot be asked.
    """
    try:
        answer = httpx2.get(_config(url), timeout=_TIMEOUT_SECONDS).raise_for_status().json()
    except (httpx2.HTTPError, ValueError) as error:
        raise TransportError("TRA-006", f"the registry at {url} cannot be asked for its rule") from error
    return str(answer.get("compatibilityLevel", "NONE"))


def set_global_rule(url: str) -> None:
    """Set the global rule and read it back.

    Raises:
        TransportError: TRA-006, the registry does not take it.
        IntegrityError: INT-002, it answers with another rule.
    """
    if global_rule(url) == RULE:
        return
    try:
        httpx2.put(_config(url), json={"compatibility": RULE}, timeout=_TIMEOUT_SECONDS).raise_for_status()
    except httpx2.HTTPError as error:
        raise TransportError("TRA-006", f"the registry at {url} does not take the rule {RULE}") from error
    if (found := global_rule(url)) != RULE:
        raise IntegrityError("INT-002", f"the registry's global rule is {found}, not {RULE}")


def _config(url: str) -> str:
    """Return where the global rule lies; an address with a path of its own names the interface itself."""
    return f"{url.rstrip('/')}{'' if parse.urlsplit(url).path.strip('/') else API}/config"
