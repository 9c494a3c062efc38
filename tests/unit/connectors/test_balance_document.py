"""The record balance as JSON: rows add up, and a record is named by the place where it was published."""

from connectors.console.balance_document import document
from streams.core.counting.balance import PublishedPartition, reconcile
from streams.core.counting.outcomes import Outcome


def test_rows_add_up_and_missing_records_are_named() -> None:
    published = [PublishedPartition("police-jor", "case", 1, end=4, read=3)]
    statements = [Outcome(("police-jor", "case", 1, offset), "counted", "case/0", 0, 0) for offset in (0, 2)]
    plain = document(reconcile(published, statements, behind=False))
    (row,) = plain["rows"]
    assert (row["published"], row["counted"], row["in_flight"], row["difference"]) == (4, 2, 1, 1)
    assert plain["missing"] == [{"agency": "police-jor", "topic": "raw.police-jor.case", "partition": 1, "offset": 1}]
    assert (plain["difference"], plain["double"]) == (1, [])
