"""The order of effects of a batch, and the one line with which a process ends."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

import pytest

from streams.runtime import log_lines, stage
from streams.runtime.stage import BatchResult, Output, Record

BATCH = [Record("deltas", 1, 17, b"k", b"v")]
OUTPUT = Output("cells", 1, b"k", b"v")


class _Effects:
    """A handler, an outbox and a state that note what is done to them."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def handle(self, _batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        assert value_of("k") is None
        self.done.append("handle")
        return BatchResult([OUTPUT], {"k": b"v"})

    async def send(self, outputs: Sequence[Output]) -> None:
        await asyncio.sleep(0)
        self.done.append(f"send {len(outputs)}")

    def value_of(self, _key: str) -> bytes | None:
        return None

    async def write(self, partition: int, writes: Mapping[str, bytes | None]) -> None:
        self.done.append(f"write {partition} {len(writes)}")


def test_outputs_are_acknowledged_before_state_is_written() -> None:
    effects = _Effects()
    asyncio.run(stage.run(effects.handle, BATCH, effects, effects.send))
    assert effects.done == ["handle", "send 1", "write 1 1"]


FAILING = """
import asyncio, types
from schemas.errors import TransportError
from streams.runtime import stage
async def handle(batch, value_of):
    raise {error}
record = stage.Record("raw.police-jor.case", 3, 17, b"k", b"Zeynabelle Qadirova")
asyncio.run(stage.run(handle, [record], types.SimpleNamespace(value_of=None), None))
"""


@pytest.mark.parametrize(
    ("error", "code"),
    [("TransportError('TRA-020', 'Zeynabelle')", "TRA-020"), ("ValueError('Zeynabelle')", "ValueError")],
)
def test_a_failure_ends_the_process_with_one_line_that_names_the_place_and_no_value(error: str, code: str) -> None:
    command = [sys.executable, "-c", FAILING.format(error=error)]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.returncode == stage.EXIT_STATUS
    line = json.loads(ended.stderr)
    assert line.keys() <= log_lines.KEYS
    assert line.pop("timestamp").endswith("+00:00")
    place = {"topic": "raw.police-jor.case", "partition": 3, "offset": 17}
    assert line == {"event": "ended", "level": "critical", "code": code, **place}
