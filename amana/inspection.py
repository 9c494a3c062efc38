"""What `amana check` looks at: each point is one question to the running system, and one sentence as its answer.

Decides what counts as configured, reachable and safe. Changes nothing. A point either returns its sentence or raises
the typed error that says what is wrong; the points do not depend on each other, so all of them are asked.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from amana import site as sites
from amana.local import provision, quotas, registry
from anonymizer.engines import presidio
from connectors.adapters import audit_verify
from connectors.adapters import registry as schema_registry
from schemas.errors import AmanaError, ConfigurationError, IntegrityError
from streams import access

__all__ = ["POINTS", "inspect"]

_PATIENCE_SECONDS: Final = 3.0

Point = Callable[[sites.Site], str]


def inspect(site: sites.Site) -> Iterator[tuple[str, bool, str]]:
    """Ask every point; yield its name, whether all is well, and the sentence that says so or why not."""
    for name, point in POINTS.items():
        try:
            yield name, True, point(site)
        except AmanaError as error:
            yield name, False, str(error)


def _directory(site: sites.Site) -> str:
    calendar = f"as of {site.as_of}" if site.as_of else "no calendar date: lateness is off"
    return f"{site.dir}, {len(site.agencies)} agencies, {calendar}"


def _secrets(site: sites.Site) -> str:
    """Every secret is its owner's alone, folders included."""
    paths = [site.path("secrets"), *site.path("secrets").rglob("*")]
    if os.name == "posix" and (exposed := [path for path in paths if path.stat().st_mode & 0o077]):
        raise ConfigurationError("CFG-006", f"{exposed[0]} can be read by others: chmod go=")
    return f"{sum(path.is_file() for path in paths)} files, readable by their owner alone"


def _policy(site: sites.Site) -> str:
    policy = site.policy()
    return f"{policy.name} version {policy.version}, sha256 {policy.digest}"


def _entities(site: sites.Site) -> str:
    rules = site.policy().text
    presidio.refuse_unserved(rules)
    return f"{len(rules.entities)} entity types, each served by a recogniser"


def _broker(site: sites.Site) -> str:
    """Somebody with a password is let in, and somebody without one is not."""
    with provision.admin_of(site, "operator", seconds=_PATIENCE_SECONDS) as client:
        brokers = len(client.describe_cluster()["brokers"])
    if provision.lets_anybody_in(site):
        raise ConfigurationError("CFG-078", f"the broker at {site.kafka} answers without a password")
    return f"{site.kafka}, {brokers} broker, {sites.MECHANISM} only"


def _topics(site: sites.Site) -> str:
    with provision.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        differing = provision.differing_topics(site, client)
    if differing:
        raise IntegrityError(
            "INT-004", f"{len(differing)} topics are missing or differ, the first: {differing[0].name}"
        )
    return f"{len(provision.topic_table(site))} topics, retention as in the table"


def _access(site: sites.Site) -> str:
    """The broker's rules are the table's, and what they do not name is denied: an analyst sees releases alone."""
    with provision.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        wanted, found = provision.acls(site), provision.found_acls(site, client)
    if wanted != found:
        raise IntegrityError("INT-005", f"{len(wanted ^ found)} rules of access differ from the table")
    with provision.admin_of(site, "analysts", seconds=_PATIENCE_SECONDS) as client:
        seen = set(client.list_topics())
    if beyond := sorted(name for name in seen if not name.startswith("trend.")):
        raise IntegrityError("INT-005", f"an analyst sees {beyond[0]}: what no rule allows is not denied")
    return f"{len(wanted)} rules for {len(access.principals(site.agencies))} principals, deny by default"


def _quotas(site: sites.Site) -> str:
    with provision.admin_of(site, seconds=_PATIENCE_SECONDS) as client:
        differing = quotas.differing(site, client)
    if differing:
        raise IntegrityError("INT-006", f"the quotas of {len(differing)} principals differ from the table")
    figures = ", ".join(f"{name} {figure}" for name, figure in site.quota.figures().items())
    return f"{len(quotas.wanted(site))} principals, each {figures}"


def _registry(site: sites.Site) -> str:
    if (rule := registry.global_rule(site.registry)) != schema_registry.RULE:
        raise IntegrityError("INT-002", f"the registry's global rule is {rule}, not {schema_registry.RULE}")
    held = schema_registry.ids(site.registry, wait_seconds=_PATIENCE_SECONDS)
    return f"{site.registry}, {len(held.current)} schemas, {rule}"


def _audit(site: sites.Site) -> str:
    log = site.path("audit")
    if not any(log.iterdir()):
        return "nothing recorded yet"
    verified = audit_verify.verify(log, site.public("audit"))
    return f"{verified.entries} entries under {verified.checkpoints} signed checkpoints, verified"


POINTS: Final[Mapping[str, Point]] = {
    "site": _directory,
    "secrets": _secrets,
    "policy": _policy,
    "entities": _entities,
    "broker": _broker,
    "topics": _topics,
    "access": _access,
    "quotas": _quotas,
    "registry": _registry,
    "audit log": _audit,
}
"""Every point by its name, in the order of the report."""
