"""Plan of a cluster: what its owner has to make for a site, as a page for people and as data for programs.

Purpose: hand the lists of `streams.broker` to whoever runs a managed cluster, where nobody of this project is admin.
Called by: `amana provision --print`.

Invariants:
- It is made of the same lists from which `amana.provisioning.cluster_setup` makes a cluster of one's own.
- It holds no password, and no cluster is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from amana import site as sites
from amana.provisioning.cluster_setup import MAX_REPLICAS
from anonymizer.policy import load
from connectors.adapters.cluster import MECHANISMS
from connectors.adapters.policy_store import PolicyStore, shipped_policy
from connectors.adapters.schema_registry import RULE
from schemas import catalogue
from streams.broker import access, quotas, topics

__all__ = ["page", "plan"]

_BROKER: Final = {
    "auto.create.topics.enable": "false",
    "allow.everyone.if.no.acl.found": "false",
    "offsets.retention.minutes": str(10 * 365 * 24 * 60),
}
"""Settings of the cluster itself: topics are made by this list alone, what no rule allows is denied, and a stage goes
on after weeks of standstill."""


def plan(site: sites.Site) -> dict[str, Any]:
    """Return everything that the cluster of a site must hold, as JSON-compatible data."""
    return {
        "format": 1,
        "connection": {"tls": "1.3", "mechanisms": list(MECHANISMS)},
        "broker": _BROKER,
        "users": [name for name in access.principals(site.agencies) if name != access.ADMIN],
        "topics": [
            {
                "name": topic.name,
                "partitions": topic.partitions,
                "replicas": MAX_REPLICAS,
                "settings": {**topic.settings(), "min.insync.replicas": str(MAX_REPLICAS - 1)},
                "why": topic.why,
            }
            for topic in topics.all_topics(site.agencies, _regions(site))
        ],
        "rules": [
            {
                "user": rule.principal,
                "resource": rule.resource,
                "pattern": "PREFIXED" if rule.prefixed else "LITERAL",
                "name": rule.name,
                "operations": list(rule.operations),
            }
            for rule in access.acl_rules(site.agencies)
        ],
        "quotas": [
            {"user": user, **quota.figures()}
            for user, quota in quotas.quotas_by_principal(site.agencies, site.quota).items()
        ],
        "registry": {
            "compatibility": RULE,
            "subjects": [catalogue.load(stem).subject for stem in catalogue.STEMS],
        },
    }


def _regions(site: sites.Site) -> Iterable[str]:
    """Return the regions of the policies in force; of the shipped policy for a site that is not set up yet."""
    set_up = bool(PolicyStore(site.dir).acts())
    policies = site.policies().policies if set_up else (load(shipped_policy()),)
    return dict.fromkeys(region.id for policy in policies for region in policy.regions)


def page(planned: Mapping[str, Any]) -> str:
    """Return the plan as a page in Markdown."""
    return "\n".join(_lines(planned)) + "\n"


def _lines(planned: Mapping[str, Any]) -> Iterator[str]:
    yield "# Cluster for Amana"
    yield ""
    yield f"Every listener speaks TLS {planned['connection']['tls']} and asks for a user by one of the SASL mechanisms"
    yield f"{', '.join(planned['connection']['mechanisms'])}. Nobody is let in without one."
    yield ""
    yield "## Settings of the cluster"
    yield from _table(("setting", "value"), planned["broker"].items())
    yield "## Users"
    yield "One user for each line. If the cluster gives its users other names, the rules and quotas below are for"
    yield "those, and the site's file `passwords/NAME.json` of its party holds the other name as `username`."
    yield ""
    yield from (f"- `{user}`" for user in planned["users"])
    yield ""
    yield "## Topics"
    rows = [
        (one["name"], one["partitions"], one["replicas"], " ".join(f"{k}={v}" for k, v in one["settings"].items()))
        for one in planned["topics"]
    ]
    yield from _table(("topic", "partitions", "replicas", "settings"), rows)
    yield "## Access rules"
    yield "All of them allow, from every host. A prefixed rule is for every name that begins with its name. A user may"
    yield "have DESCRIBE_CONFIGS on topics as well; `amana check` accepts it. What no rule allows is denied."
    rules = [
        (one["user"], one["resource"], one["pattern"], one["name"], ", ".join(one["operations"]))
        for one in planned["rules"]
    ]
    yield from _table(("user", "resource", "pattern", "name", "operations"), rules)
    yield "## Quotas of each broker"
    names = [name for name in planned["quotas"][0] if name != "user"] if planned["quotas"] else []
    yield from _table(("user", *names), [[one["user"], *(one[name] for name in names)] for one in planned["quotas"]])
    yield "## Schema registry"
    yield f"The global compatibility rule is {planned['registry']['compatibility']}. `amana provision` registers the"
    yield "schemas."


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a table in Markdown, with an empty line around it."""
    head = list(head)
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(f'`{cell}`' for cell in row)} |"
    yield ""
