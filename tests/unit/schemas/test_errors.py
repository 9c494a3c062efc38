"""Typed faults."""

import pickle

import pytest

from schemas.errors import (
    AmanaError,
    ConfigurationError,
    ContractError,
    DisclosureError,
    IntegrityError,
    TransportError,
)


@pytest.mark.parametrize("family", [ContractError, DisclosureError, IntegrityError, TransportError, ConfigurationError])
def test_a_fault_travels_between_processes_whole(family: type[AmanaError]) -> None:
    """A pool of processes hands its children's faults over pickled."""
    fault = pickle.loads(pickle.dumps(family("CON-004", "unknown schema", field="header")))  # noqa: S301 - our own bytes
    assert (type(fault), fault.code, fault.field, str(fault)) == (
        family,
        "CON-004",
        "header",
        "CON-004: unknown schema",
    )
