"""Exact cells of raw events where nothing fails: the handlers of the first two stages in turn, without a broker."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.microdata.redaction import Text, Verdict
from schemas.catalogue import Schema
from streams.core.counting import delta_columns
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages import dedupe, deidentify
from tests.support import raw_events

__all__ = ["Nothing", "cells", "handled", "private", "stage"]


class Nothing:
    """A detector that finds nothing."""

    heartbeats = 0

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Find nothing in every text."""
        return [() for _ in texts]


def private(detector: deidentify.Detector) -> deidentify.Private:
    """Return what the stage deidentify alone holds, without a calendar's date."""
    signing = {agency: (key,) for agency, key in raw_events.VERIFYING.items()}
    keys = deidentify.OwnKeys([raw_events.SEALING], {0: raw_events.DEDUPE}, signing)
    return deidentify.Private(keys, detector, lambda: None, raw_events.today, "test")


def stage(policies: PolicyTimeline | None = None) -> deidentify.Deidentify:
    """Return the handler of the first stage, with the shipped policy for every year where no policies are given."""
    policies = policies or PolicyTimeline.always(raw_events.shipped())
    return deidentify.Deidentify(policies, raw_events.deps(), private(Nothing()))


def handled(handler: deidentify.Deidentify, record: Record, kept: dict[str, bytes]) -> BatchResult:
    """Let the first stage handle one record; `kept` is its state, and holds what it writes afterwards."""
    result = asyncio.run(handler([record], kept.get))
    kept.update({key: value for key, value in result.writes.items() if value is not None})
    return result


def cells(kind: str, events: Sequence[Mapping[str, Any]], schema: Schema | None = None) -> Counter[str]:
    """Return the exact cells of clear events of one agency and kind, in the order of publication.

    Without a `schema` they are of the version that is shipped.
    """
    deps, kept = raw_events.deps(), dict[str, bytes]()
    policies = PolicyTimeline.always(raw_events.shipped())
    records = [raw_events.record(kind, event, offset, schema=schema) for offset, event in enumerate(events)]
    made = asyncio.run(stage(policies)(records, kept.get)).outputs
    counted: Counter[str] = Counter()
    for partition, batch in _by_partition(made, f"deidentified.{kind}").items():
        told = asyncio.run(dedupe.Dedupe(policies, deps)(batch, lambda _key: None)).outputs
        assert partition >= 0
        for output in told:
            if output.topic == "deltas":
                columns, _ = delta_columns.read([(0, raw_events.opened("delta", output))])
                for cell, amount in zip(columns.cell.tolist(), columns.amount.tolist(), strict=True):
                    counted[columns.cells[cell]] += amount
    return +counted


def _by_partition(outputs: Sequence[Output], topic: str) -> Mapping[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for one in outputs:
        if one.topic == topic:
            place = len(found[one.partition])
            found[one.partition].append(Record(topic, one.partition, place, one.key, one.value))
    return found
