"""A policy that loads can be released: every dimension that a cube may have, on nobody, a few people and everybody."""

import dataclasses

import pytest

from amana.composition.policy_trials import drawn_for_nobody
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.policy import Policy, load
from anonymizer.released_dimensions import BLOCK, TIMES, UNIVERSE, cube_dimensions
from anonymizer.tabular.linear_program import WorkLimits
from connectors.adapters.policy_store import shipped_policy
from schemas.catalogue import KINDS, PERSONAL, Kind
from schemas.errors import ConfigurationError
from streams.core.releasing.dp_release import Noise
from streams.core.releasing.policy_trial import full_universe, try_policy
from tests.support.disclosure import engine
from tests.support.noisy import NOISE
from tests.support.policies import without_noise

NOT_SHOWN = {*BLOCK, *TIMES, "country"}
SHOWN = [(kind, name) for kind in KINDS for name in sorted(cube_dimensions(kind) - NOT_SHOWN)]
CORRIDOR = '[[table]]\nname = "corridors"\npopulation = "cases"\ncube = "origin"\ngeography = "{}"\nperiod = "year"\n'
CORRIDOR += 'dimensions = ["citizenship"]\n\n# Regions'


def one_table(kind: Kind, dimension: str, mode: str = "suppression", geography: str = "region") -> Policy:
    """Return a policy with one population, one cube and one table over one dimension."""
    shipped = load(shipped_policy("suppression"))
    block = [name for name in BLOCK if name in cube_dimensions(kind)]
    unit = "person-year" if kind in PERSONAL else "aggregate"
    cube = {"name": "own", "dimensions": [*block, "country", "period", dimension]}
    document = shipped.model_dump(by_alias=True) | {
        "population": [{"name": "own", "kind": kind, "mode": mode, "unit": unit, "cubes": [cube]}],
        "table": [
            {"name": "own", "population": "own", "cube": "own", "geography": geography, "period": "year"}
            | {"dimensions": [dimension]}
        ],
        "region": [{"scheme": "levant", "name": "levant", "countries": ["JOR", "LBN"]}],
        "dp": NOISE.model_copy(update={"populations": {"own": 1.0}}).model_dump(),
        "digest": "a" * 64,
    }
    return Policy.model_validate(document)


@pytest.mark.parametrize(("kind", "dimension"), SHOWN, ids=str)
def test_every_dimension_of_a_cube_can_be_released(kind: Kind, dimension: str) -> None:
    """Sector, who decided, age bands, citizenship, recruiter and all others; withheld at most, and never an error."""
    empty, few, full = try_policy(one_table(kind, dimension), engine=engine())
    assert (empty.releases, empty.withheld) == (0, ())
    assert few.releases == 1
    assert full.releases == 1


@pytest.mark.parametrize("dimension", ["age", "decided_by", "industry", "citizenship"])
def test_a_dimension_can_be_released_with_noise(dimension: str) -> None:
    noise = Noise(OpenDP(), drawn_for_nobody)
    *_, full = try_policy(one_table("case", dimension, "dp"), engine=engine(), noise=noise)
    assert full.releases
    assert not full.withheld


def test_a_full_universe_has_somebody_for_every_code() -> None:
    policy = load(shipped_policy("suppression"))
    met: dict[str, set[str]] = {}
    for key in full_universe(policy):
        population, cube, *values = key.split("|")
        dimensions = next(
            c.dimensions for p in policy.populations if p.name == population for c in p.cubes if c.name == cube
        )
        for name, value in zip(dimensions, values, strict=True):
            met.setdefault(name, set()).add(value)
    assert all(set(UNIVERSE[name]) <= codes for name, codes in met.items() if name in UNIVERSE)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('dimensions = ["means"]', 'dimensions = ["citizenship"]', "the cube means does not count citizenship"),
        ('dimensions = ["means"]', 'dimensions = ["year"]', "year is a part of every table"),
        ('dimensions = ["means"]', 'dimensions = ["sort"]', "no code list for the dimension sort"),
        ('dimensions = ["majority", "gender"]', 'dimensions = ["gender", "gender"]', "a dimension occurs twice"),
        ('dimensions = ["majority", "gender"]', 'dimensions = ["majority", "age"]', "derived from one dimension"),
        ('period = "year"\ndimensions = ["means"]', 'period = "quarter"\ndimensions = ["means"]', "counts years alone"),
        ('cube = "means"', 'cube = "mean"', "it names no cube"),
        ('"decided_by"] }', '"decidedby"] }', "has no dimension decidedby"),
        ('"country", "year", "citizenship"', '"country", "citizenship"', "period or year, are needed"),
        ('"country", "year", "citizenship"', '"year", "citizenship"', "the dimensions country"),
        ('kind = "referral"', 'kind = "assistance"', "has no dimension service"),
        ('name = "referrals"\nkind', 'name = "cases"\nkind', "population cases occurs twice"),
        ('name = "means"\npopulation', 'name = "totals"\npopulation', "table totals occurs twice"),
        ('name = "origin"', 'name = "profile"', "cube profile occurs twice"),
        ('countries = ["IRQ", "JOR", "LBN", "TUR"]', 'countries = ["IRQ", "IRQ"]', "country IRQ occurs twice"),
        ('countries = ["IRQ", "JOR", "LBN", "TUR"]', 'countries = ["XYZ"]', "XYZ is no alpha-3 code"),
        ('name = "activities"\nkind', 'name = "a|b"\nkind', "should match pattern"),
    ],
)
def test_what_cannot_be_released_does_not_load(before: str, after: str, reason: str) -> None:
    """The reason names the table or cube; none of these reached more than the first release before."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        load(without_noise((before, after)))
    assert caught.value.code == "CFG-010"


def test_a_table_too_large_to_plan_does_not_load() -> None:
    wide = without_noise(
        ('"country", "year", "citizenship"', '"country", "year", "citizenship", "age", "industry"'),
        ("# Regions", CORRIDOR.format("country").replace('["citizenship"]', '["citizenship", "age", "industry"]')),
    )
    with pytest.raises(ConfigurationError, match="cells are more than 500000"):
        load(wide)


@pytest.mark.parametrize("geography", ["region", "country"])
def test_corridors_can_be_released(geography: str) -> None:
    """Citizenship by country of exploitation, for which the shipped policy counts a cube."""
    policy = load(without_noise(("# Regions", CORRIDOR.format(geography))))
    corridors = policy.model_copy(update={"tables": tuple(t for t in policy.tables if t.name == "corridors")})
    limited = dataclasses.replace(engine(), limits=WorkLimits(programs=50))
    _, few, full = try_policy(corridors, engine=limited)
    assert few.releases == 1
    assert full.releases == 1 or full.withheld == (("corridors", "DIS-022"),)
