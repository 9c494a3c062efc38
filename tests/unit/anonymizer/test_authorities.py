"""Declarations of authorities and crises: what a policy may say, and how a change of it is told to the officers."""

import pytest

from anonymizer.governance.policy_change import changes
from anonymizer.policy import load
from connectors.adapters.policy_store import shipped_policy
from schemas.errors import ConfigurationError
from tests.support.policies import altered

POLICE = 'agency = "police-jor"\ncountry = "JOR"\nstages = ["Investigations", "Suspected", '
SECOND = '\n[[authority]]\nagency = "court-jor"\ncountry = "JOR"\nstages = ["Convicted"]\n'


def refused(*changed: tuple[str, str], more: str = "") -> str:
    """Return the sentence with which a changed policy is refused."""
    with pytest.raises(ConfigurationError, match="CFG-010") as caught:
        load(altered(*changed) + more)
    return caught.value.message


def test_a_stage_has_one_owner() -> None:
    assert "JOR Convicted TIP is declared by police-jor, too" in refused(more=SECOND)
    load(altered(('"Arrested", "Prosecuted", "Convicted", "Acquitted"', '"Arrested", "Prosecuted"')) + SECOND)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('country = "JOR"\nstages', 'country = "Jordan"\nstages', "Jordan is no alpha-3 code"),
        (POLICE, POLICE.replace("Suspected", "Questioned"), "Questioned is no stage"),
        ('crises = ["AFG-2021", ', 'crises = ["AFG-2021", "AFG-2021", ', "crises"),
        ('crises = ["AFG-2021", ', 'crises = ["ATL-2021", ', "ATL-2021 is no named crisis"),
        ('measure = "items"', 'measure = "pages"', "no measure pages"),
        ('measure = "items"\ncubes', 'measure = "partners"\ncubes', ""),
    ],
)
def test_a_declaration_of_nothing_is_refused(before: str, after: str, sentence: str) -> None:
    """A country, a stage, a crisis or a measure that does not exist, and two populations of one measure."""
    assert sentence in refused((before, after))


def test_stages_are_never_summed() -> None:
    """A cube of proceedings without the stage would count one person at each."""
    assert "needed" in refused(('["phenomenon", "stage", "country", "period", "exploitation"', '["country", "period"'))


def test_officers_are_told_of_every_declaration_that_changes() -> None:
    before = load(shipped_policy())
    after = load(altered(('"SYR-2011", ', ""), (POLICE, POLICE.replace("police-jor", "court-jor"))))
    said = [change.sentence for change in changes(before, after)]
    assert "Indicators may no longer name SYR-2011." in said
    assert "Arrested of TIP in JOR will be counted as court-jor reports it, not police-jor." in said
    assert len(said) == 1 + 7 * 2
