"""Typed faults of protection: what the callers branch on, and what they hold."""

import pickle

import numpy as np
import pytest

from anonymizer.solvers.highs import Highs
from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.tabular.complementary import UnprotectableError
from anonymizer.tabular.linear_program import Program, WorkLimitError, WorkLimits, WorkMeter
from anonymizer.tabular.publication_decision import GIVES_WAY, AuditFailedError
from anonymizer.tabular.sparse_matrix import Matrix
from schemas.errors import DisclosureError


@pytest.mark.parametrize(
    ("fault", "code", "number"),
    [
        (UnprotectableError(7), "DIS-021", "target"),
        (WorkLimitError(7), "DIS-022", "programs"),
        (AuditFailedError(7), "DIS-023", "targets"),
    ],
)
def test_a_fault_of_protection_travels_between_processes_whole(fault: DisclosureError, code: str, number: str) -> None:
    """Jobs run in other processes, and their faults come back pickled, inside of a protected block."""
    copy = pickle.loads(pickle.dumps(fault))  # noqa: S301 - our own bytes
    assert type(copy) is type(fault)
    assert (copy.code, copy.message, getattr(copy, number)) == (code, fault.message, 7)
    assert "7" not in copy.message, "a message tells no figure of the protection"


def test_less_detail_helps_against_neither_a_limit_nor_a_contradiction() -> None:
    assert issubclass(UnprotectableError, GIVES_WAY)
    assert issubclass(AuditFailedError, GIVES_WAY)
    assert not issubclass(WorkLimitError, GIVES_WAY)


def test_a_meter_fails_closed_after_its_programs() -> None:
    meter = WorkMeter(Highs(), OrtoolsAuditor(), WorkLimits(programs=2))
    one = np.ones(1)
    program = Program(one, Matrix.diagonal(1, 1.0), one, one, np.zeros(1), one)
    assert [meter(program), meter.audit(program)] == [one, one]
    with pytest.raises(WorkLimitError) as given_up:
        meter.whole(program, 1.0)
    assert given_up.value.programs == 2
