"""The compose file is one that a compose client accepts, and keeps what the local runtime promises.

Where a client is installed it judges the file (`docker compose config`, without a network or a daemon); elsewhere the
parts of the compose format that the file uses are checked as types. The promises are tested everywhere.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from amana.keys import parties
from streams.broker import access

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
NAME = r"^[a-zA-Z0-9._-]+$"
DURATION = r"^\d+(ms|s|m|h)$"
VARIABLE = r"\$\{AMANA_(?:ADMIN_PASSWORD|REGISTRY_PASSWORD|PYTHON_DIGEST):\?[^}]+\}"
BROKERS = ("kafka-1", "kafka-2", "kafka-3")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Healthcheck(_Part):
    test: list[str] = Field(min_length=2)
    interval: str = Field(pattern=DURATION)
    timeout: str = Field(pattern=DURATION)
    retries: int = Field(ge=1)
    start_period: str = Field(pattern=DURATION)


class Dependency(_Part):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Build(_Part):
    context: str
    args: dict[str, str] = {}


class Service(_Part):
    image: str = Field(pattern=r"^[a-z0-9./-]+:[a-z0-9.-]+$")
    build: Build | None = None
    command: list[str] | None = None
    entrypoint: list[str] | None = None
    environment: dict[str, str | int] = {}
    restart: Literal["no", "always", "on-failure", "unless-stopped"]
    user: str | None = None
    hostname: str | None = None
    network_mode: Literal["none"] | None = None
    networks: list[str] = []
    ports: list[str] = []
    volumes: list[str] = []
    healthcheck: Healthcheck | None = None
    depends_on: dict[str, Dependency] = {}
    stop_grace_period: str | None = Field(default=None, pattern=DURATION)
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []


class Compose(_Part):
    name: str = Field(pattern=NAME)
    services: dict[str, Service]
    networks: dict[str, dict[str, Any]]
    volumes: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    text = FILE.read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(re.sub(VARIABLE, "secret", text))
    return {key: value for key, value in read.items() if not key.startswith("x-")}


@pytest.fixture(scope="module")
def compose(document: dict[str, Any]) -> Compose:
    return Compose.model_validate(document)


def _client() -> list[str] | None:
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    standalone = shutil.which("docker-compose")
    return [standalone] if standalone else None


def test_the_file_is_valid(document: dict[str, Any]) -> None:
    client = _client()
    if client is None:
        Compose.model_validate(document)
        return
    command = [*client, "--file", str(FILE), "config", "--quiet"]
    names = ("AMANA_ADMIN_PASSWORD", "AMANA_REGISTRY_PASSWORD", "AMANA_PYTHON_DIGEST")
    environment = os.environ | dict.fromkeys(names, "secret")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_every_name_that_a_service_refers_to_exists(compose: Compose) -> None:
    for service in compose.services.values():
        assert set(service.depends_on) <= set(compose.services)
        assert set(service.networks) <= set(compose.networks)
        assert {volume.split(":")[0] for volume in service.volumes} <= set(compose.volumes)


def test_a_service_that_others_wait_for_can_say_when_it_is_ready(compose: Compose) -> None:
    for service in compose.services.values():
        for name, dependency in service.depends_on.items():
            if dependency.condition == "service_healthy":
                assert compose.services[name].healthcheck is not None


def test_only_the_loopback_interface_of_the_host_is_bound(compose: Compose) -> None:
    published = [port for service in compose.services.values() for port in service.ports]
    assert published
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published)
    assert len({port.split(":")[1] for port in published}) == len(published)


def test_three_brokers_hold_three_replicas_and_two_acknowledge(compose: Compose) -> None:
    settings = [compose.services[name].environment for name in BROKERS]
    assert {each["KAFKA_NODE_ID"] for each in settings} == {1, 2, 3}
    for each in settings:
        assert each["KAFKA_DEFAULT_REPLICATION_FACTOR"] == each["KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"] == 3
        assert each["KAFKA_MIN_INSYNC_REPLICAS"] == each["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == 2
        assert each["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


@pytest.mark.parametrize("name", BROKERS)
def test_every_listener_asks_for_a_password_and_denies_by_default(compose: Compose, name: str) -> None:
    settings = {key: str(value) for key, value in compose.services[name].environment.items()}
    protocols = dict(part.split(":") for part in settings["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    listeners = {part.split(":")[0] for part in settings["KAFKA_LISTENERS"].split(",")}
    assert set(protocols) == listeners
    assert set(protocols.values()) == {"SASL_PLAINTEXT"}
    assert settings["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    assert settings["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"
    assert settings["KAFKA_LISTENER_NAME_HOST_SASL_ENABLED_MECHANISMS"] == "SCRAM-SHA-512"


def test_no_password_stands_in_the_file() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert re.findall(r"(?:password|user_admin)=\"(?!\$\{AMANA_ADMIN_PASSWORD:\?)", text) == []
    assert re.findall(r"(?:PASSWORD|USERS_AMANA): (?!\$\{AMANA_(?:ADMIN|REGISTRY)_PASSWORD:\?)", text) == []


def test_only_a_user_writes_to_the_registry_and_no_worker_reaches_it(compose: Compose) -> None:
    """Its settings are tried on the real one (`tests/integration/test_registry_users.py`)."""
    settings = compose.services["registry"].environment
    assert settings["QUARKUS_HTTP_AUTH_BASIC"] == settings["APICURIO_AUTH_ROLE_BASED_AUTHORIZATION"] == "true"
    assert settings["QUARKUS_SECURITY_USERS_EMBEDDED_USERS_AMANA"] == "secret"
    near = {name for name, service in compose.services.items() if "registry" in service.networks}
    assert near == {"registry", "provision"}
    for name, service in compose.services.items():
        if name.startswith("worker"):
            assert not {key for key in service.environment if "REGISTRY" in key}


def test_the_processes_of_amana_have_no_way_out(compose: Compose) -> None:
    """Nothing is fetched at run time, and a process that was taken over tells nobody."""
    ours = [service for service in compose.services.values() if service.image == "amana:local"]
    assert len(ours) == 10
    assert all(compose.networks[network] == {"internal": True} for service in ours for network in service.networks)


def test_every_stage_runs_and_the_release_process_once(compose: Compose) -> None:
    commands = [service.command for service in compose.services.values() if service.command]
    workers = [command for command in commands if command[0] == "worker"]
    assert workers == [["worker", name] for name in ("deidentify", "dedupe", "aggregate", "release")]


def test_every_process_sees_the_folder_of_its_own_party_alone(compose: Compose) -> None:
    """As the table of parties and secrets says: a worker's folder read-only, and no folder of two parties together."""
    own = {f"worker-{name}": parties.party_of(f"worker.{name}")[0] for name in access.WORKERS}
    own |= {f"keys-{party}": party for party in parties.PARTIES if party not in {"agency", "operator"}}
    own |= {"provision": "operator"}
    for name, service in compose.services.items():
        mounts = [volume.split(":") for volume in service.volumes]
        folders = [mount for mount in mounts if mount[1].startswith("/data/parties")]
        party = own.get(name)
        assert [mount[1] for mount in folders] == ([f"/data/parties/{party}"] if party else []), name
        assert [mount[0] for mount in folders] == ([party] if party else []), name
        if name.startswith("worker-"):
            read_only = {mount[0] for mount in mounts if mount[2:] == ["ro"]}
            assert {mount[0] for mount in mounts} - read_only <= {"audit", "ledger"}, name
    assert set(own) <= set(compose.services)


def test_the_brokers_are_those_of_the_local_runtime(compose: Compose) -> None:
    """The same versions as the lock file's."""
    lock = (ROOT / "amana" / "local" / "kafka-4.4.0.lock.json").read_text(encoding="utf-8")
    for name in (*BROKERS, "registry"):
        version = compose.services[name].image.split(":")[1]
        assert re.search(rf"(kafka_2\.13|apicurio-registry-app):{re.escape(version)}\b", lock)
