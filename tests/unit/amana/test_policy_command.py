"""Laws of `amana policy` before a site has a broker, and of dates that have not come."""

import datetime as dt
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amana.__main__ import build
from connectors.adapters.policy_store import PolicyStore, shipped_policy
from schemas.errors import ConfigurationError


def run(home: Path, *words: str) -> Result:
    """Run one command on the site's folder."""
    return CliRunner().invoke(build(), ["policy", *words, "--data", str(home)])


def refusal(answer: Result) -> str:
    """Return the code of a refused command."""
    assert isinstance(answer.exception, ConfigurationError), answer.output
    return answer.exception.code


def _key(folder: Path, name: str) -> Path:
    assert CliRunner().invoke(build(), ["policy", "key", name, "--out", str(folder / name)]).exit_code == 0
    return folder / name / f"{name}.pub"


def test_two_officers_set_a_site_up(tmp_path: Path) -> None:
    """Keys, enrolment, proposal, two signatures, activation; every step by one officer alone is refused."""
    home, file = tmp_path / "site", tmp_path / "policy.toml"
    file.write_text(shipped_policy(), encoding="utf-8")
    assert refusal(run(home, "propose", str(file))) == "CFG-238"
    for name in ("ana", "badr"):
        assert run(home, "enrol", name, str(_key(tmp_path, name))).exit_code == 0
    assert refusal(run(home, "enrol", "ana", str(_key(tmp_path, "eve")))) == "CFG-238"
    proposed = run(home, "propose", str(file))
    assert proposed.exit_code == 0, proposed.output
    assert "full universe: 21 releases" in proposed.output
    assert "full universe: 21 releases" in proposed.output
    proposal = re.findall(r"^proposal ([0-9a-f]+)", proposed.output, re.MULTILINE)[0]
    assert refusal(run(home, "activate", proposal)) == "CFG-232"
    signing = {name: ("--officer", name, "--key", str(tmp_path / name / "signing.key")) for name in ("ana", "badr")}
    assert run(home, "sign", proposal, *signing["ana"]).exit_code == 0
    assert refusal(run(home, "sign", proposal, *signing["ana"])) == "CFG-241"
    assert refusal(run(home, "sign", proposal, *signing["badr"][:3], *signing["ana"][3:])) == "CFG-233"
    assert refusal(run(home, "activate", proposal)) == "CFG-232"
    with pytest.raises(ConfigurationError, match="CFG-230"):
        PolicyStore(home).timeline()
    assert run(home, "sign", proposal, *signing["badr"]).exit_code == 0
    assert run(home, "activate", proposal).exit_code == 0
    assert PolicyStore(home).timeline().newest.name == "regional-default"
    assert refusal(run(home, "play")) == "CFG-238"
    assert refusal(run(home, "activate", proposal)) == "CFG-239"


def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path) -> None:
    """Nor is a key overwritten."""
    home = tmp_path / "site"
    assert run(home, "play").exit_code == 0
    key = home / "officer" / "officer-one" / "signing.key"
    key.chmod(0o644)
    store = PolicyStore(home)
    act = store.acts()[0]
    proposal = store.propose(type(act)(1, act.id, act.officers, store.keep(shipped_policy() + "\n").digest, 2030))
    words = ("sign", proposal.id, "--officer", "officer-one", "--key", str(key))
    assert refusal(run(home, *words)) == "CFG-006"
    again = CliRunner().invoke(build(), ["policy", "key", "officer-one", "--out", str(key.parent)])
    assert refusal(again) == "CFG-238"


def test_a_difference_is_said_before_anything_is_proposed(tmp_path: Path) -> None:
    home, file = tmp_path / "site", tmp_path / "lower.toml"
    assert run(home, "play").exit_code == 0
    file.write_text(shipped_policy().replace("k = 11 ", "k = 5 "), encoding="utf-8")
    said = run(home, "diff", str(file))
    assert said.output == "- Cells of 5 to 10 persons, suppressed so far, will be shown.\n"
    other = run(home, "diff", str(file), PolicyStore(home).digests()[0][:12])
    assert other.output == "+ Cells of 5 to 10 persons, shown so far, will be suppressed.\n"


def test_a_date_that_has_not_come_is_refused(tmp_path: Path) -> None:
    """By the release and by the start of the system; tomorrow has come somewhere."""
    later = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    assert refusal(CliRunner().invoke(build(), ["release", "--as-of", later.isoformat()])) == "CFG-240"
    up = CliRunner().invoke(build(), ["up", "--data", str(tmp_path), "--as-of", later.isoformat()])
    assert refusal(up) == "CFG-240"
