"""Two worlds that differ in other agencies' events alone, and everything that one agency can read in each.

The handlers of the first two stages run in turn over raw records in memory, with their states; what the agency can read
is what the access rules of the broker let it read, opened with the agency's own keys.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anonymizer.governance.policy_timeline import PolicyTimeline
from schemas.record_seal import AGENCY, RecordSeal, ScopeKeys
from streams.broker import access
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages import dedupe, deidentify
from tests.support import counted, raw_events

__all__ = ["Sent", "World", "view"]

Sent = tuple[str, Mapping[str, Any]]
"""Kind and content of one event in clear; the content names its agency."""

STEMS = {"quarantine": "quarantine", "notices": "notice"}


@dataclass
class World:
    """Both stages with their states, and what they have sent."""

    outputs: list[Output] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the stages."""
        policies, deps = PolicyTimeline.always(raw_events.shipped()), raw_events.deps()
        private = counted.private(counted.Nothing())
        self._deidentify, self._dedupe = deidentify.Deidentify(policies, deps, private), dedupe.Dedupe(policies, deps)
        self._ends: dict[tuple[str, int], int] = defaultdict(int)
        self._states: dict[tuple[str, int], dict[str, bytes | None]] = defaultdict(dict)

    def publish(self, sent: Sequence[Sent]) -> None:
        """Take events through both stages, each as a batch of its own."""
        for kind, event in sent:
            record = raw_events.record(kind, event)
            place = record.topic, record.partition
            raw = Record(*place, self._ends[place], record.key, record.value)
            self._ends[place] += 1
            for output in self._run("deidentify", raw).outputs:
                self.outputs.append(output)
                if output.topic.startswith("deidentified."):
                    self._count(output)

    def _count(self, output: Output) -> None:
        place = output.topic, output.partition
        record = Record(*place, self._ends[place], output.key, output.value)
        self._ends[place] += 1
        self.outputs += self._run("dedupe", record).outputs

    def _run(self, name: str, record: Record) -> BatchResult:
        handler = self._deidentify if name == "deidentify" else self._dedupe
        state = self._states[name, record.partition]
        result = asyncio.run(handler([record], state.get))
        state.update(result.writes)
        return result


def view(world: World, agency: str) -> list[tuple[str, bytes, Any]]:
    """Return everything that an agency can read: topic, key, and content as far as its keys open it."""
    scope = AGENCY + agency
    own = RecordSeal({scope: ScopeKeys(scope.encode().ljust(32), (scope.encode().rjust(32),))}, os.urandom)
    rules, me = access.acl_rules(raw_events.VERIFYING), access.agency_principal(agency)
    read = []
    for output in world.outputs:
        if access.allows(rules, me, "READ", "TOPIC", output.topic):
            content = None
            if output.value is not None:
                stem = STEMS[output.topic.partition(".")[0]]
                content = own.read(stem, output.value, output.topic, output.key.decode())
                # Sealed once more for the de-identifier, with a nonce: its length is all that can be seen of it.
                content |= {"payload": len(content["payload"])} if "payload" in content else {}
            read.append((output.topic, output.key, content))
    return read
