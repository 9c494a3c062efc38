"""The batch transport's books of offsets, on a real consumer that is not connected."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiokafka.record import _crecords, default_records
from faust.types import TP

from streams.runtime import app as apps
from streams.runtime import columnar_fetches, stage
from streams.runtime.columnar_fetches import Fetch
from streams.runtime.transport import BatchConsumer, BatchTransport

SOURCE = TP("deidentified.case", 1)


class _HaltError(Exception):
    """The process would be gone."""


def _consumer(folder: Path, check: Callable[[BatchConsumer], None]) -> None:
    """Call `check` with the consumer of an application, in a running event loop."""

    async def run() -> None:
        app = apps.build("dedupe", {"bootstrap_servers": "localhost:1"}, folder, fetch=1_000)
        consumer: Any = app.consumer
        assert type(app.transport) is BatchTransport
        assert type(consumer) is BatchConsumer
        check(consumer)

    asyncio.run(run())


def _fetch(*offsets: int) -> Fetch:
    return Fetch(*SOURCE, offsets, [b"k"] * len(offsets), [b"v"] * len(offsets))


def test_the_last_acknowledgement_stands_for_all_before_it_and_is_committed_once(tmp_path: Path) -> None:
    """Step 4 of the order of effects; the gaps that compaction leaves are no reason to wait."""

    def check(consumer: BatchConsumer) -> None:
        consumer._acked[SOURCE] += [7, 19, 12]
        assert consumer._new_offset(SOURCE) == 20
        assert consumer._new_offset(SOURCE) is None

    _consumer(tmp_path, check)


def test_records_that_were_read_before_are_dropped(tmp_path: Path) -> None:
    """And the read offset is set below the last record, so that Faust sees no gap in the log."""

    def check(consumer: BatchConsumer) -> None:
        consumer._read_offset[SOURCE] = 5
        assert list(consumer._unread(SOURCE, _fetch(3, 4, 6, 9)).offsets) == [6, 9]
        assert consumer._read_offset[SOURCE] == 8

    _consumer(tmp_path, check)


def test_the_message_of_a_fetch_has_the_offset_of_its_last_record(tmp_path: Path) -> None:
    def check(consumer: BatchConsumer) -> None:
        fetch = _fetch(3, 4, 6)
        message: Any = consumer._message(SOURCE, fetch, 2)
        assert (message.offset, message.value, message.generation_id) == (6, fetch, 2)

    _consumer(tmp_path, check)


@pytest.mark.parametrize("accepted", [True, False])
def test_the_commit_of_a_lost_state_is_reset_before_anything_is_read(tmp_path: Path, accepted: bool) -> None:  # noqa: FBT001 - a case of the table
    """Only of a partition that was read before and whose state is gone; a rejected commit brings another seek."""
    kept, fresh = TP("deidentified.case", 2), TP("deidentified.case", 3)
    commits: list[Mapping[TP, int]] = []

    async def commit(offsets: Mapping[TP, int]) -> bool:
        commits.append(offsets)
        return accepted

    def check(consumer: BatchConsumer) -> None:
        consumer.transport.is_lost = lambda partition: partition != kept.partition  # type: ignore[attr-defined]
        consumer._commit = commit  # type: ignore[method-assign] # the broker's answer
        consumer._committed_offset.update({SOURCE: 40, kept: 50, fresh: None})
        step = consumer._reset_lost([SOURCE, kept, fresh], {SOURCE: 0, kept: 0, fresh: 0})
        assert _finished(step) is accepted
        assert consumer._committed_offset == {SOURCE: None, kept: 50, fresh: None}

    _consumer(tmp_path, check)
    assert commits == [{SOURCE: 0}]


def test_a_lost_state_whose_source_lost_its_beginning_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def halt(*line: object) -> NoReturn:
        assert line == ("INT-024", *SOURCE, 17)
        raise _HaltError

    def check(consumer: BatchConsumer) -> None:
        consumer.transport.is_lost = lambda _: True  # type: ignore[attr-defined]
        consumer._committed_offset[SOURCE] = 40
        with pytest.raises(_HaltError):
            _finished(consumer._reset_lost([SOURCE], {SOURCE: 17}))

    monkeypatch.setattr(stage, "halt", halt)
    _consumer(tmp_path, check)


def test_the_driver_is_patched_by_an_application_and_not_by_an_import(tmp_path: Path) -> None:
    """In a process of its own, since one of these tests may have made an application before."""
    code = (
        "from aiokafka.record import default_records as d; own = d.gzip_decode\n"
        "import streams.runtime.transport, streams.runtime.columnar_fetches as c; assert d.gzip_decode is own\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    _consumer(tmp_path, lambda _: None)
    for module in (default_records, _crecords.default_records):
        assert module.gzip_decode is columnar_fetches._unpacked


def _finished(step: Any) -> object:  # noqa: ANN401 - a coroutine that waits for nothing
    """Run a coroutine to its end without leaving the running loop."""
    try:
        step.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError
