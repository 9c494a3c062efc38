"""Keys are replaced without a gap, and what is destroyed is gone and known to be gone."""

import datetime as dt
import os
from pathlib import Path

import pytest
from aiokafka.conn import ScramAuthenticator
from kafka.net.sasl.scram import SaslMechanismScram

from amana.keys import making, replacing
from amana.site import Site
from anonymizer.microdata import field_mapping
from schemas import catalogue, sealing
from schemas.errors import ConfigurationError, ContractError, IntegrityError, TransportError
from schemas.opening import Opener
from schemas.record_seal import ErasedError
from schemas.signing import UNSIGNED, Signer, Verifier
from streams.core.counting.deidentify import Rules
from streams.runtime.client_credentials import faust_credentials
from tests.support import raw_events

PLAN = field_mapping.plan(catalogue.load("raw.case"), catalogue.load("deidentified.case"))
AGENCIES = ("police-jor",)


def unheard(_password: str) -> None:
    """Tell no broker."""


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
    told: list[str] = []
    before = str(site.cluster("worker.dedupe").credential.password)
    replacing.new_password(site.path("parties"), "worker.dedupe", told.append)
    assert told != [before]
    assert [site.party("counting").password("worker.dedupe")["password"]] == told
    assert [site.party("operator").password("worker.dedupe")["password"]] == told
    assert list(site.path("parties").rglob("*.next")) == []


def test_a_password_that_the_broker_does_not_take_changes_nothing_but_is_kept(site: Site) -> None:
    """A crash between broker and file would otherwise lock the admin out for good."""

    def refuse(password: str) -> None:
        raise TransportError("TRA-008", password[:0])

    before = site.party("operator").password("admin")
    with pytest.raises(TransportError):
        replacing.new_password(site.path("parties"), "admin", refuse)
    assert site.party("operator").password("admin") == before
    assert len(list(site.path("parties").rglob("admin.json.next"))) == 1


def test_a_new_password_leaves_the_other_fields_of_its_file(site: Site) -> None:
    path = site.path("parties", "operator", "passwords", "operator.json")
    path.write_text('{"username": "operator", "password": "old", "mechanism": "SCRAM-SHA-256"}', encoding="ascii")
    replacing.new_password(site.path("parties"), "operator", unheard)
    assert site.credential("operator").mechanism == "SCRAM-SHA-256"
    assert '"old"' not in path.read_text(encoding="ascii")


def test_who_enters_by_tokens_has_no_password_to_replace(site: Site) -> None:
    path = site.path("parties", "operator", "passwords", "operator.json")
    text = '{"username": "operator", "mechanism": "OAUTHBEARER", "token_file": "/run/token"}'
    path.write_text(text, encoding="ascii")
    with pytest.raises(ConfigurationError, match="CFG-276"):
        replacing.new_password(site.path("parties"), "operator", unheard)
    assert path.read_text(encoding="ascii") == text


def test_a_login_uses_the_password_of_the_moment(site: Site) -> None:
    """Both clients of Kafka encode the password for each login; settings of before the change stay good."""
    settings = site.cluster("worker.dedupe").kafka_settings()
    replacing.new_password(site.path("parties"), "worker.dedupe", unheard)
    fresh = site.party("counting").password("worker.dedupe")["password"].encode()
    named = {name: settings[name] for name in ("sasl_plain_username", "sasl_plain_password")}
    assert ScramAuthenticator(loop=None, sasl_mechanism="SCRAM-SHA-512", **named)._sasl_plain_password == fresh
    assert SaslMechanismScram(**settings)._scram_client.password == fresh
    assert faust_credentials(settings).password.encode("utf-8") == fresh


def test_events_of_both_signing_keys_count_until_the_earlier_one_is_ended(site: Site) -> None:
    home, public, topic = site.path("parties"), site.path("public"), "raw.police-jor.case"
    agency = site.party("agency", "police-jor")
    before = Signer(agency.key("signing")).sign(b"event" + UNSIGNED, topic=topic)
    replacing.new_signing_key(home, public, "police-jor")
    after = Signer(agency.key("signing")).sign(b"event" + UNSIGNED, topic=topic)
    verifier = Verifier(*site.signing_keys("police-jor"))
    verifier.check(before, topic=topic)
    verifier.check(after, topic=topic)
    replacing.destroy_earlier_signing_keys(public, "police-jor")
    verifier = Verifier(*site.signing_keys("police-jor"))
    verifier.check(after, topic=topic)
    with pytest.raises(ContractError, match="CON-031"):
        verifier.check(before, topic=topic)
    with pytest.raises(ConfigurationError, match="CFG-005"):
        replacing.destroy_earlier_signing_keys(public, "police-jor")


def test_a_person_key_of_the_hub_changes_with_a_year_that_has_not_begun(site: Site) -> None:
    home, own = site.path("parties"), site.party("deidentify")
    first = own.key("dedupe")
    with pytest.raises(ConfigurationError, match="CFG-280"):
        replacing.new_dedupe_key(home, 2026, 2026)
    replacing.new_dedupe_key(home, 2028, 2026)
    keys = own.dedupe_keys()
    assert set(keys) == {0, 2028}
    rules = Rules(PLAN, raw_events.shipped(), keys[0], later=keys)
    assert [rules.key_of(year) for year in ("1999", "2027")] == [first, first]
    assert rules.key_of("2028") == rules.key_of("2031") == keys[2028] != first


def test_a_process_that_runs_takes_over_what_was_replaced(site: Site) -> None:
    """Without a restart: the reader finds a new key by itself, and forgets a destroyed one."""
    home, reader, writer = site.path("parties"), site.party("release").seal(), site.party("counting").seal()
    old = writer.seal("2024", b"old", "cells")
    replacing.new_record_key(home, "2024", AGENCIES)
    assert writer.renew()
    new = writer.seal("2024", b"new", "cells")
    assert old[:8] != new[:8]
    assert (reader.open(old, "cells"), reader.open(new, "cells")) == (b"old", b"new")
    assert not writer.renew(), "nothing has changed since"
    replacing.destroy_scope(home, "2024", AGENCIES)
    assert reader.renew()
    with pytest.raises(ErasedError, match="INT-028"):
        reader.open(new, "cells")


def test_keys_of_a_year_that_are_made_later_are_found(site: Site) -> None:
    """A site that runs over new year goes on."""
    seal = site.party("deidentify").seal()
    last = dt.datetime.now(dt.UTC).year + 1
    assert (seal.has(str(last)), seal.has(str(last + 1))) == (True, False)
    making.complete(site.path("parties"), site.path("public"), making.Members(AGENCIES, last + 1))
    assert seal.has(str(last + 1))


def test_readers_have_a_new_key_before_those_who_seal_with_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the flow: nobody meets a record under a key that its folder does not hold yet."""
    written: list[str] = []
    whole = making.replace

    def noted(path: Path, text: str, mode: int = 0o644) -> None:
        written.append(path.parent.parent.name)
        whole(path, text, mode)

    monkeypatch.setattr(making, "replace", noted)
    replacing.new_record_key(site.path("parties"), "evidence", AGENCIES)
    assert written[-2:] == ["counting", "deidentify"]
    assert {"operator", "officer"} <= set(written[:-2])


def test_a_key_that_is_nowhere_cannot_be_replaced(site: Site) -> None:
    for act in (replacing.new_record_key, replacing.destroy_scope):
        with pytest.raises(ConfigurationError, match="CFG-005"):
            act(site.path("parties"), "1066", AGENCIES)
