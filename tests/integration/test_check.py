"""`amana check` says that a sound site is sound, and names what is not."""

import os
import shutil
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


@pytest.fixture
def tenant(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same site as on a cluster that somebody else runs: every credential but the admin's."""
    for folder in ("parties", "policies", "public"):
        shutil.copytree(site.path(folder), tmp_path / folder)
    shutil.copy(site.path("site.json"), tmp_path)
    (tmp_path / "parties" / "operator" / "passwords" / "admin.json").unlink()
    monkeypatch.setenv("AMANA_KAFKA", site.kafka)
    monkeypatch.setenv("AMANA_REGISTRY", site.registry)
    return Site.create(tmp_path)


def test_without_an_admin_every_principal_asks_for_itself(tenant: Site) -> None:
    """Topics and rights are verified, and what nobody may see is said to be unseen."""
    done = _check(tenant)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    # The registry is nobody's need, and one that answers slowly is a warning.
    words = {line.split()[0] for name, line in lines.items() if name not in {"quotas", "disk", "registry"}}
    assert words == {"ok"}, done.stdout
    assert "settings unseen" in lines["topics"]
    assert "13 principals" in lines["access"]
    assert lines["quotas"].startswith("unseen")
    assert lines["disk"].startswith("unseen")


def test_without_an_admin_provisioning_registers_the_schemas_alone(site: Site, tenant: Site) -> None:
    """Topics, users and rules are the owner's, and stay as they are."""
    with cluster_setup.admin_of(site) as admin:
        admin.delete_topics(["calendar"])
    environment = {**os.environ, "AMANA_DATA": str(tenant.dir)}
    command = [sys.executable, "-m", "amana", "provision"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    with cluster_setup.admin_of(site) as admin:
        missing = [topic.name for topic in cluster_setup.differing_topics(site, admin)]
    cluster_setup.provision(site)
    assert done.returncode == 0, done.stderr
    assert "without an admin password" in done.stdout
    assert missing == ["calendar"]


def test_without_an_admin_a_right_too_many_or_too_few_is_a_fault(site: Site, tenant: Site) -> None:
    """An analyst who may read raw records, an officer who may write, a worker who may not read what it works on."""
    allow = kafka_admin.ACLPermissionType.ALLOW

    def rule(user: str, operation: str, kind: str, name: str, pattern: str) -> kafka_admin.ACL:
        resource = kafka_admin.ResourcePattern(
            kafka_admin.ResourceType[kind], name, kafka_admin.ACLResourcePatternType[pattern]
        )
        return kafka_admin.ACL(f"User:{user}", "*", kafka_admin.ACLOperation[operation], allow, resource)

    too_many = [
        rule("analysts", "READ", "TOPIC", "raw.", "PREFIXED"),
        rule("officer", "WRITE", "TOPIC", "calendar", "LITERAL"),
        rule("operator", "DELETE", "TOPIC", "*", "LITERAL"),
    ]
    for added in too_many:
        with cluster_setup.admin_of(site) as admin:
            admin.create_acls([added])
        answers = {name: (verdict, said) for name, verdict, said in inspection.inspect(tenant)}
        cluster_setup.provision(site)
        assert not answers["access"][0]
        assert added.principal.removeprefix("User:") in answers["access"][1]
    with cluster_setup.admin_of(site) as admin:
        taken = rule("worker.dedupe", "READ", "TOPIC", "deidentified.", "PREFIXED")
        admin.delete_acls([kafka_admin.ACLFilter(taken.principal, "*", taken.operation, allow, taken.resource_pattern)])
    answers = {name: (verdict, said) for name, verdict, said in inspection.inspect(tenant)}
    cluster_setup.provision(site)
    assert "worker.dedupe" in answers["access"][1]
    assert all(verdict for _, verdict, _ in inspection.inspect(tenant))


def test_without_an_admin_a_missing_topic_is_a_fault(site: Site, tenant: Site) -> None:
    """Nobody sees it."""
    with cluster_setup.admin_of(site) as admin:
        admin.delete_topics(["late"])
    answers = {name: (verdict, said) for name, verdict, said in inspection.inspect(tenant)}
    cluster_setup.provision(site)
    assert "late" in answers["topics"][1]
    assert "INT-004" in answers["topics"][1]


def test_a_directory_without_a_site_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "amana", "check", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "CFG-002" in done.stderr
