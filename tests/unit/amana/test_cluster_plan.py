"""`amana provision --print`: the whole cluster as a page and as data, without asking or making anything."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amana.__main__ import build
from streams.broker import access, quotas, topics

AGENCIES = ("shelter-lbn", "hotline-egy")


def _print(monkeypatch: pytest.MonkeyPatch, *more: str) -> str:
    for name in ("AMANA_DATA", "AMANA_KAFKA", "AMANA_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    given = [part for agency in AGENCIES for part in ("--agency", agency)]
    said = CliRunner().invoke(build(), ["provision", "--print", *given, *more])
    assert said.exit_code == 0, said.output
    return said.output


def test_the_data_are_the_lists_of_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every topic with its settings, every rule, quota and user; no admin, who is the owner's."""
    planned = json.loads(_print(monkeypatch, "--json", "--data", str(tmp_path / "absent")))
    regions = [
        topic["name"].removeprefix("trend.") for topic in planned["topics"] if topic["name"].startswith("trend.")
    ]
    listed = topics.all_topics(AGENCIES, regions)
    assert regions
    assert [(one["name"], one["partitions"]) for one in planned["topics"]] == [(t.name, t.partitions) for t in listed]
    for one, topic in zip(planned["topics"], listed, strict=True):
        assert one["settings"] == {**topic.settings(), "min.insync.replicas": "2"}
    rules = [
        access.AclRule(
            one["user"], tuple(one["operations"]), one["resource"], one["name"], prefixed=one["pattern"] == "PREFIXED"
        )
        for one in planned["rules"]
    ]
    assert tuple(rules) == access.acl_rules(AGENCIES)
    assert planned["users"] == [name for name in access.principals(AGENCIES) if name != "admin"]
    assert {one["user"] for one in planned["quotas"]} == set(quotas.quotas_by_principal(AGENCIES))
    assert not (tmp_path / "absent").exists()


def test_the_page_names_every_topic_user_and_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """In tables that a page of Markdown shows."""
    page = _print(monkeypatch, "--quota", "producer_byte_rate=8000000")
    for name in ("`raw.hotline-egy.case`", "`worker.release`", "`PREFIXED`", "`8000000`", "FULL_TRANSITIVE"):
        assert name in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    assert all(len(line) <= 120 for line in page.splitlines() if not line.startswith("|"))


def test_a_malformed_agency_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a site is made."""
    monkeypatch.delenv("AMANA_DATA", raising=False)
    said = CliRunner().invoke(build(), ["provision", "--print", "--agency", "Not An Agency"])
    assert "CFG-003" in str(said.exception)
