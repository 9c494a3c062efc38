"""Case events published in the background at a pace, each again until the broker has acknowledged it."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError

from amana.site import Site
from connectors.adapters import schema_ids
from schemas.errors import TransportError
from streams.runtime import outbox
from tests.support import flow

__all__ = ["Feed"]

_PART_SECONDS = 0.25


class Feed:
    """Publishes `sent` on `deidentified.case`, `per_second` at most; a context manager whose end waits for the last.

    What the broker did not acknowledge is sent again, as an agency would: the counts must not depend on it.
    """

    def __init__(self, site: Site, sent: Sequence[Mapping[str, Any]], per_second: int) -> None:
        self._settings = site.cluster("worker.deidentify").kafka_settings()
        self._schema = schema_ids.allow_list(site.schema_ids, ["deidentified.case"]).id_of("deidentified.case")
        self._sent, self._step = sent, max(1, int(per_second * _PART_SECONDS))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.limit = len(sent)
        """Events after which it waits until there may be more."""
        self.acknowledged = 0
        """Events that the broker has acknowledged."""
        self.enough = threading.Event()
        """Set when no more is wanted: what is acknowledged by then is the beginning of `sent`."""
        self.repeated = 0
        """Parts that were sent again because no answer came."""
        self._box: outbox.Outbox | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last acknowledgement, unless the test has failed already."""
        if error is None:
            self._thread.join()
            assert self.enough.is_set() or self.acknowledged == len(self._sent)

    def hold(self) -> None:
        """Send no more until told to go on: what flows all the time is never settled enough to be released."""
        self.limit = 0

    def go_on(self) -> None:
        """Send on."""
        self.limit = len(self._sent)

    @property
    def ended(self) -> bool:
        """True when all is acknowledged."""
        return not self._thread.is_alive()

    async def _run(self) -> None:
        due = time.monotonic()
        for start in range(0, len(self._sent), self._step):
            if self.enough.is_set():
                break
            while start >= self.limit:
                due = time.monotonic()
                await asyncio.sleep(_PART_SECONDS / 10)
            part = self._sent[start : start + self._step]
            while not await self._take(part):
                self.repeated += 1
            self.acknowledged += len(part)
            due += _PART_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await self._close()

    async def _take(self, part: Sequence[Mapping[str, Any]]) -> bool:
        try:
            if self._box is None:
                self._box = await outbox.Outbox(self._settings, "feed").start()
            await self._box.send(flow.outputs(part, self._schema))
        except (TransportError, KafkaError, OSError):
            await self._close()
            await asyncio.sleep(0.5)
            return False
        return True

    async def _close(self) -> None:
        box, self._box = self._box, None
        if box is not None:
            await box.stop()
