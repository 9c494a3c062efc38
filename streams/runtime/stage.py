"""One step of a stage: handle a batch, have its outputs acknowledged, then write its state, then let it be committed.

Decides the order in which a batch's effects become durable, on which exact counts rest (ADR: counts are exact by
construction). Does not decide what a stage computes: that is its handler's part, and handlers are functions of their
batch and state alone.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from schemas.errors import AmanaError

__all__ = ["EXIT_STATUS", "BatchResult", "Handler", "Output", "Record", "State", "end", "halt", "run"]

EXIT_STATUS = 70
"""What a process ends with when a batch could not be finished (EX_SOFTWARE of sysexits.h)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a source topic, as it came."""

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
    """What one batch comes to: outputs in order, and the new value of every state key that it touched."""

    outputs: Sequence[Output]
    writes: Mapping[str, bytes]


class Handler(Protocol):
    """The rule of one stage: the same batch and state give the same result, whoever runs it and how often."""

    async def __call__(self, batch: Sequence[Record], state: Callable[[str], bytes | None], /) -> BatchResult:
        """Handle one batch; all its records are of one partition of one topic, offsets ascending."""
        ...


class State(Protocol):
    """The state of the partitions that this process owns."""

    def value_of(self, key: str) -> bytes | None:
        """Return the value of `key`, None where there is none."""
        ...

    async def write(self, partition: int, writes: Mapping[str, bytes]) -> None:
        """Keep `writes` for the batch's partition; on return the changelog has acknowledged them."""
        ...


async def run(
    handler: Handler,
    batch: Sequence[Record],
    state: State,
    send: Callable[[Sequence[Output]], Awaitable[None]],
) -> None:
    """Take one batch through handler, acknowledged outputs and state; on return its offsets may be committed.

    Any exception ends the process at once, with nothing of the batch acknowledged: the next incarnation does it again.
    """
    try:
        result = await handler(batch, state.value_of)
        await send(result.outputs)
        if result.writes:
            await state.write(batch[0].partition, result.writes)
    except Exception as error:  # noqa: BLE001 - whatever it was, going on would acknowledge what was not done
        end(error, batch)


def end(error: Exception, batch: Sequence[Record]) -> NoReturn:
    """Say the code or the type, never the message, which could hold a value; and end without cleaning up."""
    code = error.code if isinstance(error, AmanaError) else type(error).__name__
    where = f"{batch[0].topic}[{batch[0].partition}]@{batch[0].offset}" if batch else "an empty batch"
    halt(code, where)


def halt(code: str, where: str) -> NoReturn:
    """Say the code and the place on the error stream, and end without cleaning up.

    It ends even where the stream cannot be written, as on a full disk: an exception here would let Faust acknowledge.
    """
    try:
        sys.stderr.write(f"ended at {where}: {code}\n")
        sys.stderr.flush()
    finally:
        os._exit(EXIT_STATUS)
