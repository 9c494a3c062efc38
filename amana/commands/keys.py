"""`amana keys`: the secrets of the parties, and certificates.

Purpose: options and output. `amana.keys` makes, hands over, replaces and destroys secrets; each replacement and
destruction is written to the topic `audit`, from which it enters the audit log. Certificates are those of
`amana.provisioning.certificate_authority`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- No key and no password is printed: files, ids and fingerprints only.
- What is destroyed is written to the audit log before it is gone.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from amana import site as sites
from amana.commands.site_options import Data
from amana.composition.key_acts import KeyActs
from amana.keys import exchange, making, parties
from amana.keys.exchange import PartyId
from amana.provisioning import certificate_authority
from schemas.errors import ConfigurationError

__all__ = ["register"]

_NAMES = ", ".join(parties.PARTIES)

PartyName = Annotated[str, typer.Option("--party", metavar="PARTY", help=f"One of {_NAMES}.")]
Agency = Annotated[str | None, typer.Option(help="The agency, where the party is one.")]
Fingerprint = Annotated[str, typer.Option(help="Fingerprint of the other side's keys, as it told you itself.")]
Year = Annotated[int | None, typer.Option(help="Year of events whose keys are meant.")]


def register(app: typer.Typer) -> None:
    """Add `keys init`, `list`, `share`, `accept`, `rotate`, `destroy` and `ca`."""
    group = typer.Typer(help="Keys, passwords and certificates of the parties.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (init, share, accept, rotate, destroy, ca):
        group.command()(command)
    app.add_typer(group, name="keys")


def init(
    party: PartyName,
    *,
    agency: Agency = None,
    meet: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="Exchange secrets with the other parties of one hub.")
    ] = None,
    data: Data = None,
) -> None:
    """Make the secrets of one party in its own folder; what is there stays."""
    site, member = _site(data), _member(party, agency)
    members = making.members_of(site.agencies, dt.datetime.now(dt.UTC).date())
    making.begin(site.path("parties"), site.path("public"), *member, members)
    if meet:
        exchange.meet(site.path("parties"), site.path("public"), member, members, meet)
    print(f"{member.folder(site.path('parties')).path}")
    print(f"fingerprint {exchange.fingerprint_of(site.path('public'), member)}")


def list_(*, party: Annotated[str | None, typer.Option(metavar="PARTY", help=f"One of {_NAMES}.")] = None,
          agency: Agency = None, data: Data = None) -> None:  # fmt: skip
    """List the secrets on this machine by party, with the fingerprint of each party's public keys."""
    site = _site(data)
    chosen = [_member(party, agency)] if party else list(_here(site))
    for member in chosen:
        folder = member.folder(site.path("parties")).path
        print(f"{member.name}: {parties.PARTIES[member.party]}")
        print(f"  fingerprint {exchange.fingerprint_of(site.path('public'), member)}")
        for secret in parties.SECRETS:
            if files := sorted(folder.glob(secret.files)):
                first, last = files[0].name, files[-1].name
                print(f"  {secret.name:30} {first if len(files) == 1 else f'{len(files)} files, {first} to {last}'}")


def share(agency: Annotated[str, typer.Option(help="The agency that has the person key.")],
          to: Annotated[str, typer.Option("--to", metavar="AGENCY", help="The agency that is to have it.")],
          fingerprint: Fingerprint, data: Data = None) -> None:  # fmt: skip
    """Wrap the person key of the agencies for another agency, so that nobody on the way can open it."""
    site = _site(data)
    giver, taker = PartyId("agency", agency), PartyId("agency", to)
    home, public = site.path("parties"), site.path("public")
    print(exchange.hand_over(home, public, giver, taker, fingerprint, "person.key"))


def accept(agency: Annotated[str, typer.Option(help="The agency that takes the key over.")],
           giver: Annotated[str, typer.Option("--from", metavar="AGENCY", help="The agency that wrapped it.")],
           fingerprint: Fingerprint, data: Data = None) -> None:  # fmt: skip
    """Take over the person key that another agency has wrapped for this one."""
    site = _site(data)
    home, public = site.path("parties"), site.path("public")
    for name in exchange.take_over(home, public, PartyId("agency", agency), PartyId("agency", giver), fingerprint):
        print(f"{PartyId('agency', agency).folder(home).path / name}")


def rotate(what: Annotated[str, typer.Argument(metavar="sealing|records|passwords", help="The kind of secret.")],
           *, year: Year = None,
           principal: Annotated[str | None, typer.Option(help="One user of the broker; without it, all.")] = None,
           data: Data = None) -> None:  # fmt: skip
    """Replace sealing keys, keys of records or passwords; restart the processes that use them."""
    acts = KeyActs(_site(data))
    if what == "sealing":
        print(f"agencies seal to {acts.rotate_sealing()} from now on; the keys before it still open")
    elif what == "records":
        for scope in acts.scopes(year):
            print(f"{scope}: {acts.rotate_records(scope)}")
    elif what == "passwords":
        for name in acts.principals(principal):
            acts.rotate_password(name)
            print(f"{name}: replaced")
    else:
        raise ConfigurationError("CFG-276", "choose sealing, records or passwords")


def destroy(*, key_id: Annotated[str | None, typer.Option(help="Id of a sealing key that was replaced.")] = None,
            year: Year = None, data: Data = None) -> None:  # fmt: skip
    """Destroy a sealing key or the keys of a year: what they closed stays closed for ever."""
    if (key_id is None) == (year is None):
        raise ConfigurationError("CFG-276", "name either --key-id or --year")
    acts = KeyActs(_site(data))
    if key_id:
        acts.destroy_sealing(key_id)
        print(f"{key_id}: destroyed; raw events sealed to it can never be opened again")
    elif year:
        print(f"{year}: {len(acts.destroy_year(year))} keys destroyed; its records, states and counts are gone")


def ca(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the authority and its certificates.")],
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Names and addresses of a broker or registry; may be repeated."),
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Principal that gets a certificate; may be repeated.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, help="Days that the certificates are valid.")
    ] = certificate_authority.DEFAULT_DAYS,
) -> None:
    """Make a certificate authority, or let the one in DIR issue certificates for hosts and clients."""
    hosts = [names.split(",") for names in host or ()]
    issued = certificate_authority.issue(out, hosts=hosts, clients=client or (), days=days)
    if issued.authority:
        print(f"{out / 'ca.pem'}: give it to everybody; keep {out / 'ca.key'} to yourself")
    for name in issued.names:
        print(f"{out / f'{name}.pem'}, .crt and .key: valid until {issued.until:%Y-%m-%d}")


def _site(data: Path | None) -> sites.Site:
    return sites.Site.open(data)


def _member(party: str, agency: str | None) -> PartyId:
    if party not in parties.PARTIES or (party == parties.AGENCY_PARTY) != bool(agency):
        raise ConfigurationError("CFG-276", f"name a party ({_NAMES}), and an agency if it is one")
    return PartyId(party, agency)


def _here(site: sites.Site) -> Iterator[PartyId]:
    """Yield every party whose folder is on this machine."""
    for party in parties.PARTIES:
        for agency in site.agencies if party == parties.AGENCY_PARTY else (None,):
            member = PartyId(party, agency)
            if member.folder(site.path("parties")).is_here:
                yield member
