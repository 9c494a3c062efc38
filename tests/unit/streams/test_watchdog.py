"""The watchdog ends what stands still, and leaves what gets on within a long batch."""

from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from faust.types import TP

from streams.runtime import stage, watchdog

ONE = TP("raw.police-jor.case", 0)
APP: Any = SimpleNamespace(in_recovery=False, consumer=SimpleNamespace(highwater=lambda _: 10))
CHANGELOG, EMPTY = TP("state.deidentify", 0), TP("state.deidentify", 1)
PATIENCE_SECONDS = 0.12


class _EndedError(Exception):
    """The process would be gone."""


class _EnoughError(Exception):
    """It was looked at for long enough."""


def _heartbeats(changing: bool) -> Any:  # noqa: ANN401, FBT001 - a callable that ends the endless loop
    looks = iter(range(60))

    def heartbeats() -> int:
        number = next(looks, None)
        if number is None:
            raise _EnoughError
        return number if changing else 0

    return heartbeats


@pytest.mark.parametrize(("changing", "end"), [(False, _EndedError), (True, _EnoughError)])
def test_a_partition_that_stands_still_ends_the_process_unless_the_batch_gets_on(
    monkeypatch: pytest.MonkeyPatch,
    changing: bool,  # noqa: FBT001 - a case of the table
    end: type[Exception],
) -> None:
    """Five times the patience with heartbeats; without any the process is ended."""

    def halt(*line: object) -> NoReturn:
        assert line == ("INT-023", "raw.police-jor.case", 0, 3)
        raise _EndedError

    monkeypatch.setattr(stage, "halt", halt)
    with pytest.raises(end):
        watchdog._watch(APP, lambda: {ONE: 3}, PATIENCE_SECONDS, _heartbeats(changing))


@pytest.mark.parametrize(("last", "end"), [(7, _EndedError), (3, _EnoughError), (None, _EnoughError)])
def test_a_restore_that_stands_still_ends_the_process_unless_it_is_done(
    monkeypatch: pytest.MonkeyPatch, last: int | None, end: type[Exception]
) -> None:
    """Whatever the sources have meanwhile; a changelog whose end is not known yet is no reason."""

    def halt(*line: object) -> NoReturn:
        assert line == ("INT-023", "state.deidentify", 0, 3)
        raise _EndedError

    recovery = SimpleNamespace(
        active_offsets={CHANGELOG: 3, EMPTY: None}, active_highwaters={CHANGELOG: last, EMPTY: -1}
    )
    app: Any = SimpleNamespace(**vars(APP) | {"in_recovery": True, "tables": SimpleNamespace(recovery=recovery)})
    monkeypatch.setattr(stage, "halt", halt)
    with pytest.raises(end):
        watchdog._watch(app, lambda: {ONE: 3}, PATIENCE_SECONDS, _heartbeats(False))
