"""The environment: a misspelling is refused where it would change how brokers and registry are spoken to."""

import pytest

from amana.settings import Settings
from amana.site import Site
from schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("AMANA_KAFKA_PROTOKOL", "AMANA_KAFKA_PROTOCOL"),
        ("AMANA_KAFKA_SECURITY_PROTOCOL", "AMANA_KAFKA_PROTOCOL"),
        ("amana_kafka_cafile", "AMANA_KAFKA_CA"),
        ("AMANA_KAFKA_", "AMANA_KAFKA"),
        ("AMANA_REGISTRY_URL", "AMANA_REGISTRY"),
    ],
)
def test_a_variable_of_the_connections_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    """The message names the one that is meant, and never what the variable holds."""
    monkeypatch.setenv(name, "sesame")
    with pytest.raises(ConfigurationError, match="CFG-210") as caught:
        Settings.read()
    assert meant in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "AMANA_KAFKA_SERVICE_HOST",
        "AMANA_KAFKA_SERVICE_PORT_BROKER",
        "AMANA_KAFKA_PORT",
        "AMANA_KAFKA_PORT_9092_TCP_ADDR",
        "AMANA_REGISTRY_PORT_8080_TCP",
        "AMANA_SHARED",
        "AMANA_ADMIN_PASSWORD",
        "AMANA_REMOTE_HOST",
    ],
)
def test_variables_of_containers_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Kubernetes sets some beside services of these names; others are not ours, and no protection hangs on one."""
    monkeypatch.setenv(name, "tcp://10.0.0.1:9092")
    Settings.read()


@pytest.mark.parametrize("value", ["PLAINTEXT", "SSL", "sasl_ssl", "SASL-SSL", "SASL_SSL ", "SASL_TLS", "none"])
def test_a_protocol_is_one_of_two_words(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A value that is not understood never means "without TLS"."""
    monkeypatch.setenv("AMANA_KAFKA_PROTOCOL", value)
    with pytest.raises(ConfigurationError, match=r"CFG-008.*AMANA_KAFKA_PROTOCOL"):
        Settings.read()


@pytest.mark.parametrize(
    ("kafka", "protocol", "used"),
    [
        ("kafka-1:9092", "", "SASL_SSL"),
        ("127.0.0.1:9092,kafka-1:9092", "", "SASL_SSL"),
        ("127.0.0.1:9092", "", "SASL_PLAINTEXT"),
        ("127.0.0.1:9092", "SASL_SSL", "SASL_SSL"),
    ],
)
def test_tls_is_the_default_beyond_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, kafka: str, protocol: str, used: str
) -> None:
    """And it can be asked for on this machine."""
    site = Site.create(tmp_path_factory.mktemp("site"), agencies=("shelter-lbn",))
    monkeypatch.setenv("AMANA_KAFKA", kafka)
    monkeypatch.setenv("AMANA_KAFKA_PROTOCOL", protocol)
    assert Site.open(site.dir).cluster("analysts").protocol == used
