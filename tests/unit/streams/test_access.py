"""Laws of the table of access that hold whatever a row of it says."""

from hypothesis import given
from hypothesis import strategies as st

from amana.site_file import DEFAULT_AGENCIES
from schemas import catalogue
from streams.broker import access, topics

NAMES = [topic.name for topic in topics.all_topics(DEFAULT_AGENCIES, ["levant"])]
AGENCY = st.from_regex(r"[a-z][a-z0-9-]{1,12}", fullmatch=True)


@given(one=AGENCY, other=AGENCY)
def test_an_agency_sees_no_other_agencys_topic_or_group_whatever_their_names(one: str, other: str) -> None:
    rules = access.acl_rules([one, other])
    theirs = [topics.raw(other, kind) for kind in catalogue.KINDS] + [topics.quarantine(other), topics.notices(other)]
    group = access.agency_principal(other)
    if one != other:
        me = access.agency_principal(one)
        assert not any(access.allows(rules, me, "DESCRIBE", "TOPIC", name) for name in theirs)
        assert not access.allows(rules, me, "DESCRIBE", "GROUP", group)


def test_an_agency_reads_only_what_no_other_agencys_event_can_reach() -> None:
    """Whoever writes what an agency reads has seen no other agency's events: the de-identifier, or the operator's drop.

    Releases are the exception, since they are for everybody.
    """
    rules = access.acl_rules(DEFAULT_AGENCIES)
    me, people = access.agency_principal(DEFAULT_AGENCIES[0]), access.principals(DEFAULT_AGENCIES)
    read = {name for name in NAMES if access.allows(rules, me, "READ", "TOPIC", name)}
    own = {topics.quarantine(DEFAULT_AGENCIES[0]), topics.notices(DEFAULT_AGENCIES[0])}
    assert read == own | {"trend.levant"}
    writers = {one for one in people for name in own if access.allows(rules, one, "WRITE", "TOPIC", name)}
    assert writers == {access.ADMIN, access.OPERATOR, "worker.deidentify"}
    readers = {one for one in people if access.allows(rules, one, "READ", "TOPIC", topics.notices(DEFAULT_AGENCIES[0]))}
    assert readers == {access.ADMIN, me}


def test_only_the_deidentifier_reads_raw_records() -> None:
    rules = access.acl_rules(DEFAULT_AGENCIES)
    raws = [name for name in NAMES if name.startswith("raw.") or name == topics.REPLAY]
    readers = {
        principal
        for principal in access.principals(DEFAULT_AGENCIES)
        for name in raws
        if access.allows(rules, principal, "READ", "TOPIC", name)
    }
    assert readers == {access.ADMIN, "worker.deidentify"}


def test_an_analyst_sees_releases_and_nothing_else() -> None:
    rules = access.acl_rules(DEFAULT_AGENCIES)
    seen = {name for name in NAMES if access.allows(rules, "analysts", "DESCRIBE", "TOPIC", name)}
    assert seen == {"trend.levant"}


def test_only_the_release_process_writes_releases() -> None:
    rules = access.acl_rules(DEFAULT_AGENCIES)
    writers = {p for p in access.principals(()) if access.allows(rules, p, "WRITE", "TOPIC", "trend.levant")}
    assert writers == {access.ADMIN, "worker.release"}


def test_only_the_release_process_holds_the_fence() -> None:
    """Whoever takes the transactional id shuts the release process out."""
    rules = access.acl_rules(DEFAULT_AGENCIES)
    holders = {
        principal
        for principal in access.principals(DEFAULT_AGENCIES)
        if access.allows(rules, principal, "DESCRIBE", "TRANSACTIONAL_ID", access.RELEASE_FENCE)
    }
    assert holders == {access.ADMIN, "worker.release"}
    assert [rule.name for rule in rules if rule.resource == "TRANSACTIONAL_ID"] == [access.RELEASE_FENCE]


@given(name=st.text(max_size=20))
def test_what_no_rule_names_is_denied(name: str) -> None:
    assert not access.allows((), "operator", "DESCRIBE", "TOPIC", name)
