"""The applications of the stages: their settings, and the check that no record is passed over."""

import asyncio
import ssl
from pathlib import Path
from typing import Any, NoReturn

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types import TP

from streams.runtime import app as apps
from streams.runtime import stage
from streams.runtime.stage import Record

PLAIN = {"bootstrap_servers": "localhost:1,localhost:2"}
SASL = {
    "bootstrap_servers": ["localhost:1"],
    "security_protocol": "SASL_PLAINTEXT",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_plain_username": "worker.dedupe",
    "sasl_plain_password": "invented",
}
SOURCE = TP("deidentified.case", 1)


class _HaltError(Exception):
    """The process would be gone."""


def _batch(first: int, last: int) -> list[Record]:
    return [Record(*SOURCE, offset, b"k", b"v") for offset in range(first, last + 1)]


def test_the_settings_keep_the_order_of_effects_and_serve_nothing(tmp_path: Path) -> None:
    conf = apps.build("dedupe", PLAIN, tmp_path, instance="dedupe-0", fetch=1_000).conf
    assert str(conf.processing_guarantee.value) == "at_least_once"
    assert (conf.consumer_auto_offset_reset, conf.consumer_group_instance_id) == ("earliest", "dedupe-0")
    assert (conf.topic_allow_declare, conf.topic_disable_leader, conf.web_enabled) == (False, True, False)
    assert [(url.host, url.port) for url in conf.broker] == [("localhost", 1), ("localhost", 2)]
    assert conf.broker_credentials is None


def test_credentials_are_taken_from_the_settings(tmp_path: Path) -> None:
    credentials: Any = apps.build("dedupe", SASL, tmp_path, fetch=1_000).conf.broker_credentials
    assert (credentials.username, credentials.password) == ("worker.dedupe", "invented")
    assert (credentials.protocol.value, credentials.ssl_context) == ("SASL_PLAINTEXT", None)


def test_tls_reaches_the_consumer_of_a_stage(tmp_path: Path) -> None:
    """Faust knows TLS by the context alone; without it, it would speak in clear to a broker that expects TLS."""
    context = ssl.create_default_context()
    secured = {**SASL, "security_protocol": "SASL_SSL", "ssl_context": context}
    credentials: Any = apps.build("dedupe", secured, tmp_path, fetch=1_000).conf.broker_credentials
    assert credentials_to_aiokafka_auth(credentials) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker.dedupe",
        "sasl_plain_password": "invented",
        "ssl_context": context,
    }


@pytest.mark.parametrize("first", [40, 41, 42, 43])
def test_a_batch_that_does_not_begin_where_the_last_one_ended_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """A batch that begins earlier is a repetition, which sequence marks make harmless."""

    def halt(*line: object) -> NoReturn:
        assert line == ("INT-022", *SOURCE, first)
        raise _HaltError

    async def run() -> None:
        app: Any = apps.build("dedupe", PLAIN, tmp_path, fetch=1_000)
        app.consumer.begun = {SOURCE: 30}
        progress = apps._Progress(app)
        progress.check(_batch(30, 41))
        progress.handled(_batch(30, 41))
        assert progress.positions() == {SOURCE: 42}
        progress.check(_batch(first, 50))

    monkeypatch.setattr(stage, "halt", halt)
    if first <= 42:
        asyncio.run(run())
    else:
        with pytest.raises(_HaltError):
            asyncio.run(run())
