"""The officers' acts in the audit log: each recorded before anything is released under it, and none taken back.

Purpose: whoever keeps the folder of policies can delete or replace whole acts. The log, which officers verify and keep
checkpoints of, remembers them.
Called by: `amana.composition.release_parts`, at every start of the release process.

Invariants:
- An act in the log that the folder lacks, or has with another content, ends the process (CFG-236).
- Only entries of the log's own keeper count: what others send to the topic `audit` is recorded, but proves nothing.
"""

import datetime as dt
from pathlib import Path

from anonymizer.governance.policy_act import PolicyAct
from connectors.adapters.policy_store import PolicyStore
from schemas.errors import ConfigurationError
from streams.transparency import log_verification
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage

__all__ = ["ACTION", "details_of", "record"]

ACTION = "policy"
"""The action of every entry about a policy."""

_ACTOR = "worker.release"


def details_of(act: PolicyAct, decision: str) -> dict[str, str]:
    """Return the details of an entry about an act: its id, what is in force after it, and who may sign."""
    return {
        "decision": decision,
        "act": str(act.number),
        "id": act.id,
        "policy": act.policy,
        "from_year": str(act.from_year),
        "officers": ", ".join(f"{name} {key}" for name, key in sorted(act.officers.items())),
    }


def record(log: AuditStorage, home: Path, code: str) -> None:
    """Record every act that the log lacks.

    Args:
        log: the audit log, open.
        home: the site's folder, which holds the acts and the log.
        code: the version of the software, for the entries.

    Raises:
        ConfigurationError: CFG-236, the log has an act that the folder lacks.
        IntegrityError: INT-130, the log cannot be written.
    """
    acts = PolicyStore(home).acts()
    known = [
        entry.details
        for _, entry in log_verification.entries(home / "audit")
        if entry.action == ACTION and entry.source is None and entry.details.get("decision") == "activated"
    ]
    for number, details in enumerate(known):
        if number >= len(acts) or details["id"] != acts[number].id:
            raise ConfigurationError(
                "CFG-236", f"the audit log holds act {number} of the officers, and this folder does not: restore it"
            )
    hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")
    log.append(
        [
            Decision(ACTION, _ACTOR, act.policy, code, details=details_of(act, "activated"), at=hour)
            for act in acts[len(known) :]
        ]
    )
