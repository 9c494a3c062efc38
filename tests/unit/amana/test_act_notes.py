"""Each secret that is made leaves one note with its id, and never the secret."""

import json
from pathlib import Path

from amana.keys import act_notes, parties
from amana.site import Site

AGENCIES = ("police-jor", "shelter-lbn")


def test_every_secret_of_a_new_site_is_noted_once_and_none_is_told(tmp_path: Path) -> None:
    site = Site.create(tmp_path, agencies=AGENCIES)
    notes = [details for _, details in act_notes.noted(site.path("public"))]
    assert {one["secret"] for one in notes} == {secret.name for secret in parties.SECRETS if not secret.optional}
    ids = [name for one in notes for name in one["keys"].split(", ")]
    assert len(ids) == len(set(ids))
    told = json.dumps(notes)
    for path in site.path("parties").rglob("*.key"):
        assert path.read_text(encoding="ascii") not in told
    assert "password" not in told.replace("passwords", "")


def test_what_is_there_already_is_not_noted_again(tmp_path: Path) -> None:
    site = Site.create(tmp_path, agencies=AGENCIES)
    for path, _ in act_notes.noted(site.path("public")):
        path.unlink()
    Site.create(tmp_path)
    assert list(act_notes.noted(site.path("public"))) == []
    Site.create(tmp_path, agencies=("hotline-egy",))
    made = {(one["secret"], one["party"]) for _, one in act_notes.noted(site.path("public"))}
    assert ("signing key", "agencies/hotline-egy") in made
    assert {party for _, party in made} == {"agencies/hotline-egy", "deidentify", "operator"}


def test_what_is_no_note_is_passed_over(tmp_path: Path) -> None:
    act_notes.note(tmp_path, {"act": "share"})
    for name, text in (("0.json", "{"), ("1.json", "[]"), ("2.json", '{"act": 7}')):
        (tmp_path / act_notes.FOLDER / name).write_text(text, encoding="ascii")
    assert [details for _, details in act_notes.noted(tmp_path)] == [{"act": "share"}]
