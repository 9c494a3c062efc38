"""Finding personal data: ours against Presidio as its guide has it used, on one core, in processor time.

Both read the same records of a hundred words in three languages, a third of which hold an identifier. For the patterns
both have the same recognisers and the same findings; ours is the whole way of a text, with normalisation and language.
With names, where the shipped policy asks for them, ours is the whole analyzer and Presidio's has a spaCy CNN.
"""

import time
from collections.abc import Callable, Sequence

from anonymizer.detection import presidio
from anonymizer.microdata.normalise import normalise
from anonymizer.names import spans
from anonymizer.policy import TextRules
from tests.bench import cnn
from tests.support import records
from tests.support.raw_events import shipped

RECORDS = 1_500
PLAIN = 300
"""Records of the naive run: its rate is constant."""

RUNS = 3
PATTERNS = (
    "PHONE_NUMBER", "EMAIL_ADDRESS", "IBAN_CODE", "DATE_TIME", "URL", "IP_ADDRESS", "CREDIT_CARD", "CASE_NUMBER",
    "NATIONAL_ID", "PASSPORT",
)  # fmt: skip
_ASKED = frozenset(spans.ENTITIES)

Record = tuple[str, str]


def measure() -> dict[str, float]:
    """Return the ratios of the least times a record."""
    texts = list(records.generated(RECORDS, seed=31))
    analyzer = presidio.Analyzer(shipped(entities=PATTERNS).text)
    analyzer.warm()
    normal = [(normalise(text).text, language) for text, language in texts[:PLAIN]]
    if [analyzer.values_by_prefilter(*one) for one in normal] != [analyzer.values_by_presidio(*one) for one in normal]:
        raise AssertionError("the findings differ")
    ours, naive = _least(analyzer.findings, texts), _least(analyzer.values_by_presidio, normal)
    print(f"detection: ours {ours * 1e3:.3f} ms a record, naive Presidio {naive * 1e3:.3f} ms", flush=True)
    ratios = {"detection/presidio-patterns": naive / ours}
    shipped_rules = shipped().text
    return ratios | _with_names(shipped_rules, texts) if _ASKED.intersection(shipped_rules.entities) else ratios


def _with_names(rules: TextRules, texts: Sequence[Record]) -> dict[str, float]:
    analyzer = presidio.Analyzer(rules)
    analyzer.warm()
    patterns = presidio.Analyzer(shipped(entities=PATTERNS).text)
    engine = cnn.engine([one for made in patterns._recognisers.values() for one in made])
    normal = [(normalise(text).text, language) for text, language in texts[:PLAIN]]
    ours, naive = _least(analyzer.findings, texts), _least(engine.analyze, normal)
    print(f"detection with names: ours {ours * 1e3:.3f} ms a record, naive Presidio {naive * 1e3:.3f} ms", flush=True)
    return {"detection/presidio-spacy": naive / ours}


def _least(find: Callable[[str, str], object], texts: Sequence[Record]) -> float:
    """Return the seconds a text of the quickest of some runs."""
    return min(_once(find, texts) for _ in range(RUNS)) / len(texts)


def _once(find: Callable[[str, str], object], texts: Sequence[Record]) -> float:
    began = time.process_time()
    for text, language in texts:
        find(text, language)
    return time.process_time() - began
