"""The order of effects of a batch: handle it, send its outputs, write its state, commit its offsets.

Purpose: exact counts rest on this order. Steps 1 to 3 are here; step 4 happens later and elsewhere, in
`streams.runtime.transport.BatchConsumer._new_offset`, and only for a batch for which `run` returned.

    1. handle   the stage's rule computes outputs and new state values from the batch and the state
    2. send     every output is acknowledged by all replicas
    3. write    every state value is acknowledged by all replicas
    4. commit   the next owner of the partition begins behind the batch

Called by: `streams.runtime.app`, once for each batch; `halt` also by `watchdog` and `transport`; `streams.stages`,
`columnar_fetches`, `outbox` and `state` take its types from here.

Invariants:
- A crash before step 4 makes the batch be handled again. A repeated output has the sequence mark of the first one, so
  that whoever reads it takes it once; a state value says up to which offset it includes its input.
- State is written after the outputs: a state that included a batch whose outputs are lost would skip them for ever.
- Any failure ends the process at once. An exception that Faust saw would let it acknowledge what was not done.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from schemas.errors import AmanaError
from streams.runtime import log_lines

__all__ = ["EXIT_STATUS", "BatchResult", "Handler", "Output", "Record", "State", "halt", "halt_on", "run"]

EXIT_STATUS = 70
"""The exit status of a process that could not finish a batch (EX_SOFTWARE of sysexits.h)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a source topic, as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Output:
    """One record to send to a partition that the sender chose (`streams.broker.partitions`); no value: a tombstone."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of one batch: outputs in order, and the new value of every state key that the batch touched.

    A key without a value is deleted.
    """

    outputs: Sequence[Output]
    writes: Mapping[str, bytes | None]


class Handler(Protocol):
    """The rule of one stage: the same batch and state give the same result, in any process and any number of times."""

    async def __call__(self, batch: Sequence[Record], state: Callable[[str], bytes | None], /) -> BatchResult:
        """Handle one batch; all its records are of one partition of one topic, offsets ascending."""
        ...


class State(Protocol):
    """The state of the partitions that this process owns."""

    def value_of(self, key: str) -> bytes | None:
        """Return the value of `key`, None if it has none."""
        ...

    async def write(self, partition: int, writes: Mapping[str, bytes | None]) -> None:
        """Keep `writes` for the batch's partition; return when the changelog has acknowledged them."""
        ...


async def run(
    handler: Handler,
    batch: Sequence[Record],
    state: State,
    send: Callable[[Sequence[Output]], Awaitable[None]],
) -> None:
    """Take one batch through steps 1 to 3; when this returns, its offsets may be committed (step 4)."""
    try:
        # 1. Handle.
        result = await handler(batch, state.value_of)
        # 2. Send: returns when every output is acknowledged.
        await send(result.outputs)
        # 3. Write: returns when the changelog has acknowledged every value.
        if result.writes:
            await state.write(batch[0].partition, result.writes)
        # 4. Commit: Faust acknowledges the batch when this returns; `BatchConsumer._new_offset` turns that into a
        # commit.
    except Exception as error:  # noqa: BLE001 - whatever it was, going on would acknowledge what was not done
        halt_on(error, batch)


def halt_on(error: Exception, batch: Sequence[Record]) -> NoReturn:
    """End the process because of `error`, and log its code or type with the place of the batch."""
    # Never the message: it could hold a value from a person's record.
    code = error.code if isinstance(error, AmanaError) else type(error).__name__
    if not batch:
        halt(code)
    halt(code, batch[0].topic, batch[0].partition, batch[0].offset)


def halt(code: str, topic: str | None = None, partition: int | None = None, offset: int | None = None) -> NoReturn:
    """End the process without cleaning up, and log one line with the code and the place."""
    place = {"topic": topic, "partition": partition, "offset": offset}
    try:
        sys.stderr.write(log_lines.line("ended", "critical", code=code, **place))
        sys.stderr.flush()
    finally:
        # Even if the line cannot be written, as on a full disk: an exception here would let Faust acknowledge.
        os._exit(EXIT_STATUS)
