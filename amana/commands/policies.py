"""`amana policy`: a policy is proposed, compared, signed by two officers and put in force.

Purpose: options and output. `amana.composition.policy_changes` takes the steps; `anonymizer.governance` decides what is
valid, and what a change means for people.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- What an officer is to sign is shown in plain words before the signature is made.
- A dry run writes nothing and publishes nothing.
"""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from amana import officer_keys
from amana.commands.release import show_rehearsal
from amana.commands.site_options import Data
from amana.composition import policy_changes
from amana.local import played_officers
from amana.site import Site, data_dir
from anonymizer.governance.policy_act import OFFICER_NAME, PolicyAct
from anonymizer.governance.policy_change import changes
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy, load
from connectors.adapters.policy_store import PolicyStore, Proposal
from schemas.errors import ConfigurationError

__all__ = ["register"]

File = Annotated[Path, typer.Argument(metavar="FILE", help="The policy's file.")]
OwnFile = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The policy's file; else the shipped one.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The officer's name, such as `ana`.")]
Public = Annotated[Path, typer.Argument(metavar="FILE.pub", help="The officer's public key.")]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The officer's own folder, not the hub's.")]
FromYear = Annotated[
    int | None, typer.Option("--from-year", metavar="YEAR", help="First year that it governs; else the first free one.")
]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="Date of the dry run; else today.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would release now, and propose nothing.")]
Which = Annotated[str, typer.Argument(metavar="PROPOSAL", help="First digits of the proposal's id.")]
Before = Annotated[
    str, typer.Argument(metavar="A", help="A file, a proposal or a policy's SHA-256; or both first digits.")
]
After = Annotated[
    str | None, typer.Argument(metavar="[B]", help="As A; A is compared with the one in force without it.")
]
Officer = Annotated[str, typer.Option("--officer", metavar="NAME", help="The officer who signs.")]
Key = Annotated[Path, typer.Option("--key", metavar="FILE", help="Her private key, `signing.key`.")]


def register(app: typer.Typer) -> None:
    """Add `policy` with its sub-commands."""
    group = typer.Typer(help="Policies: propose, compare, sign and activate them.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (propose, diff, sign, activate, key, enrol, remove, play):
        group.command()(command)
    app.add_typer(group, name="policy")


def list_(data: Data = None) -> None:
    """List the policies in force, the officers, and what is proposed."""
    store = PolicyStore(data_dir(data))
    for act in store.acts():
        print(f"act {act.number}   policy {act.policy[:16]} {_years(act)}   officers {', '.join(sorted(act.officers))}")
    for proposal in store.proposals():
        signers = ", ".join(sorted(proposal.signatures)) or "nobody"
        print(
            f"proposal {proposal.id}   policy {proposal.act.policy[:16]} {_years(proposal.act)}   signed by {signers}"
        )


def propose(
    file: File, data: Data = None, from_year: FromYear = None, as_of: AsOf = None, *, dry_run: DryRun = False
) -> None:
    """Propose a policy: it is loaded, tried on invented people, and compared with the one in force."""
    from amana.composition.policy_trials import accuracy_of, try_out  # noqa: PLC0415 - only a proposal loads solvers and recognisers

    home, text = data_dir(data), _text(file)
    policy = load(text)
    first = policy_changes.first_year_of(home, policy, from_year)
    _show_changes(PolicyStore(home), policy)
    for result in try_out(policy):
        tables = f", withheld: {', '.join(' '.join(one) for one in result.withheld)}" if result.withheld else ""
        print(f"{result.universe} universe: {result.releases} releases{tables}", flush=True)
    for line in accuracy_of(policy):
        print(line)
    if dry_run:
        _dry_run(home, (first, policy), _date(as_of))
        return
    proposal = policy_changes.propose_policy(home, text, first)
    print(f"proposal {proposal.id}   policy {policy.digest[:16]} {_years(proposal.act)}")


def diff(before: Before, after: After = None, data: Data = None) -> None:
    """Say in plain words what changes for people from policy A to policy B."""
    store = PolicyStore(data_dir(data))
    first = _named(store, before) if after else store.timeline().newest
    _print_changes(first, _named(store, after or before))


def sign(which: Which, officer: Officer, key: Key, data: Data = None) -> None:  # noqa: A002, RUF100 - words of the page
    """Sign a proposal as one of two officers."""
    home = data_dir(data)
    store = PolicyStore(home)
    proposal = store.proposal(which)
    _describe(store, proposal)
    signed = policy_changes.sign(home, proposal, officer, officer_keys.read(key))
    print(f"signed by {', '.join(sorted(signed.signatures))}")


def activate(which: Which, data: Data = None) -> None:
    """Put a proposal in force that two officers signed; the system is started again after it."""
    home = data_dir(data)
    store = PolicyStore(home)
    proposal = store.proposal(which)
    _describe(store, proposal)
    act = policy_changes.activate(home, proposal)
    print(f"act {act.number} is in force, signed by {', '.join(sorted(proposal.signatures))}")


def key(name: Name, out: Out) -> None:
    """Make the signing key of an officer in a folder of her own."""
    if not OFFICER_NAME.fullmatch(name):
        raise ConfigurationError("CFG-238", "an officer has a name such as `ana` and a key of 64 hex digits")
    public = officer_keys.make(out, name)
    print(f"{out / officer_keys.KEY_FILE} stays with {name}; hand in {out / f'{name}.pub'}: {public}")


def enrol(name: Name, public: Public, data: Data = None) -> None:
    """Enrol an officer; once a policy is in force, two other officers sign that too."""
    try:
        text = public.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-238", f"{public} holds no officer's public key") from error
    _print_officer(policy_changes.propose_officer(data_dir(data), name, text.strip()), name)


def remove(name: Name, data: Data = None) -> None:
    """Propose that an officer leaves; two other officers sign that."""
    _print_officer(policy_changes.propose_officer(data_dir(data), name, None), name)


def play(file: OwnFile = None, data: Data = None) -> None:
    """Play both officers of a site that is tried out: two keys, and a policy signed by both."""
    home = data_dir(data)
    act = played_officers.play(home, _text(file) if file else None)
    if act is None:
        raise ConfigurationError("CFG-238", "this site has officers of its own")
    print(f"policy {act.policy[:16]} is in force, signed by {' and '.join(played_officers.PLAYED)}, who are played:")
    print(f"whoever holds both keys ({home / played_officers.FOLDER}) is not two officers")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-011", "the policy file cannot be read") from error


def _date(text: str | None) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text else dt.datetime.now(dt.UTC).date()
    except ValueError as error:
        raise ConfigurationError("CFG-140", "--as-of takes a date of the form YYYY-MM-DD") from error


def _dry_run(home: Path, entry: tuple[int, Policy], as_of: dt.date) -> None:
    """Show what would be released as of a date if a policy were in force."""
    from amana.composition.rehearsal import rehearse  # noqa: PLC0415 - only a dry run loads the solvers

    entries = [*PolicyStore(home).timeline().entries, entry]
    rehearsed = rehearse(Site.open(home), as_of, PolicyTimeline.of_entries(entries))
    show_rehearsal(rehearsed.answer, (rehearsed.attacks, rehearsed.recovered), rehearsed.names)


def _named(store: PolicyStore, word: str) -> Policy:
    """Return the policy of a file, of a proposal, or with a digest."""
    if Path(word).is_file():
        return load(_text(Path(word)))
    digests = [one for one in store.digests() if one.startswith(word)]
    return store.policy(digests[0] if len(digests) == 1 else store.proposal(word).act.policy)


def _describe(store: PolicyStore, proposal: Proposal) -> None:
    """Show what a proposal changes: the policy, or the officers."""
    acts, act = store.acts(), proposal.act
    print(f"proposal {proposal.id}   policy {act.policy[:16]} {_years(act)}")
    if acts and (act.policy, act.from_year) == (acts[-1].policy, acts[-1].from_year):
        before = acts[-1].officers
        for name in sorted(before.keys() - act.officers.keys()):
            print(f"- {name} is no longer an officer.")
        for name in sorted(act.officers.keys() - before.keys()):
            print(f"+ {name} becomes an officer, with the key {act.officers[name]}.")
    else:
        _show_changes(store, store.policy(act.policy))


def _show_changes(store: PolicyStore, policy: Policy) -> None:
    """Show what changes against the policy in force, if there is one."""
    if store.acts():
        _print_changes(store.timeline().newest, policy)


def _print_changes(before: Policy, after: Policy) -> None:
    found = changes(before, after)
    print("\n".join(map(str, found)) if found else "nothing changes for people")


def _print_officer(proposal: Proposal | None, name: str) -> None:
    print(f"{name} is enrolled" if proposal is None else f"proposal {proposal.id}: two officers sign it")


def _years(act: PolicyAct) -> str:
    return f"from {act.from_year} on" if act.from_year else "for every year"
