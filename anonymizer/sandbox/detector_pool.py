"""A pool of detector processes; one of them may hang, crash or run out of memory without harm to any other text.

Called by: `amana.composition.stages` for the stage deidentify, and `amana redact`.

    with DetectorPool(policy.text) as pool:
        verdicts = await pool.detect(texts)     # findings, or a ContractError, for every text

One call of `detect`:
    1. cuts the texts into one share for each process
    2. takes a slot of the pool for each share, with a process that has loaded its recognisers
    3. sends the texts in batches of bounded size and reads one verdict for each text
    4. replaces a process that broke and goes on with the text after the last verdict

Invariants:
    - Every text has a verdict; a text whose scan failed has a ContractError, and never passes as clean.
    - A text that ended two processes in a row is refused (CON-042); it is not tried a third time.
    - All work happens on the caller's event loop. Threads that wait for answers would compete with the stage for the
      interpreter lock.
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
_SLACK_SECONDS: Final = 0.5  # beyond the policy's time-out, so that the detector's own refusal arrives first
_SECONDS_A_CHUNK: Final = 0.05  # for a text of many chunks; the policy's time-out is meant for a text of few
_ADDRESS_SPACE_BYTES: Final = 2 << 30
_BATCH_BYTES: Final = 48 << 10  # one text alone may be more: a process reads a whole message before it answers
_MOST_KNOWN_CHARACTERS: Final = 4096
_JSON_BYTES_A_CHARACTER: Final = 6  # `\uXXXX`
_JSON_BYTES_A_TEXT: Final = 64  # brackets, quotes, the language and field names, roughly


class DetectorPool:
    """Detector processes for the text rules of one policy; a context manager, or to be closed with `close`.

    Args:
        rules: the text rules of the policy.
        size: number of processes.
        address_space_bytes: most bytes of address space that one process may have.
        module: the program of the processes, `detector_process` if None.

    Attributes:
        heartbeats: counter of verdicts and of detector starts; the watchdog of the stage reads it.

    Raises:
        ConfigurationError: CFG-020, no recogniser serves an entity of the rules.
    """

    def __init__(
        self,
        rules: TextRules,
        size: int = 2,
        *,
        address_space_bytes: int = _ADDRESS_SPACE_BYTES,
        module: str | None = None,
    ) -> None:
        self._rules = rules
        setup = json.dumps({"rules": rules.model_dump(), "address_space_bytes": address_space_bytes}).encode()
        self._fork_server = ForkServer(module or "anonymizer.sandbox.detector_process", setup)
        self._children = [self._fork_server.child() for _ in range(size)]
        # The import takes seconds. It comes after the start of the fork server, which loads the same modules meanwhile.
        from anonymizer.detection import presidio  # noqa: PLC0415 - as the comment says

        try:
            presidio.refuse_unserved(rules)
        except ConfigurationError:
            self.close()
            raise
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: asyncio.Queue[int] = asyncio.Queue()
        self.heartbeats = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        for child in self._children:
            child.kill()
        self._fork_server.close()

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Scan texts in all processes at once; return the verdicts in the order of the texts.

        Raises:
            ConfigurationError: CFG-023, a detector does not start.
        """
        size = max(1, -(-len(texts) // len(self._children)))  # 1. ceiling division
        shares = [texts[start : start + size] for start in range(0, len(texts), size)]
        verdicts = await asyncio.gather(*map(self._scan, shares))
        return [verdict for share in verdicts for verdict in share]

    async def _scan(self, texts: Sequence[Text]) -> list[Verdict]:
        """Scan texts in one process, which is replaced as often as it breaks."""
        verdicts: list[Verdict] = []
        losses = 0
        async with self._slot() as slot:  # 2.
            while len(verdicts) < len(texts):
                before = len(verdicts)
                if self._children[slot].broken:  # 4.
                    self._children[slot].kill()
                    self._children[slot] = self._fork_server.child()
                child = self._children[slot]
                if not child.started and not await child.start(_START_SECONDS):
                    raise ConfigurationError("CFG-023", "a detector process does not start")
                self.heartbeats += 1
                verdicts += [verdict async for verdict in self._until_broken(child, texts[before:])]  # 3.
                # A process may die for a reason of its own, so one loss proves nothing against the text.
                losses = losses + 1 if len(verdicts) == before else 0
                if losses > 1:  # the same text ended two processes in a row
                    verdicts.append(ContractError("CON-042", "the detector ended while it scanned the text"))
                    losses = 0
        return verdicts

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[int]:
        """Hold the index of one process; nobody else uses this process meanwhile."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # an asyncio.Queue belongs to one loop; a caller may use several in turn
            self._loop, self._idle = loop, asyncio.Queue()
            for slot in range(len(self._children)):
                self._idle.put_nowait(slot)
        slot = await self._idle.get()
        try:
            yield slot
        finally:
            self._idle.put_nowait(slot)

    async def _until_broken(self, child: DetectorChild, texts: Sequence[Text]) -> AsyncIterator[Verdict]:
        """Yield verdicts in order until the process breaks.

        The text that broke it has a verdict only if the time ran out; after a crash the caller tries it once more.
        """
        for batch in _batches(texts, self._rules.max_characters):
            if isinstance(batch, ContractError):
                yield batch
                continue
            await child.send(json.dumps([[t.text, t.language, dict(t.record_identifiers)] for t in batch]).encode())
            for text in batch:
                verdict = await self._verdict(child, text)
                if verdict is not None:
                    self.heartbeats += 1
                    yield verdict
                if child.broken:
                    return

    async def _verdict(self, child: DetectorChild, text: Text) -> Verdict | None:
        """Return the verdict on the text that is next to be answered, or None if the process ended before it."""
        chunks = len(text.text) / self._rules.chunk_characters
        seconds = self._rules.timeout_seconds + chunks * _SECONDS_A_CHUNK + _SLACK_SECONDS
        try:
            answer = await child.receive(seconds)
        except TimeoutError:
            child.broken = True
            return ContractError("CON-041", "the text took longer to scan than the policy allows")
        if answer is None:
            return None
        if "code" in answer:
            return ContractError(answer["code"], "the text could not be scanned")
        return tuple(Finding(*values) for values in answer["found"])


def _batches(texts: Sequence[Text], longest: int) -> Iterator[list[Text] | ContractError]:
    """Cut texts into messages of bounded size, in order.

    A text of more than `longest` characters, or with too long identifiers of its record, is a ContractError (CON-040)
    in its place: it would let one record hold a process for long.
    """
    batch: list[Text] = []
    size = 0
    for text in texts:
        known_characters = sum(map(len, text.record_identifiers.values()))
        refused = len(text.text) > longest or known_characters > _MOST_KNOWN_CHARACTERS
        text_bytes = _JSON_BYTES_A_CHARACTER * (len(text.text) + known_characters) + _JSON_BYTES_A_TEXT
        if batch and (refused or size + text_bytes > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        if refused:
            yield ContractError("CON-040", "the text is longer than the policy scans")
            continue
        batch.append(text)
        size += text_bytes
    if batch:
        yield batch
