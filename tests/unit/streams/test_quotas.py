"""What an operator may choose of an outsider's quota, and that the site keeps it."""

import json
from pathlib import Path

import pytest

from amana.site import Site
from schemas.errors import ConfigurationError
from streams.broker import quotas


def test_a_chosen_figure_is_kept_and_the_others_stay_the_shipped_ones(tmp_path: Path) -> None:
    """Across starts that choose nothing, and in the file only what was chosen."""
    Site.create(tmp_path, quota={"producer_byte_rate": 9_000_000})
    again = Site.create(tmp_path)
    assert Site.open(tmp_path).quota == again.quota == quotas.Quota(producer_byte_rate=9_000_000)
    assert json.loads((tmp_path / "site.json").read_text())["quota"] == {"producer_byte_rate": 9_000_000}


def test_a_site_of_before_has_the_shipped_quota(tmp_path: Path) -> None:
    """Its file does not speak of quotas."""
    Site.create(tmp_path)
    assert "quota" not in json.loads((tmp_path / "site.json").read_text())
    assert Site.open(tmp_path).quota == quotas.DEFAULT


@pytest.mark.parametrize(
    "chosen", [{"producer_byte_rate": 199_999}, {"producer": 9_000_000}, {"request_percentage": 0}]
)
def test_a_quota_that_is_none_is_refused(tmp_path: Path, chosen: dict[str, int]) -> None:
    """An unknown name, and figures so small that nothing could be published."""
    with pytest.raises(ConfigurationError, match="CFG-007"):
        Site.create(tmp_path, quota=chosen)


def test_workers_officer_and_operator_have_none() -> None:
    """A stage that catches up takes what there is."""
    assert set(quotas.quotas_by_principal(["a1"])) == {"agency.a1", "analysts"}
