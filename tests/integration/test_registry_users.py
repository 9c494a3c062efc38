"""The settings of compose's registry, tried on the real one: TLS 1.3 alone, everybody reads, one user writes."""

import os
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from amana.local import artifacts, ports, server_process
from amana.provisioning.certificate_authority import issue
from connectors.adapters import registry_comparison, registry_rule, schema_ids, schema_registry
from connectors.adapters.registry_access import API, RegistryAccess
from connectors.adapters.transport_security import Trust
from schemas import catalogue
from schemas.errors import ConfigurationError

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
USER, PASSWORD = "amana", "pass-word-of-the-registry"
SUBJECT = "late-value"
READY_SECONDS = 90.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryAccess]:
    """Run the registry with the environment of the compose file, on the loopback interface and a folder of its own."""
    home = tmp_path_factory.mktemp("registry")
    for folder in ("logs", "run"):
        (home / folder).mkdir()
    issue(home / "tls", hosts=[("registry", "localhost")])
    runtime, chosen = artifacts.ensure(), ports.choose(3)
    command = [str(runtime.java), "-Xmx256m", "-jar", str(runtime.registry / "quarkus-run.jar")]
    child = server_process.ServerProcess("registry", command, home, environment(home, *chosen))
    child.start()
    try:
        trust = Trust(home / "tls" / "ca.pem")
        access = RegistryAccess(f"https://localhost:{chosen[0]}", trust=trust)
        wait_for(access, child)
        # The port for clear text, which must be closed.
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{chosen[2]}")
        yield access
    finally:
        server_process.stop_all([child], seconds=10)


def environment(home: Path, port: int, management: int, clear: int) -> dict[str, str]:
    """Return the service's environment with its password, and with the places of this test."""
    service: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["registry"]
    settings = {name: str(value) for name, value in service["environment"].items()}
    assert settings[f"QUARKUS_SECURITY_USERS_EMBEDDED_USERS_{USER.upper()}"].startswith("${AMANA_REGISTRY_PASSWORD:?")
    return settings | {
        f"QUARKUS_SECURITY_USERS_EMBEDDED_USERS_{USER.upper()}": PASSWORD,
        "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{home / 'h2'};DB_CLOSE_ON_EXIT=FALSE",
        "QUARKUS_HTTP_HOST": "127.0.0.1",
        "QUARKUS_HTTP_PORT": str(clear),
        "QUARKUS_HTTP_SSL_PORT": str(port),
        "QUARKUS_HTTP_SSL_CERTIFICATE_FILES": str(home / "tls" / "registry.crt"),
        "QUARKUS_HTTP_SSL_CERTIFICATE_KEY_FILES": str(home / "tls" / "registry.key"),
        "QUARKUS_MANAGEMENT_PORT": str(management),
    }


def ask(server: RegistryAccess, method: str, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's own
    """Send one request over TLS."""
    return httpx2.request(method, server.url + path, verify=server.trust.context(), timeout=20, **more)


def wait_for(server: RegistryAccess, child: server_process.ServerProcess) -> None:
    """Wait until the registry answers as compose's health check asks."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert child.exit_status() is None, child.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        try:
            if ask(server, "GET", f"{API}/subjects").is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(child.log.read_text(encoding="utf-8", errors="replace")[-2000:])


def test_the_user_registers_and_everybody_reads(server: RegistryAccess, tmp_path: Path) -> None:
    """What provisioning does, and what a stranger sees of it."""
    access = replace(server, username=USER, password=PASSWORD)
    registry_rule.set_global_rule(access)
    ids = schema_registry.register_all(access)
    assert ids == schema_registry.register_all(access)
    schema_ids.record(tmp_path / "ids.json", ids)
    stranger, written = server, schema_ids.allow_list(tmp_path / "ids.json")
    assert registry_comparison.differences(stranger, written, wait_seconds=10) == ()
    read = ask(server, "GET", f"{API}/subjects/{SUBJECT}/versions/latest")
    assert read.json()["id"] == ids["late"]


@pytest.mark.parametrize("login", [None, (USER, "wrong"), ("somebody", PASSWORD), (USER, "")])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{API}/subjects/{SUBJECT}/versions", {"schema": catalogue.load("delta").text}),
        ("POST", f"{API}/subjects/other-value/versions", {"schema": '"string"'}),
        ("DELETE", f"{API}/subjects/{SUBJECT}", None),
        ("DELETE", f"{API}/subjects/{SUBJECT}/versions/1", None),
        ("PUT", f"{API}/config", {"compatibility": "NONE"}),
        ("PUT", f"{API}/config/{SUBJECT}", {"compatibility": "NONE"}),
        ("DELETE", f"{API}/config/{SUBJECT}", None),
        ("PUT", f"{API}/mode", {"mode": "READONLY"}),
        ("PUT", "/apis/registry/v3/admin/rules/COMPATIBILITY", {"ruleType": "COMPATIBILITY", "config": "NONE"}),
        ("DELETE", "/apis/registry/v3/admin/rules", None),
        ("DELETE", "/apis/registry/v3/groups/default/artifacts", None),
        ("POST", "/apis/registry/v3/groups", {"groupId": "g"}),
    ],
)
def test_nobody_else_writes(
    server: RegistryAccess, method: str, path: str, body: dict[str, str] | None, login: tuple[str, str] | None
) -> None:
    """Through no interface, without a password, with a wrong one, and as another user."""
    answer = ask(server, method, path, json=body, auth=login)
    assert answer.status_code in {401, 403, 405, 404}, answer.text
    if answer.status_code in {404, 405}:  # the interface has no such call at all: the user may not make it either
        allowed = ask(server, method, path, json=body, auth=(USER, PASSWORD))
        assert allowed.status_code == answer.status_code


def test_a_wrong_password_is_a_matter_of_configuration(server: RegistryAccess) -> None:
    """Provisioning names the variables."""
    wrong = replace(server, username=USER, password="wrong")  # noqa: S106 - it is wrong
    with pytest.raises(ConfigurationError, match="AMANA_REGISTRY_USER") as caught:
        schema_registry.register(wrong, "a-value", catalogue.load("late").text)
    assert caught.value.code == "CFG-253"
    assert os.environ.get("AMANA_REGISTRY_PASSWORD") is None


def test_it_speaks_tls_1_3_alone(server: RegistryAccess) -> None:
    """An authority that is not trusted is refused at once, and the registry refuses an older version."""
    with pytest.raises(ConfigurationError, match="CFG-214"):
        registry_rule.global_rule(RegistryAccess(server.url))
    with pytest.raises(ConfigurationError, match="CFG-214"):
        registry_rule.global_rule(replace(server, url=server.url.replace("localhost", "127.0.0.1")))
    old = server.trust.context()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("localhost", port), timeout=10) as plain, pytest.raises(OSError):  # noqa: PT011 - any
        old.wrap_socket(plain, server_hostname="localhost")
