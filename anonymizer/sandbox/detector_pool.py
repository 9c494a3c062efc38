"""A pool of detector processes that may hang, crash or run out of memory without harm to any other text.

Decides that a text either has findings or has failed: it never passes because something went wrong. Does not detect:
see `detector`. A process that failed a text is killed and replaced; the texts behind it go to its successor. Everything
happens on the event loop: threads that wait for answers would fight the stage for the interpreter.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, Self

from anonymizer.microdata.redaction import Finding, Text, Verdict
from anonymizer.policy import TextRules
from anonymizer.sandbox.detector_child import DetectorChild
from anonymizer.sandbox.fork_server import ForkServer
from schemas.errors import ConfigurationError, ContractError

__all__ = ["DetectorPool"]

_START_SECONDS: Final = 120.0
_SLACK_SECONDS: Final = 0.5
_SECONDS_A_CHUNK: Final = 0.05  # beyond the first ones, which the policy's own time-out is for
_ADDRESS_SPACE: Final = 2 << 30
_BATCH_BYTES: Final = 48 << 10  # one text may be more: a process reads a message whole before it answers any of it
_LONGEST_KNOWN: Final = 4096


class DetectorPool:
    """`size` detector processes of one policy's text rules; use as a context manager, or `close` it.

    Raises:
        ConfigurationError: CFG-020, an entity without a recogniser.
    """

    def __init__(
        self, rules: TextRules, size: int = 2, *, address_space_bytes: int = _ADDRESS_SPACE, module: str | None = None
    ) -> None:
        self._rules = rules
        setup = json.dumps({"rules": rules.model_dump(), "address_space_bytes": address_space_bytes}).encode()
        self._nursery = ForkServer(module or "anonymizer.sandbox.detector_process", setup)
        self._children = [self._nursery.child() for _ in range(size)]
        self._refuse_unserved()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: asyncio.Queue[int] = asyncio.Queue()
        self.heartbeats = 0
        """Counter of verdicts and of detector starts; the watchdog of the stage reads it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        for child in self._children:
            child.kill()
        self._nursery.close()

    def _refuse_unserved(self) -> None:
        """Refuse the rules here, while the processes load the very modules that this takes."""
        from anonymizer.detection import presidio  # noqa: PLC0415 - seconds, which the processes need as well

        try:
            presidio.refuse_unserved(self._rules)
        except ConfigurationError:
            self.close()
            raise

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Scan texts in all processes at once; the verdicts stand in the order of the texts.

        Raises:
            ConfigurationError: CFG-023, a detector does not start.
        """
        step = max(1, -(-len(texts) // len(self._children)))
        shares = [texts[start : start + step] for start in range(0, len(texts), step)]
        done = await asyncio.gather(*map(self._scan, shares))
        return [verdict for share in done for verdict in share]

    async def _scan(self, texts: Sequence[Text]) -> list[Verdict]:
        """Scan texts in one process, replacing it as often as it fails."""
        verdicts: list[Verdict] = []
        losses = 0
        async with self._place() as place:
            while len(verdicts) < len(texts):
                before = len(verdicts)
                child = await self._ready(place)
                verdicts += [verdict async for verdict in self._until_broken(child, texts[before:])]
                losses = losses + 1 if len(verdicts) == before else 0
                if losses > 1:  # the same text ended two processes in a row
                    verdicts.append(ContractError("CON-042", "the detector ended while it scanned the text"))
                    losses = 0
        return verdicts

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[int]:
        """Hold one of the pool's places; each belongs to one caller at a time."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._idle = loop, asyncio.Queue()
            for place in range(len(self._children)):
                self._idle.put_nowait(place)
        place = await self._idle.get()
        try:
            yield place
        finally:
            self._idle.put_nowait(place)

    async def _ready(self, place: int) -> DetectorChild:
        """Return the process of a place, a new one where it is broken, once it has loaded its recognisers."""
        if self._children[place].broken:
            self._children[place].kill()
            self._children[place] = self._nursery.child()
        child = self._children[place]
        if not child.started and not await child.start(_START_SECONDS):
            raise ConfigurationError("CFG-023", "a detector process does not start")
        self.heartbeats += 1
        return child

    async def _until_broken(self, child: DetectorChild, texts: Sequence[Text]) -> AsyncIterator[Verdict]:
        """Yield verdicts in order until the process breaks; the text that broke it has one only if time ran out."""
        for batch in _batches(texts, self._rules.max_characters):
            if isinstance(batch, ContractError):
                yield batch
                continue
            await child.send(json.dumps([[t.text, t.language, dict(t.known)] for t in batch]).encode())
            for text in batch:
                verdict = await self._verdict(child, self._seconds(text))
                if verdict is not None:
                    self.heartbeats += 1
                    yield verdict
                if child.broken:
                    return

    def _seconds(self, text: Text) -> float:
        """Return how long a text may take: what the policy allows, and more for a long one."""
        return self._rules.timeout_seconds + len(text.text) / self._rules.chunk_characters * _SECONDS_A_CHUNK

    async def _verdict(self, child: DetectorChild, seconds: float) -> Verdict | None:
        """Return the verdict on the next text, None where the process ended before it had one."""
        try:
            answer = await child.receive(seconds + _SLACK_SECONDS)
        except TimeoutError:
            child.broken = True
            return ContractError("CON-041", "the text took longer to scan than the policy allows")
        if answer is None:
            return None
        if "code" in answer:
            return ContractError(answer["code"], "the text could not be scanned")
        return tuple(Finding(*found) for found in answer["found"])


def _batches(texts: Sequence[Text], longest: int) -> Iterator[list[Text] | ContractError]:
    """Cut texts into messages of bounded size; a text that is too long, or whose identifiers are, fails at once."""
    batch: list[Text] = []
    size = 0
    for text in texts:
        known = sum(map(len, text.known.values()))
        refused = len(text.text) > longest or known > _LONGEST_KNOWN
        weight = 6 * (len(text.text) + known) + 64
        if batch and (refused or size + weight > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        if refused:
            yield ContractError("CON-040", "the text is longer than the policy scans")
            continue
        batch.append(text)
        size += weight
    if batch:
        yield batch
