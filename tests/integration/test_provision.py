"""A started site is what its tables say."""

import shutil
from pathlib import Path

import pytest
from kafka import admin as kafka_admin

from amana.local import runtime as local
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.adapters import registry_rule
from tests.support import runtime

pytestmark = pytest.mark.broker


def test_every_topic_has_the_settings_of_the_table(site: Site) -> None:
    with cluster_setup.admin_of(site) as admin:
        assert cluster_setup.differing_topics(site, admin) == ()
        assert {topic.name for topic in cluster_setup.topic_table(site)} <= set(admin.list_topics())


def test_the_brokers_rules_are_the_table_and_nothing_else(site: Site) -> None:
    with cluster_setup.admin_of(site) as admin:
        assert cluster_setup.actual_acls(site, admin) == cluster_setup.listed_acls(site)


def test_provisioning_again_changes_nothing(site: Site) -> None:
    cluster_setup.provision(site)
    with cluster_setup.admin_of(site) as admin:
        assert cluster_setup.actual_acls(site, admin) == cluster_setup.listed_acls(site)


def test_the_registry_accepts_no_breaking_change_by_default(site: Site) -> None:
    assert registry_rule.global_rule(site.registry_access()) == "FULL_TRANSITIVE"


def test_what_is_written_is_read_back_in_order(site: Site) -> None:
    with cluster_setup.admin_of(site) as admin:
        admin.create_topics({"scratch": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    records = [(b"key", f"{number}".encode()) for number in range(20)]
    runtime.produce_all(site, "admin", "scratch", records)
    assert [(record.key, record.value) for record in runtime.consume_all(site, "admin", "scratch")] == records


def test_the_user_and_the_rules_of_an_agency_that_left_are_removed(site: Site) -> None:
    """Whatever the mechanism of its password: nobody is left who could act as it."""
    left, scram = "agency.left-xxx", kafka_admin.ScramMechanism
    rule = kafka_admin.ACL(
        f"User:{left}",
        "*",
        kafka_admin.ACLOperation.WRITE,
        kafka_admin.ACLPermissionType.ALLOW,
        kafka_admin.ResourcePattern(
            kafka_admin.ResourceType.TOPIC, "audit", kafka_admin.ACLResourcePatternType.LITERAL
        ),
    )
    with cluster_setup.admin_of(site) as admin:
        # A broker takes one change of a user in a request.
        for mechanism in (scram.SCRAM_SHA_256, scram.SCRAM_SHA_512):
            change = kafka_admin.UserScramCredentialUpsertion(left, mechanism, "invented")
            assert not any(admin.alter_user_scram_credentials([change]).values())
        admin.create_acls([rule])
        cluster_setup.provision(site)
        assert left not in admin.describe_user_scram_credentials()
        assert cluster_setup.actual_acls(site, admin) == cluster_setup.listed_acls(site)


@pytest.fixture
def elsewhere(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second data directory that takes the running broker and registry for an existing cluster."""
    monkeypatch.setenv("AMANA_KAFKA", site.kafka)
    monkeypatch.setenv("AMANA_REGISTRY", site.registry)
    for folder in ("parties", "policies", "public"):
        shutil.copytree(site.path(folder), tmp_path / folder)
    return tmp_path


def test_an_existing_cluster_is_used_and_provisioned_as_the_local_one_is(site: Site, elsewhere: Path) -> None:
    with cluster_setup.admin_of(site) as admin:
        admin.delete_topics(["calendar"])
    with local.running(elsewhere, workers=False) as entered:
        assert (entered.kafka, entered.registry) == (site.kafka, site.registry)
        assert {path.name for path in entered.path("run").glob("*.pid")} == {"up.pid"}
        with cluster_setup.admin_of(entered) as admin:
            assert cluster_setup.differing_topics(entered, admin) == ()


def test_without_the_admins_password_an_existing_cluster_is_left_as_it_is(site: Site, elsewhere: Path) -> None:
    (elsewhere / "parties" / "operator" / "passwords" / "admin.json").unlink()
    with cluster_setup.admin_of(site) as admin:
        admin.delete_topics(["calendar"])
    with local.running(elsewhere, workers=False), cluster_setup.admin_of(site) as admin:
        assert [topic.name for topic in cluster_setup.differing_topics(site, admin)] == ["calendar"]
    assert not (elsewhere / "parties" / "operator" / "passwords" / "admin.json").exists()
    cluster_setup.provision(site)
