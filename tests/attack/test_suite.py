"""Every attack finds what was planted for it, and nothing in what we publish."""

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest

from amana.commands.attack import tried
from anonymizer.attacks import exact, noise_attacks, pattern, records
from anonymizer.attacks.attack_result import AttackResult, report
from anonymizer.attacks.published_tables import Codes, PublishedCell, PublishedTable, read
from anonymizer.solvers.ortools_engine import ENGINES
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.standalone import protect_table
from schemas.trend import TOTAL
from tests.support.tables import RULES, engine

DIMS = ("country", "gender")
ASSISTED: dict[Codes, int] = {
    ("LBN", "F"): 85,
    ("LBN", "M"): 3,
    ("LBN", "X"): 1,
    ("JOR", "F"): 40,
    ("JOR", "M"): 22,
    ("JOR", "X"): 12,
}
K = RULES.k


def crossed(counts: Mapping[Codes, int], dims: Codes = DIMS) -> CrossTable:
    """Return a table with its whole cross."""
    return CrossTable(dims, (frozenset(dims),), counts, {})


def shown(
    name: str, table: CrossTable, values: Mapping[Codes, int | None]
) -> tuple[str, list[str], list[dict[str, str]]]:
    """Return a published table as it is read from its file."""
    rows = [
        {**dict(zip(table.dims, key, strict=True)), "value": "" if value is None else str(value)}
        for key, value in values.items()
    ]
    return name, [*table.dims, "value"], rows


def honest(*counts: Mapping[Codes, int], dims: Codes = DIMS) -> list[PublishedTable]:
    """Publish publications as we do, each beside the earlier ones."""
    history: list[CrossTable] = []
    for one in counts:
        table = crossed(one, dims)
        history.append(replace(table, values=protect_table(table, history, RULES, engine()).values))
    return read([shown(f"{i}", table, table.values or {}) for i, table in enumerate(history)], {})


def naive(*counts: Mapping[Codes, int], dims: Codes = DIMS, apart: bool = False) -> list[PublishedTable]:
    """Publish everything that is not small itself; or, `apart`, each publication protected as if alone."""
    made = []
    for i, one in enumerate(counts):
        table = crossed(one, dims)
        totals = {key: sum(n for codes, n in one.items() if _under(key, codes)) for key in table.cells}
        values = {key: None if 0 < total < K else total for key, total in totals.items()}
        made.append(shown(f"{i}", table, protect_table(table, (), RULES, engine()).values if apart else values))
    return read(made, {})


def _under(key: Codes, codes: Codes) -> bool:
    return all(one in {TOTAL, other} for one, other in zip(key, codes, strict=True))


def noised(values: Iterable[float], sd: float, name: str = "noisy") -> PublishedTable:
    """Return a noisy table of one dimension."""
    cells = tuple(PublishedCell((f"c{i}",), value, sd) for i, value in enumerate(values))
    return PublishedTable(name, ("code",), cells, {"code": tuple(cell.codes[0] for cell in cells)}, {})


def test_margins_tell_what_is_suppressed_alone() -> None:
    planted = exact.margins(naive(ASSISTED), K, ENGINES)
    sound = exact.margins(honest(ASSISTED), K, ENGINES)
    assert planted.recovered > 0
    assert (sound.recovered, sound.attacked > 0) == (0, True)


QUARTERS: dict[Codes, int] = {
    ("Q1", "F"): 30,
    ("Q1", "M"): 4,
    ("Q2", "F"): 28,
    ("Q2", "M"): 40,
    ("Q3", "F"): 19,
    ("Q3", "M"): 33,
}
TIMED = ("quarter", "gender")


def one_by_one() -> tuple[list[dict[Codes, int]], dict[Codes, int]]:
    """Return three quarters of women and men, and all of them together."""
    parts = [{codes: n for codes, n in QUARTERS.items() if codes[0] == q} for q in ("Q1", "Q2", "Q3")]
    return parts, QUARTERS


def test_history_tells_what_each_table_alone_does_not() -> None:
    """Each quarter and the whole are protected apart: together they tell the four men of the first quarter."""
    parts, whole = one_by_one()
    tables = naive(*parts, whole, dims=TIMED, apart=True)
    assert exact.margins(tables, K, ENGINES).recovered == 0
    assert exact.history(tables, K, ENGINES).recovered > 0
    sound = exact.history(honest(*parts, whole, dims=TIMED), K, ENGINES)
    assert (sound.recovered, sound.attacked > 0) == (0, True)


def test_history_knows_the_truth_in_a_self_test() -> None:
    """An interval of 0 to 5 around 3 is no recovery for an attacker, and a violation for us."""
    counts: dict[Codes, int] = {("LBN", "F"): 3, ("LBN", "M"): 2, ("JOR", "F"): 50, ("JOR", "M"): 60}
    tables = naive(counts)
    truth = {("0", codes): n for codes, n in counts.items()}
    assert exact.history(tables, K, ENGINES).recovered <= exact.history(tables, K, ENGINES, truth).recovered
    assert exact.history(tables, K, ENGINES, truth).recovered > 0
    sound = honest(counts)
    assert exact.history(sound, K, ENGINES, truth).recovered == 0


def test_revisions_tell_who_came_late() -> None:
    grown: dict[Codes, int] = ASSISTED | {("JOR", "F"): 43}
    assert exact.revisions(naive(ASSISTED, grown), K, ENGINES).recovered > 0
    sound = exact.revisions(honest(ASSISTED, grown), K, ENGINES)
    assert sound.recovered == 0


def test_whole_numbers_tell_what_fractions_leave_open() -> None:
    """One person among two cells that must be equal: half a person each is possible, half a person is nobody."""
    cells = (
        PublishedCell(("a", "x"), None),
        PublishedCell(("b", "x"), None),
        PublishedCell((TOTAL, "x"), 7.0),
        PublishedCell(("a", TOTAL), 7.0),
    )
    table = PublishedTable("t", ("d", "e"), cells, {"d": ("a", "b"), "e": ("x",)}, {})
    assert exact.integers([table], K, ENGINES).recovered == 1
    assert exact.integers(honest(ASSISTED), K, ENGINES).recovered == 0


def test_membership_is_told_where_a_leaf_must_hold_somebody() -> None:
    assert exact.membership(naive(ASSISTED), K, ENGINES).recovered > 0
    assert exact.membership(honest(ASSISTED), K, ENGINES).recovered == 0


def test_an_insider_takes_its_own_people_away() -> None:
    """All but two of forty are its own: the cell should never have been published by the insider's rule."""
    tables = honest(ASSISTED)
    assert exact.insider(tables, K, {("JOR", "F"): 72, ("LBN", "F"): 0}, ENGINES).recovered > 0
    assert exact.insider(tables, K, {("JOR", "F"): 5}, ENGINES).recovered == 0


def test_homogeneous_groups_tell_everybody_in_them() -> None:
    counts: dict[Codes, int] = {("LBN", "F"): 85, ("LBN", "M"): 0, ("JOR", "F"): 40, ("JOR", "M"): 22}
    assert records.homogeneity(naive(counts), ["gender"]).recovered == 1
    assert records.homogeneity(naive(ASSISTED | {("LBN", "M"): 30}), ["gender"]).recovered == 0


def test_unique_records_are_found() -> None:
    people = [{"age": "30--38", "sex": "F"}] * 12 + [{"age": "9--17", "sex": "M"}]
    assert records.uniqueness(people, ("age", "sex")).recovered == 1
    assert records.uniqueness(people[:12], ("age", "sex")).recovered == 0


def test_averaging_beats_noise_that_is_drawn_again() -> None:
    """A hundred draws of one count; a ledger that returns the stored draw gives nothing to average."""
    draw = random.Random(1)
    again = [noised([40 + draw.gauss(0, 3), 7 + draw.gauss(0, 3)], 3.0, f"{i}") for i in range(200)]
    stored = [again[0]] * 200
    assert noise_attacks.averaging(again).recovered == 2
    assert noise_attacks.averaging(stored).recovered == 0


def test_noise_that_hides_nobody_is_found() -> None:
    assert noise_attacks.rounding([noised([3.1, 8.9, 40.0], 0.1)]).recovered == 3
    assert noise_attacks.rounding([noised([3.1, 8.9, 40.0], 10.0)]).recovered == 0


def test_zeros_without_noise_are_found() -> None:
    draw = random.Random(2)
    sound = [draw.gauss(0, 10) for _ in range(100)]
    planted = [0.0 if i % 2 else value for i, value in enumerate(sound)]
    assert noise_attacks.untouched([noised(planted, 10.0)]).recovered == 1
    assert noise_attacks.untouched([noised([round(v) for v in sound], 10.0)]).recovered == 0


def test_plain_hashes_in_a_log_are_guessed() -> None:
    """Without the key of a keyed hash, no guess helps."""
    name = "rima haddad 1990"
    plain = f"counted {hashlib.sha256(name.encode()).hexdigest()}"
    keyed = f"counted {hashlib.sha256(b'a key' + name.encode()).hexdigest()}"
    assert records.dictionary([plain], [name, "someone else 1991"]).recovered == 1
    assert records.dictionary([keyed], [name]).recovered == 0


def blanked_by(seeds: Sequence[bytes]) -> pattern.Protect:
    """Return the rule as an attacker runs it: with seeds of his own."""

    def rule(counts: Mapping[Codes, int]) -> frozenset[Codes]:
        values = protect_table(crossed(counts), (), RULES, engine(seeds[0])).values
        return frozenset(key for key, value in values.items() if value is None)

    return rule


def test_a_pattern_that_only_one_table_has_is_read_back() -> None:
    """The planted rule blanks a cell of exactly three people, and so says that there are three."""

    def telling(counts: Mapping[Codes, int]) -> frozenset[Codes]:
        return frozenset(codes for codes, n in counts.items() if n == 3)

    leaves = {("LBN", "F"): 3, ("LBN", "M"): 20}
    cells = tuple(PublishedCell(codes, None if n == 3 else float(n)) for codes, n in leaves.items())
    total = PublishedCell((TOTAL, TOTAL), 23.0)
    table = PublishedTable("t", DIMS, (*cells, total), {"country": ("LBN",), "gender": ("F", "M")}, {})
    assert pattern.pattern(table, telling, K).recovered == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_our_patterns_are_not_read_back(seed: int) -> None:
    draw = random.Random(seed)
    counts: dict[Codes, int] = {(c, g): draw.choice((2, 5, 14, 16)) for c in ("LBN", "JOR") for g in ("F", "M")}
    (table,) = honest(counts)
    assert pattern.pattern(table, blanked_by([b"an attacker's"]), K).recovered == 0


@pytest.mark.parametrize(("persons", "complete"), [(40, True), (400, False)])
def test_a_pattern_attack_says_that_it_stopped(persons: int, *, complete: bool) -> None:
    """Beyond 200 tables it tries no more: that it recovers nothing is then no proof."""
    cells = (*(PublishedCell((country, "F"), None) for country in ("LBN", "JOR")), PublishedCell((TOTAL, "F"), persons))
    table = PublishedTable("t", DIMS, cells, {"country": ("JOR", "LBN"), "gender": ("F",)}, {})
    assert pattern.pattern(table, frozenset, K).complete is complete


def test_the_whole_suite_finds_nothing_in_what_we_publish_and_reports_no_count() -> None:
    parts, whole = one_by_one()
    results = tried(honest(*parts, whole, whole | {("Q2", "F"): 31}, dims=TIMED), K)
    assert [result for result in results if result.recovered] == []
    assert sum(result.attacked for result in results) > 30
    assert report([*results, AttackResult("planted", 4, 1)])["recovered"] == "1"
