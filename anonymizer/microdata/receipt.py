"""What was done to a record: rule ids and counts, and no text.

Decides what a receipt holds and how counts are blurred before they leave the operators' hands. Does not write it
anywhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Receipt", "bucket", "bucketed", "merged"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Counts by rule id (`age`, `drop.direct_identifier`) and by entity type found in free text."""

    rules: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)


def merged(receipts: Iterable[Receipt]) -> Receipt:
    """Add receipts up, those of a batch for instance."""
    rules: Counter[str] = Counter()
    types: Counter[str] = Counter()
    for receipt in receipts:
        rules.update(receipt.rules)
        types.update(receipt.types)
    return Receipt(dict(rules), dict(types))


def bucket(count: int) -> str:
    """Return the decade a count lies in: `0`, `1-10`, `11-100`, `101-1000` …; exact counts are disclosive too."""
    if count <= 0:
        return "0"
    end = 10
    while count > end:
        end *= 10
    return f"{end // 10 + 1 if end > 10 else 1}-{end}"  # noqa: PLR2004 (the first decade begins at 1)


def bucketed(receipt: Receipt) -> dict[str, str]:
    """Return a receipt as details of an audit record: `rule.…` and `type.…` with their buckets."""
    rules = {f"rule.{name}": bucket(n) for name, n in sorted(receipt.rules.items())}
    return rules | {f"type.{name}": bucket(n) for name, n in sorted(receipt.types.items())}
