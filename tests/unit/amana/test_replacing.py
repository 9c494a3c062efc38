"""Keys are replaced without a gap, and what is destroyed is gone and known to be gone."""

import os
from pathlib import Path

import pytest

from amana.keys import replacing
from amana.site import Site
from schemas import sealing
from schemas.errors import ConfigurationError, ContractError, IntegrityError
from schemas.opening import Opener
from schemas.record_seal import ErasedError

AGENCIES = ("police-jor",)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.create(tmp_path, agencies=AGENCIES)


def test_what_was_sealed_before_a_rotation_opens_until_the_old_key_is_destroyed(site: Site) -> None:
    home, public, place = site.path("parties"), site.path("public"), b"place"
    first = sealing.key_id_of(site.public("sealing"))
    before = sealing.Sealer(site.public("sealing"), os.urandom).seal(b"first", place)
    second = replacing.new_sealing_key(home, public)
    assert sealing.key_id_of(site.public("sealing")) == second != first
    after = sealing.Sealer(site.public("sealing"), os.urandom).seal(b"second", place)
    opener = Opener(site.party("deidentify").sealing_keys())
    assert (opener.open(first, before, place), opener.open(second, after, place)) == (b"first", b"second")

    with pytest.raises(ConfigurationError, match="CFG-275"):
        replacing.destroy_sealing_key(home, public, second)
    replacing.destroy_sealing_key(home, public, first)
    with pytest.raises(ContractError, match="CON-030"):
        Opener(site.party("deidentify").sealing_keys()).open(first, before, place)
    with pytest.raises(ConfigurationError, match="CFG-005"):
        replacing.destroy_sealing_key(home, public, first)


def test_every_party_opens_what_is_sealed_under_a_replaced_key_of_a_year(site: Site) -> None:
    writer = site.party("deidentify").seal()
    old, name = writer.seal("2024", b"old", "cells"), writer.index("2024", "cell")
    replacing.new_record_key(site.path("parties"), "2024", AGENCIES)
    new = site.party("deidentify").seal().seal("2024", b"new", "cells")
    assert old[:8] != new[:8]
    for party in ("deidentify", "counting", "release", "operator"):
        seal = site.party(party).seal()
        assert (seal.open(old, "cells"), seal.open(new, "cells")) == (b"old", b"new"), party
        assert seal.index("2024", "cell") == name, "a person's state is found as before"


def test_a_destroyed_year_is_gone_from_every_folder_and_known_to_be(site: Site) -> None:
    sealed = site.party("counting").seal().seal("2019", b"counts", "cells")
    gone = replacing.destroy_scope(site.path("parties"), "2019", AGENCIES)
    assert len(gone) == 1
    assert list(site.path("parties").rglob("2019.json")) == []
    for party in ("deidentify", "counting", "release", "operator"):
        seal = site.party(party).seal()
        with pytest.raises(ErasedError, match="INT-028"):
            seal.open(sealed, "cells")
        with pytest.raises(IntegrityError, match="INT-026"):
            seal.seal("2019", b"x", "cells")


def test_a_new_password_is_in_the_folders_of_those_who_may_have_it(site: Site) -> None:
    before = site.cluster("worker.dedupe").credential.password
    fresh = replacing.new_password(site.path("parties"), "worker.dedupe")
    assert fresh != before
    assert site.party("counting").password("worker.dedupe")["password"] == fresh
    assert site.party("operator").password("worker.dedupe")["password"] == fresh


def test_a_key_that_is_nowhere_cannot_be_replaced(site: Site) -> None:
    for act in (replacing.new_record_key, replacing.destroy_scope):
        with pytest.raises(ConfigurationError, match="CFG-005"):
            act(site.path("parties"), "1066", AGENCIES)
