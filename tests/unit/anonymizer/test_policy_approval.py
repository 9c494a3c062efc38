"""Laws of the officers' acts: what two officers did not sign is in force nowhere."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.governance.approval import SignedAct, approved, public_key_of, refuse_unapproved, sign
from anonymizer.governance.policy_act import PolicyAct
from schemas.errors import ConfigurationError

KEYS = {name: bytes([number]) * 32 for number, name in enumerate(("ana", "badr", "chen", "dina"), 1)}
PUBLIC = {name: public_key_of(key) for name, key in KEYS.items()}
TWO = {name: PUBLIC[name] for name in ("ana", "badr")}
THREE = TWO | {"chen": PUBLIC["chen"]}
FIRST = PolicyAct(0, "", THREE, "a" * 64, 0)
SECOND = PolicyAct(1, FIRST.id, THREE, "b" * 64, 2026)


def signed(act: PolicyAct, *names: str) -> SignedAct:
    """Return an act with the signatures of these officers."""
    return SignedAct(act.statement(), {name: sign(act, KEYS[name]) for name in names})


def refusal(*chain: SignedAct) -> str:
    """Return the code with which a chain is refused."""
    with pytest.raises(ConfigurationError) as caught:
        approved(chain)
    return caught.value.code


def test_two_officers_put_a_policy_in_force_and_two_others_the_next() -> None:
    """Any two of the officers of the act before are enough."""
    chain = approved([signed(FIRST, "ana", "badr"), signed(SECOND, "badr", "chen")])
    assert [act.policy for act in chain] == ["a" * 64, "b" * 64]


@pytest.mark.parametrize("names", [(), ("ana",)])
def test_fewer_than_two_signatures_are_refused(names: tuple[str, ...]) -> None:
    assert refusal(signed(FIRST, *names)) == "CFG-232"
    assert refusal(signed(FIRST, "ana", "badr"), signed(SECOND, *names)) == "CFG-232"


def test_one_officer_cannot_sign_as_two() -> None:
    """Neither by a second file with the other's name, nor by one key under two names."""
    own = sign(FIRST, KEYS["ana"])
    assert refusal(SignedAct(FIRST.statement(), {"ana": own, "badr": own})) == "CFG-233"
    twice = dataclasses.replace(FIRST, officers={"ana": PUBLIC["ana"], "badr": PUBLIC["ana"]})
    assert refusal(SignedAct(twice.statement(), dict.fromkeys(("ana", "badr"), sign(twice, KEYS["ana"])))) == "CFG-238"


def test_somebody_who_is_no_officer_cannot_sign() -> None:
    """A third, valid signature of a stranger refuses the act as well: somebody tried."""
    assert refusal(signed(FIRST, "ana", "dina")) == "CFG-233"
    assert refusal(signed(FIRST, "ana", "badr", "dina")) == "CFG-233"


def test_a_new_officer_does_not_sign_for_herself() -> None:
    joined = PolicyAct(1, FIRST.id, THREE | {"dina": PUBLIC["dina"]}, FIRST.policy, 0)
    assert refusal(signed(FIRST, "ana", "badr"), signed(joined, "ana", "dina")) == "CFG-233"
    assert approved([signed(FIRST, "ana", "badr"), signed(joined, "ana", "chen")])[-1].officers["dina"]


def test_who_left_signs_no_longer() -> None:
    left = PolicyAct(1, FIRST.id, TWO, FIRST.policy, 0)
    later = PolicyAct(2, left.id, TWO, "c" * 64, 2026)
    chain = [signed(FIRST, "ana", "badr"), signed(left, "ana", "badr")]
    assert refusal(*chain, signed(later, "ana", "chen")) == "CFG-233"


def test_a_signature_over_another_policy_is_refused() -> None:
    """Everything that an act says is signed: the policy, the first year, the officers and the act before."""
    good = {name: sign(SECOND, KEYS[name]) for name in ("ana", "badr")}
    first = signed(FIRST, "ana", "badr")
    for altered in (
        dataclasses.replace(SECOND, policy="c" * 64),
        dataclasses.replace(SECOND, from_year=2024),
    ):
        assert refusal(first, SignedAct(altered.statement(), good)) == "CFG-233"


def test_an_act_follows_the_one_before_it() -> None:
    """None is left out, repeated, or moved to another chain."""
    first, second = signed(FIRST, "ana", "badr"), signed(SECOND, "ana", "badr")
    other = signed(dataclasses.replace(FIRST, policy="d" * 64), "ana", "badr")
    for chain in ((second,), (first, first), (other, second), (first, second, second)):
        assert refusal(*chain) == "CFG-234"


def test_an_act_changes_the_policy_or_the_officers() -> None:
    """Who signs sees one change; an act without any is none."""
    both = PolicyAct(1, FIRST.id, TWO, "b" * 64, 2026)
    neither = PolicyAct(1, FIRST.id, THREE, FIRST.policy, 0)
    for act in (both, neither):
        assert refusal(signed(FIRST, "ana", "badr"), signed(act, "ana", "badr")) == "CFG-234"


@pytest.mark.parametrize(
    "officers", [{"ana": PUBLIC["ana"]}, {"ana": PUBLIC["ana"], "../x": PUBLIC["badr"]}, {"ana": "0", "badr": "1"}]
)
def test_officers_are_two_at_least_with_a_name_and_a_key(officers: dict[str, str]) -> None:
    act = PolicyAct(0, "", officers, "a" * 64, 0)
    assert refusal(SignedAct(act.statement(), {})) == "CFG-238"


@given(st.data())
def test_no_changed_byte_of_an_act_or_signature_is_accepted(data: st.DataObject) -> None:
    """Whichever byte is changed, to whatever: the act is refused with a code."""
    good = signed(FIRST, "ana", "badr")
    part = data.draw(st.sampled_from(["statement", "ana", "badr"]))
    before = good.statement if part == "statement" else good.signatures[part]
    place = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != before[place]))
    after = before[:place] + bytes([byte]) + before[place + 1 :]
    changed = (
        SignedAct(after, good.signatures)
        if part == "statement"
        else SignedAct(good.statement, {**good.signatures, part: after})
    )
    with pytest.raises(ConfigurationError) as caught:
        refuse_unapproved(changed, [])
    assert caught.value.code in {"CFG-233", "CFG-234", "CFG-238"}
