"""A secret reaches the party that it is for, and whoever carries it can neither open nor replace it."""

import concurrent.futures
import functools
import json
import shutil
from pathlib import Path

import pytest

from amana.keys import exchange, making, parties
from amana.keys.exchange import PartyId
from schemas.errors import ConfigurationError
from streams.broker import access

GIVER, TAKER, CARRIER = (PartyId("agency", name) for name in ("shelter-lbn", "police-jor", "carrier-xxx"))


class Machines:
    """Three agencies on machines of their own, and the public folder that is carried between them."""

    def __init__(self, folder: Path) -> None:
        self.public = folder / "public"
        self.homes = {member: folder / f"home-{member.agency}" for member in (GIVER, TAKER, CARRIER)}
        for member, home in self.homes.items():
            making.begin(home, self.public, *member, making.Members((), 2027))
        self.person_key = "ab" * 32
        making.replace(GIVER.folder(self.homes[GIVER]).path / "person.key", self.person_key, mode=0o600)
        self.said = {member: exchange.fingerprint_of(self.public, member) for member in self.homes}

    def hand_over(self, to: PartyId = TAKER) -> Path:
        return exchange.hand_over(self.homes[GIVER], self.public, GIVER, to, self.said[to], "person.key")

    def take_over(self, taker: PartyId = TAKER, giver: PartyId = GIVER) -> tuple[str, ...]:
        return exchange.take_over(self.homes[taker], self.public, taker, giver, self.said[giver])

    def held(self, member: PartyId) -> str | None:
        path = member.folder(self.homes[member]).path / "person.key"
        return path.read_text(encoding="ascii") if path.exists() else None


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def test_a_key_that_was_handed_over_is_the_same_key(machines: Machines) -> None:
    file = machines.hand_over()
    assert machines.person_key not in file.read_text(encoding="ascii")
    assert machines.take_over() == ("person.key",)
    assert machines.held(TAKER) == machines.person_key
    assert machines.take_over() == (), "a second time nothing is new"


def test_no_key_is_made_for_an_agency_that_was_given_none(machines: Machines) -> None:
    """Otherwise the same person would have another key there, and count twice."""
    assert machines.held(TAKER) is None


def test_who_carries_the_file_cannot_open_it(machines: Machines) -> None:
    file = machines.hand_over()
    stolen = machines.public / "exchange" / CARRIER.name / file.name
    stolen.parent.mkdir()
    shutil.copy(file, stolen)
    with pytest.raises(ConfigurationError, match="CFG-273"):
        machines.take_over(CARRIER)


def test_a_carrier_that_puts_its_own_keys_in_the_takers_place_is_noticed(machines: Machines) -> None:
    """The fingerprint that the taker told in another way is not that of the keys in the folder."""
    for name in ("exchange/{}.pub", "signing/{}.pub"):
        own, place = (
            name.format(who)
            for who in ((CARRIER.name, TAKER.name) if name.startswith("exchange") else (CARRIER.agency, TAKER.agency))
        )
        shutil.copy(machines.public / own, machines.public / place)
    with pytest.raises(ConfigurationError, match="CFG-271"):
        machines.hand_over()


def test_a_carrier_cannot_put_a_key_of_its_own_into_the_file(machines: Machines) -> None:
    """Else it would know the key under which everybody's names are tested."""
    making.replace(CARRIER.folder(machines.homes[CARRIER]).path / "person.key", "cd" * 32, mode=0o600)
    planted = exchange.hand_over(
        machines.homes[CARRIER], machines.public, CARRIER, TAKER, machines.said[TAKER], "person.key"
    )
    document = json.loads(planted.read_text(encoding="ascii"))
    planted.unlink()
    file = machines.hand_over()
    for forged in ({**document, "from": GIVER.name}, {**json.loads(file.read_text()), "wrapped": document["wrapped"]}):
        file.write_text(json.dumps(forged), encoding="ascii")
        with pytest.raises(ConfigurationError, match="CFG-273"):
            machines.take_over()
    assert machines.held(TAKER) is None


def test_a_key_that_is_there_is_never_replaced_by_another(machines: Machines) -> None:
    making.replace(TAKER.folder(machines.homes[TAKER]).path / "person.key", "ee" * 32, mode=0o600)
    machines.hand_over()
    with pytest.raises(ConfigurationError, match="CFG-274"):
        machines.take_over()
    assert machines.held(TAKER) == "ee" * 32


@pytest.mark.parametrize("name", ["signing.key", "event.key", "exchange.key", "../person.key", "records/2024.json"])
def test_nothing_is_handed_over_that_the_taker_may_not_have(machines: Machines, name: str) -> None:
    with pytest.raises(ConfigurationError, match="CFG-272"):
        exchange.hand_over(machines.homes[GIVER], machines.public, GIVER, TAKER, machines.said[TAKER], name)


def test_an_unknown_party_is_named(machines: Machines) -> None:
    with pytest.raises(ConfigurationError, match="CFG-270"):
        exchange.fingerprint_of(machines.public, PartyId("release"))


def test_the_parties_of_a_hub_meet_though_each_sees_its_own_folder_alone(tmp_path: Path) -> None:
    """As the services of docker-compose.yml do: each has its folder and the public one, and they start in any order."""
    members, public = making.Members(("police-jor",), 2027, access.principals(("police-jor",))), tmp_path / "public"
    hub = [PartyId(party) for party in parties.PARTIES if party != parties.AGENCY_PARTY]

    def start(member: PartyId) -> None:
        home = tmp_path / member.name
        make = (
            functools.partial(making.begin, home, public, *member)
            if member.party != "operator"
            else (functools.partial(making.complete_operator, home, public))
        )
        make(members)
        exchange.meet(home, public, member, members, 30)

    with concurrent.futures.ThreadPoolExecutor(len(hub)) as pool:
        list(pool.map(start, reversed(hub)))
    for member in hub:
        folder = member.folder(tmp_path / member.name)
        assert set(folder.scopes()) == {one for one in making.scopes(members) if parties.holds_scope(*member, one)}
        own = [one for one in access.principals(members.agencies) if parties.party_of(one) == tuple(member)]
        assert all(folder.password(one)["username"] == one for one in own)
    seals = [PartyId(party).folder(tmp_path / party).seal() for party in ("deidentify", "counting", "release")]
    assert seals[1].open(seals[0].seal("2024", b"x", "deltas"), "deltas") == b"x"
    assert seals[2].open(seals[1].seal("2024", b"y", "cells"), "cells") == b"y"
