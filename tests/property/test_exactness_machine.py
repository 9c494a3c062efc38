"""Counts stay exact whatever is published, and whoever dies, loses a partition, gets it back or comes too late."""

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from streams.runtime import stage
from tests.support.exactness import CONTENTS, MOVING, PLACES, Exactness, partition_of_cell


@pytest.fixture(autouse=True)
def _no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that fails ends its process: here it fails the test."""

    def fail(error: Exception, _batch: Sequence[stage.Record]) -> NoReturn:
        raise AssertionError from error

    monkeypatch.setattr(stage, "halt_on", fail)


def _settings(examples: int, **more: Any) -> settings:  # noqa: ANN401 - Hypothesis' own
    return settings(
        max_examples=examples, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck), **more
    )


def test_counts_are_exact_whoever_dies_or_comes_back() -> None:
    """Outputs acknowledged, then state, then offset: difference 0 under every schedule."""
    run_state_machine_as_test(Exactness, settings=_settings(int(os.environ.get("AMANA_SCHEDULES", "200"))))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_counts_are_exact_in_many_more_schedules() -> None:
    """The same, 5,000 schedules."""
    run_state_machine_as_test(Exactness, settings=_settings(5_000))


def test_a_state_that_was_half_made_again_is_made_to_the_end() -> None:
    """A changelog is lost, and the owner that makes it again dies after its first batch, nothing committed."""
    machine = Exactness()
    machine.publish(events=[(number, 1, "", CONTENTS[number % 2]) for number in range(MOVING)])
    machine.teardown()
    for place in PLACES:
        machine.crash(place=place, also="lose")
        machine.work(place=place, most=1, commits=False)
        machine.crash(place=place, also="")
    machine.teardown()


def _dedupe(machine: Exactness) -> None:
    for place in PLACES[:2]:
        machine.work(place=place, most=20, commits=True)


def test_a_late_write_does_not_clear_what_includes_more() -> None:
    """An owner is away and back while its write is on its way, and dies: what the other counted meanwhile stays."""
    machine = Exactness()
    place = ("aggregate", partition_of_cell(CONTENTS[0]))
    machine.publish(events=[(0, 1, "", CONTENTS[0])])
    _dedupe(machine)
    returning = machine.owners[place]
    returning.restore(1_000)
    machine.rebalance(place=place, most=20)
    machine.publish(events=[(number, 1, "", CONTENTS[0]) for number in range(1, 4)])
    _dedupe(machine)
    machine.work(place=place, most=20, commits=True)
    machine.come_back(which=0)
    returning.restore(1_000)
    returning.finish()
    machine.crash(place=place, also="")
    machine.teardown()


def test_who_comes_too_late_clears_nothing_of_the_owner_that_is_back() -> None:
    """An owner is away and back; who had its partition meanwhile ends its batch after it, and clears what it knew."""
    machine = Exactness()
    place = ("aggregate", partition_of_cell(CONTENTS[0]))
    machine.publish(events=[(0, 1, "", CONTENTS[0])])
    _dedupe(machine)
    machine.work(place=place, most=20, commits=False)
    machine.rebalance(place=place, most=20)
    machine.owners[place].restore(1_000)
    machine.owners[place].take(1)
    machine.come_back(which=0)
    machine.publish(events=[(number, 1, "", CONTENTS[0]) for number in range(1, 4)])
    _dedupe(machine)
    machine.teardown()


async def _state_first(
    handler: stage.Handler, batch: Sequence[stage.Record], state: stage.State, send: Callable[..., Awaitable[None]]
) -> None:
    result = await handler(batch, state.value_of)
    await state.write(batch[0].partition, result.writes)
    await send(result.outputs)


class StateFirst(Exactness):
    """State before outputs, the tempting order."""

    order = staticmethod(_state_first)


class LastWriter(Exactness):
    """A restore that believes whoever wrote last."""

    through = staticmethod(lambda _value: 0)


class Unfenced(Exactness):
    """A broker that takes the commits of who is the owner no more."""

    fenced = False


RARE = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    "wrong", [StateFirst, pytest.param(LastWriter, marks=RARE), pytest.param(Unfenced, marks=RARE)]
)
def test_what_must_not_be_is_found_wrong(wrong: type[Exactness]) -> None:
    """The controls: the same machine finds each of three planted faults, so it can see what it is meant to see."""
    phases = [Phase.generate]
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            wrong, settings=_settings(5_000, phases=phases, database=None, report_multiple_bugs=False)
        )
