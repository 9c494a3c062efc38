"""`amana check` says that a sound site is sound, and names what is not."""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from kafka import admin as kafka_admin

from amana.provisioning import cluster_setup, inspection
from amana.site import Site

pytestmark = pytest.mark.broker


def _check(site: Site) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    command = [sys.executable, "-m", "amana", "check"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_sound_site_passes_every_point(site: Site) -> None:
    done = _check(site)
    assert done.returncode == 0, done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * len(inspection.CHECKS)
    assert site.policy().digest in done.stdout


def test_a_secret_that_others_can_read_is_a_fault(site: Site) -> None:
    key = site.path("parties", "deidentify", "dedupe.key")
    key.chmod(0o644)
    try:
        answers = {name: good for name, good, _ in inspection.inspect(site)}
    finally:
        key.chmod(0o600)
    assert not answers.pop("secrets")
    assert all(answers.values())


def test_a_rule_beyond_the_table_is_a_fault_and_provisioning_takes_it_away(site: Site) -> None:
    everything = kafka_admin.ResourcePattern(
        kafka_admin.ResourceType.TOPIC, "raw.", kafka_admin.ACLResourcePatternType.PREFIXED
    )
    rule = kafka_admin.ACL(
        "User:analysts", "*", kafka_admin.ACLOperation.READ, kafka_admin.ACLPermissionType.ALLOW, everything
    )
    with cluster_setup.admin_of(site) as admin:
        admin.create_acls([rule])
    assert not {name: good for name, good, _ in inspection.inspect(site)}["access"]
    cluster_setup.provision(site)
    assert {name: good for name, good, _ in inspection.inspect(site)}["access"]


def test_retention_that_was_changed_by_hand_is_a_fault_and_provisioning_sets_it_right(site: Site) -> None:
    with cluster_setup.admin_of(site) as admin:
        admin.alter_configs([kafka_admin.ConfigResource("TOPIC", "late", configs={"retention.ms": "60000"})])
    assert not {name: good for name, good, _ in inspection.inspect(site)}["topics"]
    cluster_setup.provision(site)
    assert {name: good for name, good, _ in inspection.inspect(site)}["topics"]


def test_a_registry_that_differs_is_a_warning_and_no_fault(site: Site) -> None:
    """No process of the site asks it; others would read wrongly."""
    config = f"{site.registry_access().interface}/config/late-value"
    httpx2.put(config, json={"compatibility": "NONE"}, timeout=30).raise_for_status()
    try:
        done = _check(site)
    finally:
        httpx2.put(config, json={"compatibility": "FULL_TRANSITIVE"}, timeout=30).raise_for_status()
    assert done.returncode == 0, done.stdout
    line = next(line for line in done.stdout.splitlines() if line.split()[1] == "registry")
    assert line.split()[0] == "warn"
    assert "the rule of late-value is NONE" in line


def test_a_missing_schema_id_is_a_fault(site: Site) -> None:
    """No worker would start."""
    text = site.schema_ids.read_text(encoding="utf-8")
    site.schema_ids.write_text(text.replace("late-value", "other-value"), encoding="utf-8")
    try:
        answers = {name: (verdict, sentence) for name, verdict, sentence in inspection.inspect(site)}
    finally:
        site.schema_ids.write_text(text, encoding="utf-8")
    assert answers["schemas"][0] is inspection.Verdict.FAULT
    assert "CFG-042" in answers["schemas"][1]


def test_a_directory_without_a_site_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "amana", "check", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "CFG-002" in done.stderr
