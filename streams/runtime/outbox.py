"""The outbox: sends the outputs of a batch in order, and returns when the broker has acknowledged every one.

Purpose: step 2 of the order of effects (`streams.runtime.stage`), and the writes of step 3. On a failure it raises and
sends nothing further; the stage then ends the process.

Called by: `streams.runtime.app`, which hands it to the order of effects for outputs; `streams.runtime.state` for the
changelog; `amana.composition.stages` makes it.

Invariants:
- A partition never has more than one unacknowledged request of ours, so that a crash leaves a prefix of the outputs in
  the partition's log.
- All replicas have a record before it counts as acknowledged.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.errors import TransportError
from streams.runtime.client_credentials import aiokafka_settings
from streams.runtime.stage import Output

__all__ = ["Outbox"]

BATCH_BYTES = 900_000
"""Bytes of the largest request to one partition; below the broker's limit of 1 MiB for a record batch."""


class Outbox:
    """An idempotent producer that waits for all replicas; `settings` as `Cluster.kafka_settings` gives them."""

    def __init__(self, settings: Mapping[str, Any], client_id: str) -> None:
        self._settings = {**aiokafka_settings(settings), "client_id": client_id}
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> Self:
        """Connect if it is not connected."""
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._settings,
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                max_request_size=BATCH_BYTES + 100_000,
                linger_ms=0,
            )
            await producer.start()
            self._producer = producer
        return self

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def send(self, outputs: Sequence[Output]) -> None:
        """Send `outputs`, in order within each partition, and wait until all are acknowledged.

        Raises:
            TransportError: TRA-020 if the broker refused a request or did not answer; the rest is not sent.
        """
        if not outputs:
            return
        await self.start()
        lanes: dict[tuple[str, int], list[Output]] = defaultdict(list)
        for output in outputs:
            lanes[output.topic, output.partition].append(output)
        try:
            await asyncio.gather(*(self._lane(topic, partition, lane) for (topic, partition), lane in lanes.items()))
        except KafkaError as error:
            raise TransportError("TRA-020", f"the broker did not take a batch: {type(error).__name__}") from error

    async def _lane(self, topic: str, partition: int, outputs: Sequence[Output]) -> None:
        position = 0
        while position < len(outputs):
            position, request = self._fill(outputs, position)
            # The next request is made only after this one is acknowledged: the log holds a prefix at any time.
            acknowledged = await self._connected.send_batch(request, topic, partition=partition)
            await acknowledged

    def _fill(self, outputs: Sequence[Output], position: int) -> tuple[int, Any]:
        """Fill one request from `position` on; return the position of the first record that did not fit, and it."""
        request = self._connected.create_batch()
        first = position
        while position < len(outputs):
            output = outputs[position]
            if request.append(key=output.key, value=output.value, timestamp=None) is None:
                break
            position += 1
        if position == first:
            raise TransportError("TRA-021", "a record is larger than a request may be")
        request.close()
        return position, request

    @property
    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise TransportError("TRA-022", "the outbox is not connected")
        return self._producer
