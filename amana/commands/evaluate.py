"""`amana evaluate`: the share of labelled personal data that `amana redact` masks, and of other words that it keeps.

Purpose: decide which prediction belongs to which labelled text, and how the measures are printed. The measures are
those of `anonymizer.microdata.evaluation`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- A text without a prediction counts as one in which nothing is masked, and makes the exit status 1.
- A fault in a line names the file and shows nothing of the line.
"""

import gzip
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Final, TypeVar

import pydantic
import typer

from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import EvaluationReport, Share
from connectors.adapters import local_files
from schemas.errors import ConfigurationError

__all__ = ["as_json", "documents", "evaluate", "register", "table"]

_COLUMNS: Final = ("measure", "share", "95 % interval", "count")


class Gold(pydantic.BaseModel):
    """One labelled text; its spans are `[start, end, type]` or `[start, end, type, level, entity]`, in characters."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    text: str
    spans: list[tuple[int, int, str] | tuple[int, int, str, str, str | int | None]]
    id: str | int | None = None
    lang: str | None = None


class Predicted(pydantic.BaseModel):
    """One line of `amana redact`: the masked spans of the input, in characters; a score is not used."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    spans: list[tuple[int, int, str] | tuple[int, int, str, float]]
    id: str | int | None = None
    lang: str | None = None


_Line = TypeVar("_Line", Gold, Predicted)


def register(app: typer.Typer) -> None:
    """Add `evaluate`."""
    app.command()(evaluate)


def evaluate(
    gold: Annotated[Path, typer.Argument(help="Labelled texts: JSON lines, plain or gzip (.gz).")],
    predicted: Annotated[Path, typer.Argument(help="Output of `amana redact`: JSON lines, plain or gzip (.gz).")],
    json_: Annotated[bool, typer.Option("--json", help="Print counts, shares and intervals as JSON.")] = False,  # noqa: FBT002 - an option
) -> None:
    """Measure a masking against labels; exit status 1 if a labelled text has no prediction.

    A prediction belongs to the labelled text of the same id. If the labelled texts have no ids, they are paired line by
    line if there are as many; else by line number, from 0 if any prediction has the id 0, otherwise from 1.
    """
    labelled = list(_lines(gold, Gold))
    pairs, missing = documents(labelled, list(_lines(predicted, Predicted)))
    reports = evaluation.by_language(pairs)
    print(json.dumps(as_json(reports, missing), indent=2) if json_ else table(reports))
    if missing:
        print(f"{missing} of {len(labelled)} texts have no prediction; all they hold counts as missed", file=sys.stderr)
    raise typer.Exit(1 if missing else 0)


def documents(gold: Sequence[Gold], predicted: Sequence[Predicted]) -> tuple[list[evaluation.Document], int]:
    """Return labelled texts with their predictions, and the number of texts that have none."""
    matched: list[Predicted | None]
    if all(line.id is None for line in gold) and len(gold) == len(predicted):
        matched = list(predicted)
    else:
        # Ids are compared as text: one program writes 7, the next "7".
        by_id = {str(line.id): line for line in predicted}
        first = 0 if "0" in by_id else 1
        matched = [
            by_id.get(str(line.id if line.id is not None else number)) for number, line in enumerate(gold, first)
        ]
    pairs = []
    for line, prediction in zip(gold, matched, strict=True):
        # The language that the detector chose is the fallback alone: a wrong guess must not move a text to another row.
        language = line.lang or (prediction.lang if prediction else None) or "unknown"
        spans = [(span[0], span[1]) for span in prediction.spans] if prediction else []
        mentions = [evaluation.Mention(*span) for span in line.spans]
        pairs.append(evaluation.Document(line.text, language, mentions, spans))
    return pairs, matched.count(None)


def _lines(path: Path, kind: type[_Line]) -> Iterator[_Line]:
    try:
        with _opened(path) as lines:
            for line in lines:
                if line.strip():
                    yield kind.model_validate_json(line)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-012", f"{path} cannot be read") from error
    except pydantic.ValidationError:
        # `from None`: the cause would show the line, which holds a person's text.
        raise ConfigurationError(
            "CFG-013", f"{path}: a line does not have the form that `amana evaluate` reads"
        ) from None


def _opened(path: Path) -> IO[str]:
    file = local_files.open_regular(path)
    return io.TextIOWrapper(gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file, encoding="utf-8")


def as_json(reports: Mapping[str, EvaluationReport], missing: int) -> dict[str, Any]:
    """Return the measures by language as plain values; a share is `hits`, `total`, `value` and `interval`."""
    languages = {
        language: {"documents": report.documents, "mentions": {k: _share(s) for k, s in report.mentions.items()}}
        | {name: _share(getattr(report, name)) for name in ("direct", "quasi", "precision", "kept", "clean")}
        for language, report in reports.items()
    }
    return {"missing": missing, "languages": languages}


def _share(share: Share) -> dict[str, Any]:
    return {"hits": share.hits, "total": share.total, "value": share.value, "interval": share.interval}


def table(reports: Mapping[str, EvaluationReport]) -> str:
    """Return the measures as aligned columns, one block per language; a measure of nothing is left out."""
    blocks = []
    for language, report in reports.items():
        rows = [_COLUMNS, *(_row(name, share) for name, share in _named(report) if share.total)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        blocks.append("\n".join([f"{language}: {report.documents} texts", *lines]))
    return "\n\n".join(blocks)


def _named(report: EvaluationReport) -> list[tuple[str, Share]]:
    """Return the measures under the names of the table: all mentions first, then by type, then the rest."""
    kinds = sorted(report.mentions, key=lambda kind: (kind != "all", kind))
    return [
        *((f"mentions masked: {kind}", report.mentions[kind]) for kind in kinds),
        ("direct entities masked", report.direct),
        ("quasi entities masked", report.quasi),
        ("masked words that need it", report.precision),
        ("other words kept", report.kept),
        ("texts that leak nothing", report.clean),
    ]


def _row(name: str, share: Share) -> tuple[str, str, str, str]:
    low, high = share.interval or (0.0, 1.0)
    return name, f"{share.value or 0:.4f}", f"{low:.4f} to {high:.4f}", f"{share.hits:,} of {share.total:,}"
