"""`amana redact`: the de-identifier of the stream, offline: JSON lines in, JSON lines out.

Decides the form of lines and the exit status: 0 if every text was scanned, 1 if one was refused. Detects as the stage
does, in the same killable processes; a refused text is never written, masked or not.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import pydantic
import typer

from anonymizer import policy as policies
from anonymizer.engines import pool, presidio
from anonymizer.microdata import redact as redaction
from schemas.errors import ConfigurationError, ContractError

__all__ = ["redact", "register"]

_AT_ONCE = 256


class Line(pydantic.BaseModel):
    """One line of input."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str | int
    text: str
    lang: str | None = None
    known: dict[str, str] = {}


def register(app: typer.Typer) -> None:
    """Add `redact`."""
    app.command()(redact)


def redact(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if absent.", show_default=False)
    ] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="Policy file; else the shipped one.")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", min=0, max=1, help="Least score kept.")] = None,
) -> None:
    """Mask personal data in texts: {"id","text","lang"?,"known"?} to {"id","lang","text","spans"}."""
    rules = _rules(policy, threshold)
    with _lines(file) as lines, pool.Pool(rules) as detector:
        refused = asyncio.run(_answer_all(lines, detector))
    raise typer.Exit(1 if refused else 0)


async def _answer_all(lines: Iterable[str], detector: pool.Pool) -> int:
    return sum([await _answer(batch, detector) for batch in _batches(enumerate(lines, 1))])


def _rules(path: Path | None, threshold: float | None) -> policies.TextRules:
    try:
        shipped = resources.files("anonymizer").joinpath("policies", "default.toml")
        text = (path or shipped).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-011", "the policy file cannot be read") from error
    rules = policies.load(text).text
    return rules if threshold is None else rules.model_copy(update={"score_threshold": threshold})


def _lines(file: Path | None) -> Any:  # noqa: ANN401 - a text stream, opened or standard
    try:
        return file.open(encoding="utf-8", errors="surrogateescape") if file else sys.stdin
    except OSError as error:
        raise ConfigurationError("CFG-012", f"{file} cannot be read: {error.strerror}") from error


def _batches(lines: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    numbered = iter(lines)
    while batch := list(itertools.islice(numbered, _AT_ONCE)):
        yield batch


async def _answer(batch: list[tuple[int, str]], detector: pool.Pool) -> int:
    """Print the answers to a batch and return how many lines were refused."""
    parsed = [(number, _parsed(text)) for number, text in batch if text.strip()]
    good = [line for _, line in parsed if line is not None]
    verdicts = iter(await detector.detect([redaction.Text(x.text, x.lang, x.known) for x in good]))
    refused = 0
    for number, line in parsed:
        verdict = ContractError("CON-043", "not a JSON object with id and text") if line is None else next(verdicts)
        if line is None or isinstance(verdict, ContractError):
            refused += 1
            print(f"line {number}: {verdict}", file=sys.stderr)
        else:
            print(json.dumps(_masked(line, verdict), ensure_ascii=False))
    return refused


def _parsed(text: str) -> Line | None:
    try:
        line = Line.model_validate_json(text.encode("utf-8"))
        line.text.encode()
    except (pydantic.ValidationError, UnicodeEncodeError):
        return None
    return line


def _masked(line: Line, found: tuple[redaction.Finding, ...]) -> dict[str, Any]:
    united = redaction.united(found)
    return {
        "id": line.id,
        "lang": presidio.language_of(line.text, line.lang),
        "text": redaction.mask(line.text, united),
        "spans": [[f.start, f.end, f.type, f.score] for f in united],
    }
