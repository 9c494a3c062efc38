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
from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field
from typer.testing import CliRunner

from amana.__main__ import build
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


class Secret(_Part):
    source: str
    target: str = Field(pattern=NAME)


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
    secrets: list[Secret] = []
    healthcheck: Healthcheck | None = None
    depends_on: dict[str, Dependency] = {}
    stop_grace_period: str | None = Field(default=None, pattern=DURATION)
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []


class SecretFile(_Part):
    file: str


class Compose(_Part):
    name: str = Field(pattern=NAME)
    services: dict[str, Service]
    networks: dict[str, dict[str, Any]]
    secrets: dict[str, SecretFile]
    volumes: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    text = FILE.read_text(encoding="utf-8")
    text = re.sub(VARIABLE, "secret", text)
    read: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))  # variables that nobody set
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
        assert {secret.source for secret in service.secrets} <= set(compose.secrets)


def test_a_service_that_others_wait_for_can_say_when_it_is_ready(compose: Compose) -> None:
    for service in compose.services.values():
        for name, dependency in service.depends_on.items():
            if dependency.condition == "service_healthy":
                assert compose.services[name].healthcheck is not None


def test_without_a_word_only_the_loopback_interface_of_the_host_is_bound(compose: Compose) -> None:
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
    assert set(protocols.values()) == {"SASL_SSL"}
    # The image asks for variables of its own wherever this text occurs.
    assert not any("SSL://" in settings[key] for key in ("KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS"))
    assert settings["KAFKA_SSL_ENABLED_PROTOCOLS"] == "TLSv1.3"
    assert "KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM" not in settings  # https is the default: names are checked
    for inner in ("BROKER", "CONTROLLER"):
        assert settings[f"KAFKA_LISTENER_NAME_{inner}_SSL_CLIENT_AUTH"] == "required"
    assert settings["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    assert settings["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"
    assert settings["KAFKA_LISTENER_NAME_REMOTE_SASL_ENABLED_MECHANISMS"] == "SCRAM-SHA-512,SCRAM-SHA-256"


def test_every_hop_is_tls(compose: Compose) -> None:
    """Every process of the project speaks to brokers and registry with TLS, and trusts the one authority."""
    ours = [service for service in compose.services.values() if service.image == "amana:local"]
    assert len(ours) >= 5  # every stage, the release process, and what sets them up
    for service in ours:
        assert service.environment["AMANA_KAFKA_PROTOCOL"] == "SASL_SSL"
        assert service.environment["AMANA_KAFKA_CA"] == "/run/secrets/ca.pem"
        assert [secret.source for secret in service.secrets] == ["ca"]
    assert str(compose.services["provision"].environment["AMANA_REGISTRY"]).startswith("https://")
    assert compose.services["registry"].environment["QUARKUS_HTTP_INSECURE_REQUESTS"] == "disabled"


def test_each_service_is_given_its_own_certificate_and_none_the_authoritys_key(compose: Compose) -> None:
    """A broker that is taken over can show no other broker's certificate, and sign none."""
    given = {name: {secret.source for secret in service.secrets} for name, service in compose.services.items()}
    for name in BROKERS:
        assert given[name] == {name, "ca"}
    assert given["registry"] == {"registry-crt", "registry-key", "ca"}
    assert not any("ca.key" in secret.file for secret in compose.secrets.values())


def test_the_certificates_of_the_first_lines_are_those_that_the_services_need(compose: Compose, tmp_path: Path) -> None:
    """The command at the head of the file makes every file of `secrets`, under every name that is advertised."""
    (command,) = re.findall(r"^#   amana (keys ca .*)$", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    words = command.replace("--out tls", f"--out {tmp_path / 'tls'}").split()
    said = CliRunner().invoke(build(), words)
    assert said.exit_code == 0, said.output
    for secret in compose.secrets.values():
        assert (tmp_path / secret.file).is_file()
    for name in BROKERS:
        advertised = str(compose.services[name].environment["KAFKA_ADVERTISED_LISTENERS"])
        hosts = {part.split("://")[1].split(":")[0] for part in advertised.split(",")}
        certificate = x509.load_pem_x509_certificate((tmp_path / "tls" / f"{name}.crt").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == hosts


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
