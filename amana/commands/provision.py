"""`amana provision`: the users, topics, access rules, quotas and schemas of an existing cluster.

Purpose: the options. `streams.broker` decides what users, topics, rules and quotas must be.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- A fault of the schema registry is a warning where the site has every schema id already.
- Without a cluster in the environment it is refused (CFG-077): a local one is provisioned by `amana up`.
"""

import sys

import typer

from amana import site as sites
from amana.commands.site_options import Agencies, Data, Quotas, figures
from amana.provisioning import cluster_setup as provisioning
from amana.settings import Settings
from schemas.errors import ConfigurationError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `provision`."""
    app.command()(provision)


def provision(data: Data = None, agency: Agencies = None, quota: Quotas = None) -> None:
    """Set the users, topics, access rules, quotas and schemas of an existing cluster."""
    # Without both addresses the site would name a local broker, which `amana up` provisions itself.
    if not Settings.read().has_cluster:
        raise ConfigurationError("CFG-077", "set AMANA_KAFKA and AMANA_REGISTRY to the cluster to provision")
    site = sites.Site.create(sites.data_dir(data), agencies=tuple(agency or ()), quota=figures(quota or []))
    fault = provisioning.provision(site)
    if fault:
        print(f"warning: {fault}; the schema ids on file hold", file=sys.stderr)
    print(f"{len(provisioning.topic_table(site))} topics, their users, access rules, quotas and schemas are as listed")
