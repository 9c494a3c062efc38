"""The batch transport of Faust: one message for each fetch of a partition, in place of one for each record.

Purpose: Faust's work for one message costs more than everything else together (about 3,500 events/s with one record a
message); with one message for each fetch, decoding is the limit. The message's value is a `Fetch`, its offset is that
of the fetch's last record, so that its acknowledgement stands for all its records.

Called by: `streams.runtime.app` (`install`) and `streams.runtime.state`; from then on Faust's own loop calls the
overridden methods:

    perform_seek    positions of a new assignment; takes back the commits of partitions whose state is lost
    getmany         yields one message for each partition that the next fetch brought
        _getmany    fetches, from the partitions that the fetch scheduler allows
        _unread     drops records that were read before
    handled         the stage has handled a batch: more may be fetched
    _new_offset     step 4 of `streams.runtime.stage`: the offset to commit

Invariants:
- Nothing is delivered that was fetched before the positions of an assignment are known.
- The committed offset is behind the last batch that went through steps 1 to 3, and never beyond it.
- The methods that are overridden and the private members that are read are those of the pinned versions:
  `amana.composition.private_members` checks them when a stage starts.
"""

import asyncio
import bisect
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from typing import Any, cast

import faust
from faust.serializers import codecs
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.broker import topics
from streams.runtime import columnar_fetches, fetch_scheduler, stage

__all__ = ["AS_FETCHED", "BatchConsumer", "BatchTransport", "records_of"]


FETCH_WAIT_MS = 150
"""Milliseconds for which the broker may hold a fetch back that has less than `FETCH_LEAST` bytes."""

FETCH_LEAST = 64 << 10
"""Bytes for which the broker waits: the cost of a batch is mostly that of its effects, however few records it has."""

TURN_SECONDS = 0.02
"""Seconds for which a fetch may wait while the fetch scheduler holds other partitions back."""


class _AsFetched(codecs.Codec):
    """A codec that lets a `Fetch` pass through Faust's decoding unchanged."""

    def _loads(self, s: bytes) -> bytes:
        return s

    def _dumps(self, s: bytes) -> bytes:
        return s


AS_FETCHED = _AsFetched()
"""The value serializer of every topic that is read through this transport."""


class _PromptThread(driver.AIOKafkaConsumerThread):
    """The driver's consumer thread, with fetches that wait briefly and are columnar."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401 - aiokafka is not typed
        consumer = super()._create_worker_consumer(transport)
        # One request asks a broker for all partitions without buffered records. Faust lets the broker hold it back for
        # 1.5 s while all of them are empty, and a partition that gets records meanwhile waits with them.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - a constant of the driver, without a setting
        consumer._fetch_min_bytes = FETCH_LEAST  # noqa: SLF001 - as above
        # An answer holds what one partition may have: the next one is on its way while this one is read, and less is
        # held in memory. The driver asks for the partitions in random order, so that none waits for ever behind a
        # full one.
        consumer._fetch_max_bytes = consumer._max_partition_fetch_bytes  # noqa: SLF001 - as above
        return consumer

    async def _fetch_records(self, consumer: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        # At every fetch, as the driver makes the fetcher when it starts the consumer, after this class could see it.
        columnar_fetches.by_column(consumer)
        return await super()._fetch_records(consumer, *args, **named)


def _owner(tp: TP) -> Hashable:
    """Return the agency whose raw topic a partition belongs to, else the partition itself."""
    return tp.topic.split(".")[1] if topics.is_raw(tp.topic) else tp


class BatchConsumer(driver.Consumer):
    """The driver's consumer, delivering whole fetches, and none before the positions of an assignment are known."""

    # Faust resumes the partitions of a new assignment before it seeks, and leaves a partition without a committed
    # offset at the end of the last fetch, handled or not. So what is fetched before the seek is dropped (`_sought`),
    # and nothing is fetched during it (`_seeking`).

    def __init__(self, *args: Any, **named: Any) -> None:  # noqa: ANN401 - Faust's signature
        super().__init__(*args, **named)
        self._seeking = asyncio.Lock()
        self._sought = False
        self._turns = fetch_scheduler.FetchScheduler[TP](_owner)
        self._handled = asyncio.Event()
        self._read_up_to: dict[TP, int] = {}
        self.begun: Mapping[TP, int] = {}
        """The offset at which each source partition of this assignment begins: committed, and still in the log."""

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _PromptThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take a new assignment; its positions are not known yet."""
        self._sought = False
        self._turns.clear()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek every source partition to its committed offset or, without one, to the earliest record of the broker."""
        async with self._seeking:
            await super().perform_seek()
            sources = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
            earliest = await self.earliest_offsets(*sources) if sources else {}
            if not await self._reset_lost(sources, earliest):
                return  # the group has rebalanced meanwhile, which brings another seek
            fresh = [tp for tp in sources if self._committed_offset[tp] is None]
            if fresh:
                await self.seek_wait({tp: earliest[tp] for tp in fresh})
            self.begun = {tp: max(self._committed_offset[tp] or 0, earliest[tp] or 0) for tp in sources}
            self._read_up_to.clear()
            self._sought = True

    async def _reset_lost(self, sources: Sequence[TP], earliest: Mapping[TP, int | None]) -> bool:
        """Reset the committed offset of every partition whose state is lost to 0, to rebuild it from the source.

        Sequence marks downstream make the replay idempotent. Ends the process (INT-024) if a source does not reach back
        to offset 0, since a state rebuilt from the rest would not be exact. Returns False if the broker rejected the
        commit, because the group has rebalanced.
        """
        is_lost = cast("BatchTransport", self.transport).is_lost
        lost = [tp for tp in sources if self._committed_offset[tp] and is_lost(tp.partition)]
        for tp in lost:
            if earliest[tp]:
                stage.halt("INT-024", tp.topic, tp.partition, earliest[tp])
            self._committed_offset[tp] = self._read_offset[tp] = None
        # Committed before anything is read: if this owner died with the state half rebuilt, the partition would no
        # longer be empty, and the next owner would go on at the old commit.
        return not lost or bool(await self._commit(dict.fromkeys(lost, 0)))

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:  # noqa: ASYNC109 - Faust's signature
        """Fetch from the partitions that the fetch scheduler allows; wait only briefly if it holds others back."""
        active = active_partitions or set()
        # Changelogs are never held back: while they are restored, nothing else is read.
        allowed = {tp for tp in active if self._is_changelog_tp(tp)} | self._turns.of(active)
        if not allowed:
            self._handled.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._handled.wait(), timeout)
            return {}
        async with self._seeking:
            sought = self._sought
            wait = timeout if len(allowed) == len(active) else TURN_SECONDS
            fetched: Mapping[TP, list[Any]] = await super()._getmany(allowed, wait)
        return {tp: records for tp, records in fetched.items() if sought or self._is_changelog_tp(tp)}

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """Yield one message per partition that the next fetch brought, until a rebalance overtakes it."""
        fetched, active = await self._wait_next_records(timeout)
        if not fetched or self.should_stop:
            return
        generation = self.app.consumer_generation_id
        joined = {tp: self._placed(tp, columnar_fetches.Fetch.joined(records)) for tp, records in fetched.items()}
        # In order of topic and partition: partition numbers alternate, so that no lane waits for another.
        for tp, fetch in sorted(joined.items()):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            if self._is_changelog_tp(tp):
                yield tp, self._message(tp, fetch, generation)
            elif kept := self._unread(tp, fetch):
                self._turns.fetched(tp, kept.offsets[-1])
                yield tp, self._message(tp, kept, generation)

    def _placed(self, tp: TP, fetch: columnar_fetches.Fetch) -> columnar_fetches.Fetch:
        """Note in a fetch where the one before it ended, whether that was delivered or not."""
        fetch.since = self._read_up_to.get(tp, self.begun.get(tp))
        self._read_up_to[tp] = fetch.offsets[-1] + 1
        return fetch

    def handled(self, tp: TP, last: int) -> None:
        """Note that the stage has handled a partition up to the offset `last`, and let more be fetched."""
        self._turns.handled(tp, last)
        self._handled.set()

    def _unread(self, tp: TP, records: columnar_fetches.Fetch) -> columnar_fetches.Fetch:
        """Return a fetch without the records that were read before."""
        read = self._read_offset[tp]
        if read is not None and records.offsets[0] < read:
            records = records[bisect.bisect_left(records.offsets, read) :]
        # Faust takes every jump in offsets for a gap in the log, which it commits over as soon as anything behind it is
        # acknowledged. It sees the last record alone, so the read offset is set to the one before it.
        if len(records) > 1:
            self._read_offset[tp] = records.offsets[-1] - 1
        return records

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset to commit, None if no batch was acknowledged: step 4 of `streams.runtime.stage`."""
        # 4. Commit. Faust acknowledges a batch after `stage.run` has taken it through steps 1 to 3. Batches of a
        # partition are handled in order and one at a time, and `streams.runtime.app` ends the process if one does not
        # follow the one before it: so the last acknowledgement stands for all before it, and Faust's search for gaps
        # is not needed.
        acknowledged = self._acked[tp]
        if not acknowledged:
            return None
        last = max(acknowledged)
        acknowledged.clear()
        self._acked_index[tp].clear()
        return last + 1

    def _message(self, tp: TP, records: columnar_fetches.Fetch, generation: int) -> ConsumerMessage:
        return ConsumerMessage(
            topic=records.topic,
            partition=records.partition,
            offset=records.offsets[-1],
            timestamp=0.0,  # no rule here depends on the time of a record
            timestamp_type=0,
            headers=[],
            key=None,
            value=cast("bytes", records),  # AS_FETCHED passes it on unchanged
            checksum=None,
            tp=tp,
            generation_id=generation,
        )


class BatchTransport(driver.Transport):
    """The driver's transport with the batch consumer.

    `is_lost` returns whether the state of a partition that was read before is gone. A stage whose state can be rebuilt
    sets it; for every other stage it is never so.
    """

    Consumer = BatchConsumer
    is_lost: Callable[[int], bool] = staticmethod(lambda _: False)


def install(app: faust.App) -> None:
    """Make `app` read through the batch transport; to be called before anything asks `app` for its transport."""
    columnar_fetches.install()
    app.transport = BatchTransport(app.conf.broker_consumer, app)


def records_of(fetched: object) -> columnar_fetches.Fetch:
    """Return the value of a message as the fetch that it is."""
    return cast("columnar_fetches.Fetch", fetched)
