"""A pool of detector processes that may hang, crash or run out of memory without harm to any other text.

Decides that a text either has findings or has failed: it never passes because something went wrong. Does not detect:
see `detector`. A process that failed a text is killed and replaced; the texts behind it go to its successor.
"""

import asyncio
import concurrent.futures
import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from anonymizer.engines import presidio
from anonymizer.microdata.redact import Finding, Text, Verdict
from anonymizer.policy import TextRules
from schemas.errors import ConfigurationError, ContractError

__all__ = ["Pool"]

_START_SECONDS: Final = 120.0
_SLACK_SECONDS: Final = 0.5
_ADDRESS_SPACE: Final = 2 << 30
_BATCH_BYTES: Final = 48 << 10  # below a socket's buffer, so that a process that hangs cannot hang its parent
_LONGEST_KNOWN: Final = 4096
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class Pool:
    """`size` detector processes of one policy's text rules; use as a context manager, or `close` it.

    Raises:
        ConfigurationError: CFG-020, an entity without a recogniser; CFG-023, the detector does not start.
    """

    def __init__(
        self, rules: TextRules, size: int = 2, *, address_space_bytes: int = _ADDRESS_SPACE, module: str | None = None
    ) -> None:
        presidio.refuse_unserved(rules)
        self._rules = rules
        self._setup = json.dumps({"rules": rules.model_dump(), "address_space_bytes": address_space_bytes}).encode()
        self._module = module or "anonymizer.engines.detector"
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._threads = concurrent.futures.ThreadPoolExecutor(size, thread_name_prefix="detector")
        self._size = size
        started = [_Process(self._module, self._setup) for _ in range(size)]
        for process in started:
            process.ready()
            self._idle.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Scan texts in all processes at once; the verdicts stand in the order of the texts."""
        loop = asyncio.get_running_loop()
        step = max(1, -(-len(texts) // self._size))
        shares = [texts[start : start + step] for start in range(0, len(texts), step)]
        done = await asyncio.gather(*(loop.run_in_executor(self._threads, self.scan, share) for share in shares))
        return [verdict for share in done for verdict in share]

    def scan(self, texts: Sequence[Text]) -> list[Verdict]:
        """Scan texts in one process, replacing it as often as it fails; blocks.

        Raises:
            ConfigurationError: CFG-023, a successor does not start.
        """
        verdicts: list[Verdict] = []
        losses = 0
        process = self._idle.get()
        try:
            while len(verdicts) < len(texts):
                before = len(verdicts)
                verdicts.extend(self._until_broken(process, texts[before:]))
                if not process.broken:
                    continue
                process = self._replaced(process)
                losses = losses + 1 if len(verdicts) == before else 0
                if losses > 1:  # the same text ended two processes in a row
                    verdicts.append(ContractError("CON-042", "the detector ended while it scanned the text"))
                    losses = 0
        finally:
            self._idle.put(process)
        return verdicts

    def _until_broken(self, process: "_Process", texts: Sequence[Text]) -> Iterator[Verdict]:
        """Yield verdicts in order until the process breaks; the text that broke it has one only if time ran out."""
        for batch in _batches(texts, self._rules.max_characters):
            if isinstance(batch, ContractError):
                yield batch
                continue
            process.send(batch)
            for _ in batch:
                verdict = process.verdict(self._rules.timeout_seconds + _SLACK_SECONDS)
                if verdict is not None:
                    yield verdict
                if process.broken:
                    return

    def _replaced(self, process: "_Process") -> "_Process":
        process.kill()
        successor = _Process(self._module, self._setup)
        successor.ready()
        return successor

    def close(self) -> None:
        """End every process."""
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().kill()


class _Process:
    """One detector process and the connection to it."""

    def __init__(self, module: str, setup: bytes) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment |= {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback of it could hold a text
                env=environment,
            )
        self._connection = Connection(ours.detach())
        self.broken = False
        self._send(setup)

    def _send(self, data: bytes) -> None:
        try:
            self._connection.send_bytes(data)
        except OSError:
            self.broken = True

    def ready(self) -> None:
        """Wait until it has loaded its recognisers."""
        with contextlib.suppress(TimeoutError):
            if self._received(_START_SECONDS) is not None:
                return
        self.kill()
        raise ConfigurationError("CFG-023", "the detector process does not start")

    def send(self, batch: Sequence[Text]) -> None:
        """Hand a batch over."""
        self._send(json.dumps([[t.text, t.language, dict(t.known)] for t in batch]).encode())

    def verdict(self, seconds: float) -> Verdict | None:
        """Return the verdict on the next text, None where the process ended before it had one."""
        try:
            answer = self._received(seconds)
        except TimeoutError:
            self.broken = True
            return ContractError("CON-041", "the text took longer to scan than the policy allows")
        if answer is None:
            self.broken = True
            return None
        if "code" in answer:
            return ContractError(answer["code"], "the text could not be scanned")
        return tuple(Finding(*found) for found in answer["found"])

    def _received(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, None where the process is gone."""
        try:
            if not self._connection.poll(seconds):
                raise TimeoutError
            message: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError, ValueError):
            return None
        return message

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        self._connection.close()


def _batches(texts: Sequence[Text], longest: int) -> Iterator[list[Text] | ContractError]:
    """Cut texts into messages of bounded size; a text that is too long, or whose identifiers are, fails at once."""
    batch: list[Text] = []
    size = 0
    for text in texts:
        if len(text.text) > longest or sum(map(len, text.known.values())) > _LONGEST_KNOWN:
            if batch:
                yield batch
            yield ContractError("CON-040", "the text is longer than the policy scans")
            batch, size = [], 0
            continue
        weight = 6 * (len(text.text) + sum(map(len, text.known.values()))) + 64
        if batch and size + weight > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += weight
    if batch:
        yield batch
