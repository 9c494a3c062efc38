"""`amana provision`: the users, topics, access rules, quotas and schemas of an existing cluster.

Purpose: the options. `streams.broker` decides what users, topics, rules and quotas must be.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- `--print` asks no cluster and makes nothing: it prints what the owner of a managed cluster has to make.
- A fault of the schema registry is a warning where the site has every schema id already.
- Without a cluster in the environment it is refused (CFG-077): a local one is provisioned by `amana up`.
"""

import datetime as dt
import json
import sys
from typing import Annotated

import typer

from amana import site as sites
from amana.commands.site_options import Agencies, Data, Quotas, figures
from amana.composition.key_acts import KeyActs
from amana.keys import exchange, making
from amana.keys.exchange import PartyId
from amana.provisioning import cluster_plan
from amana.provisioning import cluster_setup as provisioning
from amana.settings import Settings
from schemas.errors import ConfigurationError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `provision`."""
    app.command()(provision)


def provision(
    *,
    data: Data = None,
    agency: Agencies = None,
    quota: Quotas = None,
    apart: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="The hub's parties have folders elsewhere: wait for them.")
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print what there has to be, and set nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --print: as JSON.")] = False,
) -> None:
    """Set the users, topics, access rules, quotas and schemas of an existing cluster."""
    if only_print:
        draft = sites.Site.draft(data, tuple(agency or ()), quota=figures(quota or []))
        planned = cluster_plan.plan(draft)
        print(json.dumps(planned, indent=1) if as_json else cluster_plan.page(planned), end="\n" if as_json else "")
        return
    # Without both addresses the site would name a local broker, which `amana up` provisions itself.
    if not Settings.read().has_cluster:
        raise ConfigurationError("CFG-077", "set AMANA_KAFKA and AMANA_REGISTRY to the cluster to provision")
    chosen, limits = tuple(agency or ()), figures(quota or [])
    site = sites.Site.create(sites.data_dir(data), agencies=chosen, quota=limits, apart=bool(apart))
    fault = provisioning.provision(site)
    if fault:
        print(f"warning: {fault}; the schema ids on file hold", file=sys.stderr)
    if apart:
        members = making.members_of(site.agencies, dt.datetime.now(dt.UTC).date())
        exchange.meet(site.path("parties"), site.path("public"), PartyId("operator"), members, apart)
    with KeyActs(site) as acts:
        acts.send_notes()
    if not provisioning.has_admin(site):
        print("the schemas are as listed; without an admin password here, `amana provision --print` lists the rest")
        return
    print(f"{len(provisioning.topic_table(site))} topics, their users, access rules, quotas and schemas are as listed")
