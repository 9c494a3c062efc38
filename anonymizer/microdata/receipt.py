"""Receipts: the count of every rule that was applied to a record, and the hashes of what decided. No text.

Purpose: let an audit record say how a batch was de-identified, and by which policy, models and schemas. Writing it
anywhere is the part of the stage.
Called by: `streams.core.counting.deidentify` makes receipts, `streams.stages.deidentify_outputs` writes those of a
batch into the audit log, `amana redact` writes them to a file.

Invariants:
- Counts leave the operators' hands as decades only: the exact number of passports in a batch of three is about persons.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Origin", "Receipt", "bucketed", "decade", "merged"]


@dataclass(frozen=True, slots=True)
class Origin:
    """SHA-256 (hex) of everything that decided: the policy, each names model by language, each schema by stem."""

    policy: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Counts by rule id (`age`, `drop.direct_identifier`) and by entity type found in free text, and their origin."""

    rules: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)


def merged(receipts: Iterable[Receipt]) -> Receipt:
    """Add up the receipts of a batch; all of them have one origin."""
    rules: Counter[str] = Counter()
    types: Counter[str] = Counter()
    origin = Origin()
    for receipt in receipts:
        rules.update(receipt.rules)
        types.update(receipt.types)
        origin = receipt.origin
    return Receipt(dict(rules), dict(types), origin)


def decade(count: int) -> str:
    """Return the decade that a count is in: `0`, `1-10`, `11-100`, `101-1000` and so on.

    Coarser than the steps of a release certificate (`streams.core.releasing.certificate.at_most`): these counts are per
    batch, and so about few persons.
    """
    if count <= 0:
        return "0"
    end = 10
    while count > end:
        end *= 10
    return f"{end // 10 + 1 if end > 10 else 1}-{end}"  # noqa: PLR2004 - the first decade begins at 1


def bucketed(receipt: Receipt) -> dict[str, str]:
    """Return a receipt as details of an audit record.

    `rule.…` and `type.…` have the decades of their counts, `model.…` and `schema.…` their hashes. The hash of the
    policy is left out, because an audit record has a field for it.
    """
    rules = {f"rule.{name}": decade(n) for name, n in sorted(receipt.rules.items())}
    types = {f"type.{name}": decade(n) for name, n in sorted(receipt.types.items())}
    models = {f"model.{language}": digest for language, digest in sorted(receipt.origin.models.items())}
    return (
        rules | types | models | {f"schema.{stem}": digest for stem, digest in sorted(receipt.origin.schemas.items())}
    )
