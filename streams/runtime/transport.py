"""The batch transport: one Faust message per fetched batch of a partition, instead of one per record.

Decides how a fetch becomes one message and how its offsets are booked, so that the message's acknowledgement stands
for all its records. Does not decide what is in them: the message's value is a `Fetch`.

Faust's path per message costs more than everything else together (about 3,500 events/s); one message per fetch leaves
decoding as the limit.
"""

import asyncio
import bisect
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

import faust
from faust.serializers import codecs
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.runtime import columnar_fetches, fetch_scheduler, stage

__all__ = ["AS_FETCHED", "BatchConsumer", "BatchTransport", "records_of"]


FETCH_WAIT_MS = 150
"""How long the broker may hold a fetch back that has less than `FETCH_LEAST` to give, in milliseconds."""

FETCH_LEAST = 64 << 10
"""Bytes for which it waits: a stage that takes each record as it comes works for the batches, not for the records."""

TURN_SECONDS = 0.02
"""How long a fetch may wait for some partitions while it is not the turn of others that have something to give."""


class _AsFetched(codecs.Codec):
    """Lets a list of records pass through Faust's decoding untouched."""

    def _loads(self, s: bytes) -> bytes:
        return s

    def _dumps(self, s: bytes) -> bytes:
        return s


AS_FETCHED = _AsFetched()
"""The serializer of every topic that is read through this transport."""


class _PromptThread(driver.AIOKafkaConsumerThread):
    """The driver's consumer thread, whose fetches wait briefly, and for something that is worth the work.

    A node is asked for all partitions without buffered records in one request at a time. Faust lets the broker hold
    that request back for 1.5 s where all of them are drained, and a partition that fills meanwhile waits with them.
    """

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401 - aiokafka is not typed
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - a constant of the driver, without a setting
        consumer._fetch_min_bytes = FETCH_LEAST  # noqa: SLF001 - as above
        # One partition's worth an answer: the next is on its way while this one is read, and less is held in memory.
        # The driver asks for the partitions in random order, so that none waits for ever behind a full one.
        consumer._fetch_max_bytes = consumer._max_partition_fetch_bytes  # noqa: SLF001 - as above
        return consumer

    async def _fetch_records(self, consumer: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        columnar_fetches.by_column(consumer)
        return await super()._fetch_records(consumer, *args, **named)


class BatchConsumer(driver.Consumer):
    """The driver's consumer, delivering whole fetches, and none of them before the position is right.

    Faust resumes the partitions of a new assignment before it seeks, and leaves one without a committed offset where
    the last fetch ended, handled or not. What is fetched before the seek is given back, and none is fetched during it.
    """

    def __init__(self, *args: Any, **named: Any) -> None:  # noqa: ANN401 - Faust's signature
        super().__init__(*args, **named)
        self._seeking = asyncio.Lock()
        self._sought = False
        self._turns = fetch_scheduler.FetchScheduler[TP]()
        self._handled = asyncio.Event()
        self.begun: Mapping[TP, int] = {}
        """Where each source partition of this assignment was to be read from: what is committed and still there."""

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _PromptThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take an assignment whose positions are not known yet."""
        self._sought = False
        self._turns.clear()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Seek to what is committed, and where nothing is, to the earliest record that the broker has."""
        async with self._seeking:
            await super().perform_seek()
            sources = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
            earliest = await self.earliest_offsets(*sources) if sources else {}
            if not await self._begin_again_where_lost(sources, earliest):
                return  # the partitions were given out anew meanwhile, which brings another seek
            fresh = [tp for tp in sources if self._committed_offset[tp] is None]
            if fresh:
                await self.seek_wait({tp: earliest[tp] for tp in fresh})
            self.begun = {tp: max(self._committed_offset[tp] or 0, earliest[tp] or 0) for tp in sources}
            self._sought = True

    async def _begin_again_where_lost(self, sources: Sequence[TP], earliest: Mapping[TP, int | None]) -> bool:
        """Take back what is committed of a partition whose state is gone: read again, it becomes what it was.

        What was counted before is counted once all the same, as its marks are the same. Where the log does not reach
        back to its beginning, nothing that could be done here would be exact. The broker is told before anything is
        read: an owner that died with part of the state made again would leave a partition that is no longer empty,
        and the next one would go on at the old commit. Returns False where the broker no longer takes our word.
        """
        is_lost = cast("BatchTransport", self.transport).is_lost
        lost = [tp for tp in sources if self._committed_offset[tp] and is_lost(tp.partition)]
        for tp in lost:
            if earliest[tp]:
                stage.halt("INT-024", f"{tp.topic}[{tp.partition}]@{earliest[tp]}")
            self._committed_offset[tp] = self._read_offset[tp] = None
        return not lost or bool(await self._commit(dict.fromkeys(lost, 0)))

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:  # noqa: ASYNC109 - Faust's signature
        """Fetch from the partitions whose turn it is; while others have theirs to come, wait briefly alone."""
        active = active_partitions or set()
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
        for tp, records in sorted(fetched.items()):  # partition numbers alternate, so that no lane waits for another
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            fetch = columnar_fetches.Fetch.joined(records)
            if self._is_changelog_tp(tp):
                yield tp, self._message(tp, fetch, generation)
            elif kept := self._unread(tp, fetch):
                self._turns.fetched(tp, kept.offsets[-1])
                yield tp, self._message(tp, kept, generation)

    def handled(self, tp: TP, last: int) -> None:
        """Hear from the stage that all of a partition up to the offset `last` is handled."""
        self._turns.handled(tp, last)
        self._handled.set()

    def _unread(self, tp: TP, records: columnar_fetches.Fetch) -> columnar_fetches.Fetch:
        """Drop what was read before, and keep Faust from booking the fetch as a hole in the log.

        Faust remembers every jump in offsets, to be committed over as soon as anything behind it is acknowledged. So
        the read offset is set to just below the last record, which is the one that it will see.
        """
        read = self._read_offset[tp]
        if read is not None and records.offsets[0] < read:
            records = records[bisect.bisect_left(records.offsets, read) :]
        if len(records) > 1:
            self._read_offset[tp] = records.offsets[-1] - 1
        return records

    def _new_offset(self, tp: TP) -> int | None:
        """Return where the next owner is to begin: behind the last batch that was acknowledged.

        Batches of a partition are handled in order and one at a time, and `streams.runtime.app` ends the process where
        one does not follow the one before it. So the last acknowledgement stands for all before it.
        """
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
            timestamp=0.0,  # nothing here goes by the time of a record
            timestamp_type=0,
            headers=[],
            key=None,
            value=cast("bytes", records),  # Faust hands it on as it is: AS_FETCHED
            checksum=None,
            tp=tp,
            generation_id=generation,
        )


class BatchTransport(driver.Transport):
    """The driver's transport with the batch consumer.

    `is_lost` tells of a partition that was read before whether its state is gone; unless a stage can tell, it is not.
    """

    Consumer = BatchConsumer
    is_lost: Callable[[int], bool] = staticmethod(lambda _: False)


def install(app: faust.App) -> None:
    """Make `app` read through the batch transport; before anything asks for its transport."""
    app.transport = BatchTransport(app.conf.broker_consumer, app)


def records_of(fetched: object) -> columnar_fetches.Fetch:
    """See a message's value as the records that it is."""
    return cast("columnar_fetches.Fetch", fetched)
