"""The stage deidentify takes over keys and policies while it runs, between two batches and never within one."""

import asyncio
import dataclasses
from collections.abc import Sequence

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.microdata.redaction import Text, Verdict
from schemas import sealing, signing
from streams.runtime.stage import Output, Record
from streams.stages.deidentify import Deidentify, OwnKeys
from tests.support import counted, raw_events

FRESH = bytes(range(5, 101))
SIGNS = bytes(range(7, 39))
AGENCY = "police-jor"
OLD = OwnKeys([raw_events.SEALING], {0: raw_events.DEDUPE}, {one: (key,) for one, key in raw_events.VERIFYING.items()})
NEW = OwnKeys(
    [raw_events.SEALING, FRESH],
    OLD.dedupe,
    {**OLD.signing, AGENCY: (signing.public_key_of(SIGNS), *OLD.signing[AGENCY])},
)
ENDED = OwnKeys([FRESH], OLD.dedupe, {**OLD.signing, AGENCY: (signing.public_key_of(SIGNS),)})


class Site:
    """A stage whose keys are replaced from outside."""

    def __init__(self) -> None:
        self._pending: list[OwnKeys] = []
        private = dataclasses.replace(
            counted.private(counted.Nothing()), replaced=lambda: self._pending.pop() if self._pending else None
        )
        self._stage = Deidentify(PolicyTimeline.always(raw_events.shipped()), raw_events.deps(), private)
        self._offset = 0

    def replace(self, keys: OwnKeys) -> None:
        """Replace the keys on file; the stage is not told."""
        self._pending = [keys]

    def codes(self, *records: Record) -> list[str]:
        """Return the code of each record that is refused; empty for one that passes."""
        made: Sequence[Output] = asyncio.run(self._stage(records, lambda _: None)).outputs
        found = [output for output in made if output.topic.startswith(("deidentified.", "quarantine."))]
        return [
            raw_events.opened("quarantine", one)["code"] if one.topic.startswith("quarantine.") else "" for one in found
        ]

    def record(self, number: int, *, fresh: bool) -> Record:
        """Return a record sealed and signed with the old or with the fresh keys."""
        self._offset += 1
        event = raw_events.event(number=number)
        if not fresh:
            return raw_events.record("case", event, self._offset)
        public = sealing.public_key_of(FRESH)
        return raw_events.record("case", event, self._offset, public=public, private=SIGNS)


def test_records_under_old_and_fresh_keys_pass_in_any_order_once_the_keys_are_on_file() -> None:
    site = Site()
    assert site.codes(site.record(1, fresh=False)) == [""]
    site.replace(NEW)
    assert site.codes(site.record(2, fresh=False), site.record(3, fresh=True), site.record(4, fresh=False)) == [""] * 3


def test_a_key_that_arrives_within_a_batch_is_found_at_the_record_that_needs_it() -> None:
    """The file is announced after the batch began: nothing is refused for it."""
    site = Site()
    record = site.record(1, fresh=True)
    assert site.codes(record) == ["CON-031"]
    looks = iter([None, NEW])
    site._stage._private = dataclasses.replace(
        site._stage._private,
        replaced=lambda: next(looks, None),
    )
    assert site.codes(record) == [""]


def test_what_a_destroyed_key_closed_or_an_ended_key_signed_is_refused() -> None:
    site = Site()
    site.replace(ENDED)
    assert site.codes(site.record(1, fresh=False), site.record(2, fresh=True)) == ["CON-031", ""]


class Slow(counted.Nothing):
    """A detector that waits until it is let go on."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Find nothing, at last."""
        await self.gate.wait()
        return await super().detect(texts)


def test_a_batch_that_waits_for_detectors_is_finished_under_the_policy_that_it_began_with() -> None:
    """Another lane goes over to the new policy meanwhile: no batch is handled by two."""
    before, after = raw_events.shipped(), raw_events.shipped().model_copy(update={"digest": "f" * 64})
    detector, pending = Slow(), list[PolicyTimeline]()
    private = dataclasses.replace(counted.private(detector), policies=lambda: pending.pop() if pending else None)
    stage = Deidentify(PolicyTimeline.always(before), raw_events.deps(), private)

    async def both() -> list[set[str]]:
        first = [raw_events.record("case", raw_events.event(number=n), n) for n in range(1, 40)]
        begun = asyncio.create_task(stage(first, lambda _: None))
        await asyncio.sleep(0)
        pending.append(PolicyTimeline.always(after))
        second = asyncio.create_task(
            stage([raw_events.record("case", raw_events.event(number=99), 99)], lambda _: None)
        )
        await asyncio.sleep(0)
        detector.gate.set()
        return [
            {
                raw_events.opened(one.topic, one)["policy"]
                for one in (await batch).outputs
                if one.topic.startswith("deidentified.")
            }
            for batch in (begun, second)
        ]

    assert asyncio.run(both()) == [{before.digest[:16]}, {after.digest[:16]}]
