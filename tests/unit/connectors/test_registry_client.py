"""Registration at a registry that lies: it ends in time, with a code, and without a password in any message."""

import time
from pathlib import Path

import pytest

from amana.settings import Settings
from amana.site import Site
from connectors.adapters import registry_comparison, registry_rule, schema_ids, schema_registry
from connectors.adapters.registry_access import RegistryAccess
from schemas import catalogue
from schemas.errors import AmanaError, ConfigurationError
from tests.support.rogue_registry import rogue_registry

IDS = {stem: number for number, stem in enumerate(catalogue.STEMS, 1)}
PASSWORD = "pass-word-of-the-registry"  # noqa: S105 - an invented one
QUICK = 0.3
"""Patience of these tests, in seconds."""


def test_an_honest_registry_gives_its_ids() -> None:
    """And differs in nothing from the code."""
    with rogue_registry() as rogue:
        access = RegistryAccess(rogue.url)
        registry_rule.set_global_rule(access)
        assert schema_registry.register_all(access) == IDS


@pytest.mark.parametrize(
    ("mode", "codes"),
    [
        ("deleted", {"CON-008"}),
        ("bombs", {"CON-005"}),
        ("odd", {"TRA-010"}),
        ("failing", {"TRA-010"}),
        ("locked", {"CFG-253"}),
        ("dripping", {"TRA-010"}),
        ("endless", {"TRA-010"}),
    ],
)
def test_a_registration_at_a_rogue_ends_in_time_with_a_code(mode: str, codes: set[str]) -> None:
    """Whatever it answers, and however slowly."""
    begun = time.monotonic()
    with rogue_registry(mode) as rogue, pytest.raises(AmanaError) as caught:
        schema_registry.register_all(RegistryAccess(rogue.url, "amana", PASSWORD), wait_seconds=QUICK)
    assert caught.value.code in codes
    assert PASSWORD not in str(caught.value)
    assert "Zeynabelle" not in str(caught.value)
    assert time.monotonic() - begun < 6


def test_a_slow_registry_is_given_up_in_time() -> None:
    """Every single answer comes, but all together would take too long."""
    begun = time.monotonic()
    with rogue_registry("slow") as rogue, pytest.raises(AmanaError, match="too slowly"):
        schema_registry.register_all(RegistryAccess(rogue.url), wait_seconds=QUICK)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("honest", ""),
        ("deleted", "raw.case-value is not there, or was deleted"),
        ("no rule", "the global rule is NONE"),
        ("no rule", "the rule of raw.case-value is NONE"),
        ("swapped", "raw.case-value is not there"),
        ("swapped", "raw.case-value has 1 versions that are not of this code"),
        ("large", "raw.case-value has 1 versions that are not of this code"),
        ("renumbered", "raw.case-value has the id"),
    ],
)
def test_the_comparison_names_what_others_would_read_wrongly(tmp_path: Path, mode: str, said: str) -> None:
    """`amana check` shows it as a warning."""
    schema_ids.record(tmp_path / "ids.json", IDS)
    with rogue_registry(mode) as rogue:
        written = schema_ids.allow_list(tmp_path / "ids.json")
        found = registry_comparison.differences(RegistryAccess(rogue.url), written, wait_seconds=10)
    assert said in "\n".join(found)
    assert bool(found) is bool(said)


def test_user_and_password_are_sent_as_a_header_and_shown_nowhere() -> None:
    """Basic authentication, as Apicurio asks for it."""
    with rogue_registry() as rogue:
        access = RegistryAccess(rogue.url, "amana", PASSWORD)
        registry_rule.global_rule(access)
        assert rogue.authorisations[-1].startswith("Basic ")
    assert PASSWORD not in repr(access)


@pytest.mark.parametrize(
    "url", ["http://u:%s@registry:8080", "http://%s@registry", "http://[%s@x", "https://a:%s@[::1]:9/x"]
)
def test_an_address_with_a_password_is_refused_without_showing_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it reaches `site.json`, a message or a log; a site that holds one is refused as well."""
    monkeypatch.setenv("AMANA_REGISTRY", url % PASSWORD)
    with pytest.raises(ConfigurationError, match="AMANA_REGISTRY_USER") as caught:
        Settings.read()
    assert (caught.value.code, PASSWORD in str(caught.value)) == ("CFG-008", False)
    monkeypatch.delenv("AMANA_REGISTRY")
    site = Site.create(tmp_path)
    written = site.path("site.json").read_text().replace('"registry": ""', f'"registry": "{url % PASSWORD}"')
    site.path("site.json").write_text(written)
    with pytest.raises(ConfigurationError, match=r"AMANA_REGISTRY_USER|take them out") as caught:
        Site.open(tmp_path)
    assert (caught.value.code, PASSWORD in str(caught.value)) == ("CFG-252", False)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        *((url, "CFG-213") for url in ("nowhere", "http://host:port", "ftp://host", "http://", "http://[")),
        ("http://registry.example:8080", "CFG-211"),
        ("http://127.0.0.1:1", "TRA-010"),
    ],
)
def test_an_address_that_is_none_is_a_fault_with_a_code(url: str, code: str) -> None:
    """No traceback of the client."""
    with pytest.raises(AmanaError) as caught:
        schema_registry.register_all(RegistryAccess(url), wait_seconds=QUICK)
    assert caught.value.code == code
