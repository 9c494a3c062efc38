"""`amana redact`: the de-identifier of the stream for texts in files: JSON lines in, JSON lines out.

Purpose: the form of lines, the order of answers and the exit status. Detection and replacement are those of the stage,
in the same killable processes.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- A refused text is never written, masked or not; exit status 0 if every text was scanned, else 1.
- Answers follow their lines at once, so that a program may talk to it through a pipe.
"""

import asyncio
import contextlib
import json
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, TextIO

import pydantic
import pydantic_core
import typer

from anonymizer import policy as policies
from anonymizer.detection import presidio
from anonymizer.microdata import receipt, redaction, replacement, text_dates
from anonymizer.names import recogniser as names
from anonymizer.sandbox import detector_pool
from connectors.adapters import local_files
from connectors.offline import json_lines
from schemas import json_objects
from schemas.errors import ConfigurationError, ContractError

__all__ = ["redact", "register"]

_BATCH_LINES: Final = 256
_LEAST_CLEAR: Final = 1e-9  # a policy allows no name threshold of 0
_LINE_ENDS: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}

ShowProgress = Callable[[int, int], None]
"""Shows the number of lines that are done, and how many of them were refused."""


class TextLine(pydantic.BaseModel):
    """One line of input; other fields are ignored, and no error shows a value."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    # The range of a 64-bit integer: larger ones do not survive other programs' JSON.
    id: pydantic.StrictStr | Annotated[pydantic.StrictInt, pydantic.Field(ge=-(1 << 63), lt=1 << 63)]
    text: pydantic.StrictStr
    lang: str | None = None
    known: Mapping[str, str | int | None] = {}

    @property
    def identities(self) -> dict[str, str]:
        """Return the identifiers that the record itself gives, those that have a value."""
        return {name: str(value) for name, value in self.known.items() if value not in {None, ""}}


def register(app: typer.Typer) -> None:
    """Add `redact`."""
    app.command()(redact)


def redact(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if absent.", show_default=False)
    ] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="Policy file; else the shipped policy.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", min=0, max=1, help="Lowest score that is masked, for every type; else the policy's."
        ),
    ] = None,
    receipts: Annotated[
        Path | None,
        typer.Option("--receipts", help="File for one receipt per answer: counts and hashes, no text."),
    ] = None,
) -> None:
    """Mask personal data in texts: {"id","text","lang"?,"known"?} to {"id","lang","text","spans"}."""
    chosen = _policy(policy)
    rules = chosen.text
    if threshold is not None:
        # The threshold of names counts the other way round: a word is masked if it is less surely harmless than this.
        least_clear = max(1 - threshold, _LEAST_CLEAR)
        by_language = rules.names.model_copy(update=dict.fromkeys(rules.names.model_dump(), least_clear))
        rules = rules.model_copy(update={"score_threshold": threshold, "names": by_language})
    with _source(file) as source, _receipts(receipts) as kept, detector_pool.DetectorPool(rules) as detector:
        run = _Run(rules, detector, threshold or 0.0, receipt.Origin(chosen.digest, names.hashes()), kept)
        with _progress() as show_progress:
            asyncio.run(run.answer_all(json_lines.batches(source, _BATCH_LINES), show_progress))
    raise typer.Exit(1 if run.refused else 0)


def _policy(path: Path | None) -> policies.Policy:
    try:
        shipped = resources.files("anonymizer").joinpath("policies", "default.toml")
        text = local_files.read_text(path) if path else shipped.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-011", "the policy file cannot be read") from error
    return policies.load(text)


def _source(file: Path | None) -> BinaryIO:
    # Python sets sys.stdin to None if the process was started with it closed, as some schedulers do.
    if file is None and sys.stdin is None:
        raise ConfigurationError("CFG-012", "standard input is closed")
    try:
        return local_files.open_regular(file) if file else sys.stdin.buffer
    except OSError as error:
        raise ConfigurationError("CFG-012", f"{file} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def _receipts(path: Path | None) -> Iterator[TextIO | None]:
    """Open the file of receipts, if one is named."""
    if path is None:
        yield None
        return
    try:
        local_files.write_regular(path, "")
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("CFG-254", f"{path} cannot be written: {error.strerror}") from error
    with file:
        yield file


@contextlib.contextmanager
def _progress() -> Iterator[ShowProgress]:
    """Yield a function that shows the progress on a terminal, and nothing elsewhere."""
    # Answers on the same terminal would run through the line of progress.
    watched = sys.stderr.isatty() and not sys.stdout.isatty()

    def _show(done: int, refused: int) -> None:
        if watched:
            print(f"\r{done:,} lines, {refused:,} refused", end="", file=sys.stderr, flush=True)

    yield _show
    if watched:
        print(file=sys.stderr)


@dataclass(slots=True)
class _Run:
    """One run of the command.

    Args:
        rules: the text rules of the policy.
        detector: the pool of detector processes.
        least: lowest score that is masked.
        origin: digests of policy and models, for the receipts.
        receipts: open file for receipts, None for none.
        done: lines answered or refused so far.
        refused: lines refused so far.
        key: secret from which the shift of dates in each text is derived.
    """

    rules: policies.TextRules
    detector: detector_pool.DetectorPool
    least: float
    origin: receipt.Origin
    receipts: TextIO | None
    done: int = 0
    refused: int = 0
    # Drawn anew for every run, so dates move by other numbers of days: nobody outside the stream holds its key.
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    async def answer_all(self, batches: Iterable[Sequence[json_lines.Numbered]], show_progress: ShowProgress) -> None:
        """Answer every line, batch by batch, and flush the answers after each batch."""
        for batch in batches:
            await self._answer(batch)
            sys.stdout.buffer.flush()
            show_progress(self.done, self.refused)

    async def _answer(self, batch: Sequence[json_lines.Numbered]) -> None:
        lines = [(number, _parsed(content)) for number, content in batch]
        good = [line for _, line in lines if isinstance(line, TextLine)]
        # The whole batch at once, so that every detector process has work.
        verdicts = iter(await self.detector.detect([redaction.Text(x.text, x.lang, x.identities) for x in good]))
        # Answers in the order of the lines; a broken line has no verdict of its own.
        for number, line in lines:
            self.done += 1
            verdict = next(verdicts) if isinstance(line, TextLine) else line
            if isinstance(line, ContractError) or isinstance(verdict, ContractError):
                self.refused += 1
                print(f"line {number}: {verdict}", file=sys.stderr)
            else:
                united = redaction.united(finding for finding in verdict if finding.score >= self.least)
                answer = json.dumps(self._masked(line, united), ensure_ascii=False)
                # JSON allows these characters in a string, but many readers take them for the end of a line.
                sys.stdout.buffer.write(answer.translate(_LINE_ENDS).encode() + b"\n")
                if self.receipts is not None:
                    types = dict(Counter(finding.type for finding in united))
                    done = receipt.Receipt({"text.mask": 1}, types, self.origin)
                    self.receipts.write(json.dumps({"id": line.id, **asdict(done)}) + "\n")

    def _masked(self, line: TextLine, united: tuple[redaction.Finding, ...]) -> dict[str, Any]:
        own = replacement.RecordContext(
            text_dates.days_of(self.key, str(line.id)), identifiers=set(line.identities.values())
        )
        return {
            "id": line.id,
            "lang": presidio.language_of(line.text, line.lang),
            "text": replacement.replaced(line.text, united, self.rules.replace, own),
            "spans": [[f.start, f.end, f.type, f.score] for f in united],
        }


def _parsed(content: bytes | None) -> TextLine | ContractError:
    """Return a line as a value, or the fault for which it is refused."""
    if content is None:
        return ContractError("CON-040", "the line is longer than any text that the policy scans")
    try:
        json_objects.loads(content)  # refuses a key that occurs twice: another reader may take the other value
        line = TextLine.model_validate_json(content)
        line.model_dump_json()  # refuses half a surrogate pair, which no answer could be written with
    except (ValueError, RecursionError, pydantic_core.PydanticSerializationError):
        return ContractError("CON-043", "the line is not a JSON object with id and text")
    return line
