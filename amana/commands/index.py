"""Index of the commands: module, short help, extra and examples of each, readable without importing any of them.

Called by: `amana.commands.lazy`, for the help page and to import the one command that was asked for.

Invariants:
- The short help is the first line of the command's own help; a test compares the two.
- Every command and sub-command has an example; a test parses each.
- `extra` names the smallest extra of the distribution that brings what the command imports; it is empty for the base.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["INDEX", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command.

    Args:
        module: name of its module in `amana.commands`.
        help: its line on the help page.
        extra: the extra of the distribution that brings its packages; empty for the base.
        examples: command lines that run it, at least one for each sub-command.
    """

    module: str
    help: str
    extra: str
    examples: tuple[str, ...]


INDEX: Final[Mapping[str, Entry]] = {
    "demo": Entry(
        "demo",
        "Run broker, registry, agencies, workers, one release, its charts and the audit.",
        "local",
        ("amana demo --out demo-out", "amana demo --input GlobalDataset.csv --out demo-out"),
    ),
    "up": Entry(
        "up",
        "Run the whole system on this machine until Ctrl-C.",
        "local",
        ("amana up --data /srv/amana", "amana up --data /srv/amana --agency shelter-syr --as-of 2025-05-01"),
    ),
    "provision": Entry(
        "provision",
        "Set the users, topics, access rules, quotas and schemas of an existing cluster.",
        "",
        (
            "amana provision --data /srv/amana --quota request_percentage=100",
            "amana provision --print --agency shelter-lbn --agency hotline-egy",
        ),
    ),
    "calendar": Entry(
        "calendar_date",
        "Show the calendar's date, or move it forward while the system runs.",
        "",
        ("amana calendar", "amana calendar 2025-05-01", "amana calendar today"),
    ),
    "worker": Entry(
        "worker",
        "Run one stage until it is stopped.",
        "hub",
        ("amana worker dedupe", "amana worker deidentify --index 1"),
    ),
    "simulate": Entry(
        "simulate",
        "Write reproducible events of six invented agencies, one file per agency and kind.",
        "",
        ("amana simulate --events 400 --seed 42 --out events",),
    ),
    "publish": Entry(
        "publish",
        "Validate, seal and publish FILE; running it again publishes nothing twice.",
        "",
        (
            "amana publish --agency shelter-lbn --kind case march.csv",
            "amana publish --agency shelter-lbn --kind case march.csv --json",
        ),
    ),
    "notices": Entry(
        "notices",
        "What became of your own records: list, reconcile, released.",
        "",
        (
            "amana notices list --agency shelter-lbn --result refused",
            "amana notices list --agency shelter-lbn --follow",
            "amana notices reconcile --agency shelter-lbn --wait 60",
            "amana notices released --agency shelter-lbn",
        ),
    ),
    "redact": Entry(
        "redact",
        'Mask personal data in texts: {"id","text","lang"?,"known"?} to {"id","lang","text","spans"}.',
        "text",
        ("amana redact --policy policy.toml texts.jsonl", "amana redact --threshold 0.5 < texts.jsonl > masked.jsonl"),
    ),
    "evaluate": Entry(
        "evaluate",
        "Measure a masking against labels; exit status 1 if a labelled text has no prediction.",
        "",
        ("amana evaluate gold.jsonl masked.jsonl --json",),
    ),
    "train": Entry(
        "train",
        "Train the name models on labelled corpora, and write each model with its card.",
        "train",
        ("amana train --corpora corpora --out models --language fr",),
    ),
    "release": Entry(
        "release",
        "Release everything that is due on a date and was not released before.",
        "hub",
        ("amana release --as-of 2025-04-30", "amana release --as-of 2027-01-15 --rehearsal"),
    ),
    "policy": Entry(
        "policies",
        "Policies: propose, compare, sign and activate them.",
        "hub",
        (
            "amana policy key ana --out /media/ana",
            "amana policy enrol ana ana.pub",
            "amana policy remove ana",
            "amana policy propose policy.toml --from-year 2027 --dry-run",
            "amana policy diff policy.toml",
            "amana policy sign 5f4c7c62 --officer ana --key /media/ana/signing.key",
            "amana policy activate 5f4c7c62",
            "amana policy list",
            "amana policy play",
        ),
    ),
    "protect": Entry(
        "protect",
        "Publish a table of counts under disclosure control, together with all that was published before.",
        "stats",
        (
            "amana protect assisted.csv --dims place,who --out published",
            "amana protect Q1.csv --dims quarter,country,gender --mode dp --rho 0.0244 --history past --out published",
        ),
    ),
    "attack": Entry(
        "attack",
        "Attack published tables; exit status 1 if a suppressed count or a person's presence can be inferred.",
        "stats",
        ("amana attack published", "amana attack published --sensitive abuse --out report.json"),
    ),
    "feed": Entry(
        "feed",
        "The released trends: list, get, export.",
        "feed",
        (
            "amana feed list",
            "amana feed get --region levant --table totals --period 2024",
            "amana feed export --table means --format csv --format parquet --chart --out trend",
        ),
    ),
    "audit": Entry(
        "audit",
        "The audit log: verify it, show it, prove an entry; reconcile what was published.",
        "",
        (
            "amana audit verify",
            "amana audit verify audit-copy --key audit.pub --seen kept-checkpoint.txt",
            "amana audit show --last 3",
            "amana audit prove 0",
            "amana audit reconcile --agency shelter-lbn",
        ),
    ),
    "budget": Entry(
        "budget",
        "The privacy budget: spent and left.",
        "",
        ("amana budget show --data /srv/amana --delta 1e-6",),
    ),
    "keys": Entry(
        "keys",
        "Keys, passwords and certificates of the parties.",
        "",
        (
            "amana keys init --party agency --agency shelter-lbn",
            "amana keys list",
            "amana keys share --agency shelter-lbn --to police-jor --fingerprint '0a1b 2c3d'",
            "amana keys accept --agency police-jor --from shelter-lbn --fingerprint '4e5f 6a7b'",
            "amana keys rotate sealing",
            "amana keys rotate dedupe --year 2030",
            "amana keys destroy --year 2019",
            "amana keys ca --out tls --host kafka-1,127.0.0.1 --host registry --client agency.shelter-lbn",
        ),
    ),
    "backup": Entry(
        "backup",
        "Copy release ledger, budget and audit log to the new folder DIR, all at one point.",
        "hub",
        ("amana backup /media/usb/amana-2025-05-01",),
    ),
    "restore": Entry(
        "restore",
        "Rebuild lost files of the release process, from backup DIR and the topics, or say why not.",
        "hub",
        ("amana restore", "amana restore /media/usb/amana-2025-05-01"),
    ),
    "erase": Entry(
        "erase",
        "Erase events: an agency asks, the operator removes and certifies.",
        "",
        (
            "amana erase request --agency shelter-lbn --kind case 2024-117 2024-118",
            "amana erase status",
            "amana erase finish",
        ),
    ),
    "schemas": Entry(
        "schemas",
        "The contracts: list them, lint one, check a change.",
        "",
        ("amana schemas list", "amana schemas lint case.avsc", "amana schemas check old.avsc new.avsc"),
    ),
    "cells": Entry(
        "cells",
        "Exact counts (operators only).",
        "",
        ("amana cells export --out internal/cells.csv",),
    ),
    "quarantine": Entry(
        "quarantine",
        "Refused records: list, open, replay or drop them.",
        "",
        (
            "amana quarantine list --agency shelter-lbn",
            "amana quarantine show raw.police-jor.case/0/17 --out one.json",
            "amana quarantine replay --code CON-040",
            "amana quarantine drop raw.police-jor.case/0/17",
        ),
    ),
    "status": Entry(
        "status",
        "Show the records published, their outcomes and those held; exit status 1 unless idle.",
        "",
        ("amana status", "amana status --wait-idle --timeout 120"),
    ),
    "check": Entry(
        "check",
        "Check configuration, servers and safety, one line each; exit status 1 if a check fails.",
        "hub",
        ("amana check --data /srv/amana",),
    ),
}
"""Every command by name, in the order of the help page."""
