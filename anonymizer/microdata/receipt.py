"""What was done to a record and by what: rule ids, counts and hashes, and no text.

Decides what a receipt holds and how counts are blurred before they leave the operators' hands. Does not write it
anywhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Origin", "Receipt", "bucketed", "decade", "merged"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What decided: SHA-256 (hex) of the policy, of each names model by language, of each schema by stem."""

    policy: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Counts by rule id (`age`, `drop.direct_identifier`) and by entity type found in free text, and what decided."""

    rules: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)


def merged(receipts: Iterable[Receipt]) -> Receipt:
    """Add receipts of one origin up, those of a batch for instance."""
    rules: Counter[str] = Counter()
    types: Counter[str] = Counter()
    origin = Origin()
    for receipt in receipts:
        rules.update(receipt.rules)
        types.update(receipt.types)
        origin = receipt.origin
    return Receipt(dict(rules), dict(types), origin)


def decade(count: int) -> str:
    """Return the decade a count lies in: `0`, `1-10`, `11-100`, `101-1000` …; exact counts are disclosive too."""
    if count <= 0:
        return "0"
    end = 10
    while count > end:
        end *= 10
    return f"{end // 10 + 1 if end > 10 else 1}-{end}"  # noqa: PLR2004 (the first decade begins at 1)


def bucketed(receipt: Receipt) -> dict[str, str]:
    """Return a receipt as details of an audit record: `rule.…` and `type.…` with their buckets, and what decided.

    The policy's hash has a field of its own there; `model.…` and `schema.…` hold the others.
    """
    rules = {f"rule.{name}": decade(n) for name, n in sorted(receipt.rules.items())}
    types = {f"type.{name}": decade(n) for name, n in sorted(receipt.types.items())}
    models = {f"model.{language}": digest for language, digest in sorted(receipt.origin.models.items())}
    return (
        rules | types | models | {f"schema.{stem}": digest for stem, digest in sorted(receipt.origin.schemas.items())}
    )
