"""Records as agencies send them: a hundred words in one of three languages, an identifier in every third."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from tests.support.narratives import narratives

__all__ = ["WORDS", "corpus", "generated"]

WORDS = 100
_EVERY = 3
_LANGUAGES = ("en", "fr", "ar")
_CORPORA = ("ar-anercorp-train", "ar-aqmar-14", "en-re3d-open", "en-tab-train", "en-wikigold", "fr-echr-90")


def generated(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield (text, language), the same for the same seed; every third text has one invented identifier."""
    plain, planted = _pools(2 * count + 200, seed)
    for number in range(count):
        language = _LANGUAGES[number // _EVERY % len(_LANGUAGES)]
        source = planted if number % _EVERY == 0 else plain
        words = next(source[language]).split(" ")
        while len(words) < WORDS:
            words += next(plain[language]).split(" ")
        yield " ".join(words[:WORDS]), language


def corpus(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    """Yield (text, language) of `count` runs of a hundred words, spread evenly over the corpora of a folder."""
    runs = [run for name in _CORPORA for run in _runs(folder / f"{name}.jsonl.gz", name[:2])]
    step = max(1, len(runs) // count)
    yield from runs[::step][:count]


def _pools(count: int, seed: int) -> tuple[dict[str, Iterator[str]], dict[str, Iterator[str]]]:
    """Return endless texts by language, with no identifier and with one."""
    plain: defaultdict[str, list[str]] = defaultdict(list)
    planted: defaultdict[str, list[str]] = defaultdict(list)
    for told in narratives(count, seed):
        if len(told.planted) < 2:
            (planted if told.planted else plain)[told.language].append(told.text)
    return {key: cycle(texts) for key, texts in plain.items()}, {key: cycle(texts) for key, texts in planted.items()}


def _runs(path: Path, language: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a file joined and cut anew, so that short sentences make whole records, too."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        words = [word for line in lines for word in json.loads(line)["text"].split(" ")]
    for start in range(0, len(words) - WORDS, WORDS):
        yield " ".join(words[start : start + WORDS]), language
