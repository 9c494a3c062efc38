"""The checks of `amana check`: one question each to the running system, and one sentence as its answer.

Purpose: tell an operator what is configured, reachable and safe. Changes nothing.
Called by: `amana check`, tests.

Invariants:
- A check returns its sentence or raises the typed error that says what is wrong.
- What no process of the site depends on is a warning, and no fault; so is a certificate that ends soon.
- Without the admin's password, as on a cluster that somebody else runs, every principal asks for itself
  (`amana.provisioning.own_rights`); what nobody of them may see is said to be unseen, and not to be right.
- No check depends on another, so all of them are asked whatever the first ones answer.
"""

import datetime as dt
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from amana import site as sites
from amana.provisioning import cluster_quotas, cluster_setup, own_rights
from anonymizer.detection import presidio
from connectors.adapters import registry_comparison, schema_ids, schema_registry
from connectors.adapters.broker_handshake import handshakes
from connectors.adapters.cluster import Cluster
from connectors.adapters.policy_store import PolicyStore
from connectors.adapters.transport_security import TLS, addresses, is_loopback
from connectors.operations import restart_record
from schemas.errors import AmanaError, ConfigurationError, IntegrityError, TransportError
from streams.broker import access, quotas
from streams.transparency import log_verification

__all__ = ["CHECKS", "Verdict", "inspect"]

_PATIENCE_SECONDS: Final = 3.0
_SOON: Final = dt.timedelta(days=30)
"""Before this time is over, a certificate should be made again."""

_MOST_SHOWN: Final = 4  # differences of the registry on one line


class Verdict(StrEnum):
    """Result of a check; a fault is false, all others are true."""

    OK = "ok"
    WARNING = "warn"
    UNSEEN = "unseen"
    FAULT = "FAULT"

    def __bool__(self) -> bool:
        """Tell whether the site is sound in this point."""
        return self is not Verdict.FAULT


Check = Callable[[sites.Site], "str | tuple[Verdict, str]"]
"""Returns its sentence; beside it the verdict where that is not `OK`."""


def inspect(site: sites.Site) -> Iterator[tuple[str, Verdict, str]]:
    """Run every check; yield its name, its verdict, and its sentence or the fault."""
    for name, check in CHECKS.items():
        try:
            answer = check(site)
        except AmanaError as error:
            yield name, Verdict.FAULT, str(error)
        else:
            yield name, *((Verdict.OK, answer) if isinstance(answer, str) else answer)


def _directory(site: sites.Site) -> str:
    """Describe the site; opening it was the check."""
    calendar = f"as of {site.as_of}" if site.as_of else "no calendar date: lateness is off"
    return f"{site.dir}, {len(site.agencies)} agencies, {calendar}"


def _secrets(site: sites.Site) -> str:
    """Check that secrets, folders included, are readable by their owner alone."""
    paths = [site.path("parties"), *site.path("parties").rglob("*")]
    # Other systems have access lists in place of these bits.
    if os.name == "posix" and (exposed := [path for path in paths if path.stat().st_mode & 0o077]):
        raise ConfigurationError("CFG-006", f"{exposed[0]} can be read by others: chmod go=")
    return f"{sum(path.is_file() for path in paths)} files, readable by their owner alone"


def _policy(site: sites.Site) -> str:
    """Check the officers' signatures, and say which policy is in force and who signed for it."""
    policies, acts = site.policies(), PolicyStore(site.dir).acts()
    newest, earlier = policies.newest, len(policies.policies) - 1
    more = f", {earlier} for earlier years" if earlier else ""
    signed = f"signed by two of {', '.join(sorted(acts[-1].officers))}"
    played = ", whose keys lie in one place: for trying out" if site.path("officer").exists() else ""
    return f"{newest.name} version {newest.version}, sha256 {newest.digest}, {signed}{played}{more}"


def _entities(site: sites.Site) -> str:
    """Check that a recogniser serves every entity type of the policy: one without would be left in the texts."""
    rules = site.policy().text
    presidio.refuse_unserved(rules)
    return f"{len(rules.entities)} entity types, each served by a recogniser"


def _processes(site: sites.Site) -> str:
    """Check that no process of this machine's supervisor ends again and again."""
    if found := restart_record.loops(site.path("run"), time.time()):
        raise ConfigurationError("CFG-242", "; ".join(map(str, found)))
    return "none of this machine ends again and again"


def _broker(site: sites.Site) -> str | tuple[Verdict, str]:
    """Check that the broker admits a principal with a password and refuses a client without one."""
    cluster = site.cluster(access.OPERATOR)
    with cluster_setup.admin_of(site, access.OPERATOR, seconds=_PATIENCE_SECONDS) as client:
        advertised = [(broker["host"], broker["port"]) for broker in client.describe_cluster()["brokers"]]
    if cluster_setup.lets_anybody_in(cluster):
        raise ConfigurationError("CFG-078", f"the broker at {site.kafka} answers without a password")
    said = f"{site.kafka}, {len(advertised)} broker, {cluster.credential.mechanism}"
    # Clients are sent on to the addresses that the brokers advertise.
    if cluster.protocol == TLS:
        version, end = _secured(cluster, advertised)
        verdict = Verdict.WARNING if end < dt.datetime.now(dt.UTC) + _SOON else Verdict.OK
        return verdict, f"{said}, {version}, certificates until {end:%Y-%m-%d}"
    if remote := [host for host, _ in advertised if not is_loopback(host)]:
        raise ConfigurationError("CFG-221", f"a broker sends its clients to {remote[0]}, without TLS")
    return f"{said}, loopback"


def _secured(cluster: Cluster, advertised: Iterable[tuple[str, int]]) -> tuple[str, dt.datetime]:
    """Make a handshake with every broker; return the versions of TLS and the first end of a certificate."""
    every = dict.fromkeys([*addresses(cluster.bootstrap), *advertised])
    results = list(handshakes(every, cluster.trust.context()))
    if faults := [result.fault for result in results if result.fault]:
        raise faults[0]
    ends = [result.expires for result in results if result.expires]
    if not ends:
        raise TransportError("TRA-008", f"no broker at {cluster.bootstrap} answers")
    return ", ".join(sorted({result.version for result in results if result.version})), min(ends)


def _topics(site: sites.Site) -> str:
    """Check that the topics exist, with the listed partitions and settings."""
    if not cluster_setup.has_admin(site):
        own_rights.require_topics(site, seconds=_PATIENCE_SECONDS)
        return f"{len(cluster_setup.topic_table(site))} topics with their partitions; settings unseen without an admin"
    with cluster_setup.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        differing = cluster_setup.differing_topics(site, client)
    if differing:
        raise IntegrityError(
            "INT-004", f"{len(differing)} topics are missing or differ, the first: {differing[0].name}"
        )
    return f"{len(cluster_setup.topic_table(site))} topics, settings as listed"


def _access(site: sites.Site) -> str:
    """Check that the access rules are as listed, and that what no rule names is denied to an analyst."""
    if not cluster_setup.has_admin(site):
        asked = own_rights.require_rights(site, seconds=_PATIENCE_SECONDS)
        unseen = len(access.principals(site.agencies)) - 1 - asked
        return f"{asked} principals may do what is listed; unseen: {unseen} whose credential is not here"
    with cluster_setup.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        listed, actual = cluster_setup.listed_acls(site), cluster_setup.actual_acls(site, client)
    if listed != actual:
        raise IntegrityError("INT-005", f"{len(listed ^ actual)} access rules differ from the list")
    # A test from outside: rules that look right help nothing if the broker's authorizer is switched off.
    with cluster_setup.admin_of(site, "analysts", seconds=_PATIENCE_SECONDS) as client:
        seen = set(client.list_topics())
    if beyond := sorted(name for name in seen if not name.startswith("trend.")):
        raise IntegrityError("INT-005", f"an analyst sees {beyond[0]}: what no rule allows is not denied")
    return f"{len(listed)} rules for {len(access.principals(site.agencies))} principals, deny by default"


def _quotas(site: sites.Site) -> str | tuple[Verdict, str]:
    """Check that the quotas of every principal are as listed."""
    if not cluster_setup.has_admin(site):
        return Verdict.UNSEEN, "only an admin may see the quotas: `amana provision --print` lists them"
    with cluster_setup.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        differing = cluster_quotas.differing(site, client)
        count = len(cluster_quotas.listed_quotas(site, client))
    if differing:
        raise IntegrityError("INT-006", f"the quotas of {len(differing)} principals differ from the list")
    figures = ", ".join(f"{name} {figure}" for name, figure in site.quota.figures().items())
    return f"{count} principals, each {figures}"


def _disks(site: sites.Site) -> str | tuple[Verdict, str]:
    """Check that no agency has used most of its share of a broker's disk."""
    if not cluster_setup.has_admin(site):
        return Verdict.UNSEEN, "only an admin may see the sizes of topics"
    with cluster_setup.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        shares = cluster_quotas.disk_shares(site, client)
    agency, most = max(shares.items(), key=lambda item: item[1])
    if most >= quotas.ALARM_SHARE:
        raise IntegrityError("INT-190", f"{agency} has used {most:.0%} of its share of a disk; at 100% it is slowed")
    return f"{site.quota.disk_bytes:,} bytes for each agency, at most {most:.0%} used"


def _schemas(site: sites.Site) -> str:
    """Check that every shipped schema has an id on file."""
    return f"{len(schema_ids.allow_list(site.schema_ids).current)} schemas, each with an id on file"


def _registry(site: sites.Site) -> str | tuple[Verdict, str]:
    """Compare the registry with the shipped schemas; no process of the site asks it."""
    access = site.registry_access()
    try:
        written = schema_ids.allow_list(site.schema_ids)
        found = registry_comparison.differences(access, written, wait_seconds=_PATIENCE_SECONDS)
    except AmanaError as error:
        return Verdict.WARNING, str(error)
    if found:
        return Verdict.WARNING, f"others would read wrongly: {'; '.join(found[:_MOST_SHOWN])}"
    return f"{access.url}, {len(written.current)} schemas as shipped, {schema_registry.RULE}"


def _audit(site: sites.Site) -> str:
    """Verify the audit log, if anything is recorded yet."""
    log = site.path("audit")
    if not any(log.iterdir()):
        return "nothing recorded yet"
    verified = log_verification.verify(log, site.public("audit"))
    return f"{verified.entries} entries under {verified.checkpoints} signed checkpoints, verified"


CHECKS: Final[Mapping[str, Check]] = {
    "site": _directory,
    "secrets": _secrets,
    "policy": _policy,
    "entities": _entities,
    "processes": _processes,
    "broker": _broker,
    "topics": _topics,
    "access": _access,
    "quotas": _quotas,
    "disk shares": _disks,
    "schemas": _schemas,
    "registry": _registry,
    "audit log": _audit,
}
"""Every check by its name, in the order of the report."""
