"""Time to protect and audit one year of cases of CTDC's shape; prints, does not decide."""

import datetime as dt
import random
import time

from anonymizer import policy
from connectors.adapters.policy_store import shipped_policy
from schemas.codelists import labels
from streams.core.releasing.release_decision import Publish
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import engine

COUNTRIES = ("LBN", "JOR", "IRQ", "TUR", "EGY", "KWT", "SAU", "SYR", "ARE", "QAT", "AFG", "IRN", "PAK", "YEM", "SDN")


def a_year_of_cases(people: int, seed: int) -> dict[str, dict[str, int]]:
    """Draw people with skewed countries, mostly women, some codes missing."""
    draw = random.Random(seed)
    means = list(labels("vic_MethodsOfControl"))
    weights = [1 / (i + 1) for i in range(len(COUNTRIES))]
    cells: dict[str, dict[str, int]] = {}
    for _ in range(people):
        head = f"TIP|confirmed|{draw.choices(COUNTRIES, weights)[0]}"
        gender = draw.choices(("F", "M", "X", "unknown"), (60, 35, 1, 4))[0]
        age = draw.choice(("9--17", "18--20", "30--38", "unknown"))
        form = draw.choices(("ForcedLabour", "SexualExploitation", "ForcedBegging", "unknown"), (50, 30, 10, 10))[0]
        control = "+".join(sorted(draw.sample(means, draw.randint(0, 3)))) or "unknown"
        agency = f"agency-{draw.randint(1, 6)}"
        profile = f"cases|profile|{head}|2023-{draw.randint(1, 12):02}|{gender}|{age}|{form}"
        for key in (profile, f"cases|means|{head}|2023|{control}"):
            by = cells.setdefault(key, {})
            by[agency] = by.get(agency, 0) + 1
    return cells


def test_a_year_of_cases_prints_its_time() -> None:
    rules = policy.load(shipped_policy("suppression"))
    cells = a_year_of_cases(2_000, seed=1)
    began = time.process_time()
    outcomes = plan(cells, dt.date(2025, 6, 1), (), rules, engine=engine())
    seconds = time.process_time() - began
    rows = [row for outcome in outcomes for feed in outcome.feeds.values() for row in feed]
    told = sum(1 for row in rows if row.status == "published" and row.value)
    print(f"\nrelease of one year: {seconds:.1f} s of CPU, {len(rows)} rows, {told} published above zero")
    assert all(isinstance(outcome, Publish) for outcome in outcomes)
