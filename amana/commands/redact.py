"""`amana redact`: the de-identifier of the stream, offline: JSON lines in, JSON lines out.

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
from connectors.offline import json_lines
from schemas.errors import ConfigurationError, ContractError

__all__ = ["redact", "register"]

_AT_ONCE: Final = 256
_LEAST: Final = 1e-9
_LINE_ENDS: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}

Tell = Callable[[int, int], None]
"""Says how many lines are done and how many of them were refused."""


class TextLine(pydantic.BaseModel):
    """One line of input; what else it holds is left out."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: pydantic.StrictStr | Annotated[pydantic.StrictInt, pydantic.Field(ge=-(1 << 63), lt=1 << 63)]
    text: pydantic.StrictStr
    lang: str | None = None
    known: Mapping[str, str | int | None] = {}

    @property
    def identities(self) -> dict[str, str]:
        """The record's own identifiers, those that have a value."""
        return {name: str(value) for name, value in self.known.items() if value not in {None, ""}}


def register(app: typer.Typer) -> None:
    """Add `redact`."""
    app.command()(redact)


def redact(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if absent.", show_default=False)
    ] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="Policy file; else the shipped one.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, max=1, help="Least score kept, of every type; else the policy's."),
    ] = None,
    receipts: Annotated[
        typer.FileTextWrite | None,
        typer.Option("--receipts", help="File for one receipt per answer: counts and hashes, no text."),
    ] = None,
) -> None:
    """Mask personal data in texts: {"id","text","lang"?,"known"?} to {"id","lang","text","spans"}."""
    whole = _policy(policy)
    rules = _text_rules(whole.text, threshold)
    with _source(file) as source, detector_pool.DetectorPool(rules) as detector:
        run = _Run(rules, detector, threshold or 0.0, receipt.Origin(whole.digest, names.hashes()), receipts)
        with _progress() as tell:
            asyncio.run(run.answer_all(json_lines.batches(source, _AT_ONCE), tell))
    raise typer.Exit(1 if run.refused else 0)


def _policy(path: Path | None) -> policies.Policy:
    try:
        shipped = resources.files("anonymizer").joinpath("policies", "default.toml")
        text = (path or shipped).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-011", "the policy file cannot be read") from error
    return policies.load(text)


def _text_rules(rules: policies.TextRules, threshold: float | None) -> policies.TextRules:
    """Return the text rules; a threshold takes the place of the patterns' and of the names'."""
    if threshold is None:
        return rules
    least = rules.names.model_copy(update=dict.fromkeys(rules.names.model_dump(), max(1 - threshold, _LEAST)))
    return rules.model_copy(update={"score_threshold": threshold, "names": least})


def _source(file: Path | None) -> BinaryIO:
    if file is None and sys.stdin is None:
        raise ConfigurationError("CFG-012", "standard input is closed")
    try:
        return file.open("rb") if file else sys.stdin.buffer
    except OSError as error:
        raise ConfigurationError("CFG-012", f"{file} cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def _progress() -> Iterator[Tell]:
    """Tell a person how far it is, where one watches and no answers run through the picture."""
    watched = sys.stderr.isatty() and not sys.stdout.isatty()

    def tell(done: int, refused: int) -> None:
        if watched:
            print(f"\r{done:,} lines, {refused:,} refused", end="", file=sys.stderr, flush=True)

    yield tell
    if watched:
        print(file=sys.stderr)


@dataclass(slots=True)
class _Run:
    """One run: its rules, its detector, the least score kept, where receipts go, and what has been done so far."""

    rules: policies.TextRules
    detector: detector_pool.DetectorPool
    least: float
    origin: receipt.Origin
    receipts: TextIO | None
    done: int = 0
    refused: int = 0
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Dates are shifted by other numbers of days in every run: nobody outside the stream holds the stream's key."""

    async def answer_all(
        self, batches: Iterable[Sequence[json_lines.Numbered]], tell: Callable[[int, int], None]
    ) -> None:
        """Answer every line, batch by batch."""
        for batch in batches:
            await self._answer(batch)
            sys.stdout.buffer.flush()
            tell(self.done, self.refused)

    async def _answer(self, batch: Sequence[json_lines.Numbered]) -> None:
        lines = [(number, _parsed(content)) for number, content in batch]
        good = [line for _, line in lines if isinstance(line, TextLine)]
        verdicts = iter(await self.detector.detect([redaction.Text(x.text, x.lang, x.identities) for x in good]))
        for number, line in lines:
            self.done += 1
            verdict = next(verdicts) if isinstance(line, TextLine) else line
            if isinstance(line, ContractError) or isinstance(verdict, ContractError):
                self.refused += 1
                print(f"line {number}: {verdict}", file=sys.stderr)
            else:
                united = redaction.united(finding for finding in verdict if finding.score >= self.least)
                sys.stdout.buffer.write(_spelt(self._masked(line, united)))
                self._receipt(line, united)

    def _receipt(self, line: TextLine, united: tuple[redaction.Finding, ...]) -> None:
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


def _spelt(answer: Mapping[str, Any]) -> bytes:
    """Write an answer as one line, whatever its reader takes for the end of one."""
    return json.dumps(answer, ensure_ascii=False).translate(_LINE_ENDS).encode() + b"\n"


def _parsed(content: bytes | None) -> TextLine | ContractError:
    """Read a line; whatever cannot be written as UTF-8, such as half a surrogate pair, makes it a broken one."""
    if content is None:
        return ContractError("CON-040", "longer than any text that the policy scans")
    try:
        line = TextLine.model_validate_json(content)
        line.model_dump_json()
    except (pydantic.ValidationError, pydantic_core.PydanticSerializationError):
        return ContractError("CON-043", "not a JSON object with id and text")
    return line
