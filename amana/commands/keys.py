"""`amana keys`: the secrets of the parties, and certificates.

Purpose: options and output. `amana.keys` makes, hands over, replaces and destroys secrets; each act is written to the
topic `audit`, from which it enters the audit log. Certificates are those of
`amana.provisioning.certificate_authority`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- No key and no password is printed: files, ids and fingerprints only.
- What is destroyed is written to the audit log before it is gone.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from amana import site as sites
from amana.commands.site_options import Data
from amana.composition.key_acts import KeyActs
from amana.keys import act_notes, exchange, making, parties
from amana.keys.exchange import PartyId
from amana.provisioning import certificate_authority
from schemas.errors import ConfigurationError

__all__ = ["register"]

_NAMES = ", ".join(parties.PARTIES)
_ROTATED = ("sealing", "signing", "records", "dedupe", "audit", "suppression", "exchange", "passwords")
_Chosen = tuple[int | None, str | None, str | None, str | None]

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
    home, public = site.path("parties"), site.path("public")
    before = act_notes.files(home)
    making.begin(home, public, *member, members)
    act_notes.note_made(home, public, before)
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
            own = member.party in secret.holders and not secret.apart
            if own and (files := sorted(folder.glob(secret.files))):
                first, last = files[0].name, files[-1].name
                print(f"  {secret.name:30} {first if len(files) == 1 else f'{len(files)} files, {first} to {last}'}")


def share(agency: Annotated[str, typer.Option(help="The agency that has the person key.")],
          to: Annotated[str, typer.Option("--to", metavar="AGENCY", help="The agency that is to have it.")],
          fingerprint: Fingerprint, data: Data = None) -> None:  # fmt: skip
    """Wrap the person key of the agencies for another agency, so that nobody on the way can open it."""
    site = _site(data)
    giver, taker = PartyId("agency", agency), PartyId("agency", to)
    home, public = site.path("parties"), site.path("public")
    file = exchange.hand_over(home, public, giver, taker, fingerprint, "person.key")
    _note(public, "share", giver.folder(home).path / "person.key", agency, to=to)
    print(file)


def accept(agency: Annotated[str, typer.Option(help="The agency that takes the key over.")],
           giver: Annotated[str, typer.Option("--from", metavar="AGENCY", help="The agency that wrapped it.")],
           fingerprint: Fingerprint, data: Data = None) -> None:  # fmt: skip
    """Take over the person key that another agency has wrapped for this one."""
    site = _site(data)
    home, public = site.path("parties"), site.path("public")
    for name in exchange.take_over(home, public, PartyId("agency", agency), PartyId("agency", giver), fingerprint):
        path = PartyId("agency", agency).folder(home).path / name
        _note(public, "accept", path, agency, giver=giver)
        print(f"{path}")


def rotate(what: Annotated[str, typer.Argument(metavar="SECRET", help=f"One of {', '.join(_ROTATED)}.")],
           *, year: Year = None, agency: Agency = None,
           party: Annotated[str | None, typer.Option(metavar="PARTY", help="The party of an exchange key.")] = None,
           principal: Annotated[str | None, typer.Option(help="One user of the broker; without it, all.")] = None,
           data: Data = None) -> None:  # fmt: skip
    """Replace a secret while the system runs: every process takes the new one over by itself."""
    if what not in _ROTATED:
        raise ConfigurationError("CFG-276", f"choose {', '.join(_ROTATED)}")
    site = _site(data)
    with KeyActs(site) as acts:
        acts.send_notes()
        for line in _rotated(acts, site, what, (year, agency, party, principal)):
            print(line, flush=True)


def _rotated(acts: KeyActs, site: sites.Site, what: str, chosen: _Chosen) -> Iterator[str]:
    """Replace secrets of one kind, and yield a line for each as it is replaced."""
    year, agency, party, principal = chosen
    lines: Mapping[str, Callable[[], Iterator[str]]] = {
        "sealing": lambda: (
            f"agencies seal to {acts.rotate_sealing()} from now on; earlier keys still open" for _ in "1"
        ),
        "signing": lambda: (
            f"{name}: signs with {acts.rotate_signing(name)}; earlier keys still count"
            for name in ([agency] if agency else site.agencies)
        ),
        "records": lambda: (f"{scope}: {acts.rotate_records(scope)}" for scope in acts.scopes(year)),
        "dedupe": lambda: (f"events of {first} and later: {acts.rotate_dedupe(first)}" for first in _named(year)),
        "audit": lambda: (
            f"the audit log is signed by {acts.rotate_audit()}: give officers public/audit.pub" for _ in "1"
        ),
        "suppression": lambda: (f"the next release chooses by {acts.rotate_suppression()}" for _ in "1"),
        "exchange": lambda: (
            f"{member.name}: {acts.rotate_exchange(*member)}"
            for member in ([_member(party, agency)] if party else _here(site))
        ),
        "passwords": lambda: (f"{acts.rotate_password(name)}: replaced" for name in acts.principals(principal)),
    }
    return lines[what]()


def _named(year: int | None) -> tuple[int]:
    """Return the year that an option names."""
    if year is None:
        raise ConfigurationError("CFG-276", "name the first year of the new key: --year")
    return (year,)


def destroy(*, key_id: Annotated[str | None, typer.Option(help="Id of a sealing key that was replaced.")] = None,
            year: Year = None,
            agency: Annotated[str | None, typer.Option(help="Agency whose earlier signing keys end.")] = None,
            data: Data = None) -> None:  # fmt: skip
    """Destroy a sealing key, the keys of a year or earlier signing keys: what they closed stays closed for ever."""
    if sum(one is not None for one in (key_id, year, agency)) != 1:
        raise ConfigurationError("CFG-276", "name one of --key-id, --year and --agency")
    with KeyActs(_site(data)) as acts:
        acts.send_notes()
        if agency:
            print(f"{agency}: {len(acts.destroy_signing(agency))} earlier keys count no longer")
        elif key_id:
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


def _note(public: Path, act: str, path: Path, party: str, **more: str) -> None:
    """Note that a party handed a key over, or took one over."""
    key = act_notes.key_id_of(path)
    act_notes.note(public, {"act": act, "party": party, "secret": path.name, "keys": key, **more})


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
