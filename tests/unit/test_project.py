"""Laws about the project itself: names, sizes, error codes, what a commit may hold."""

import ast
import collections
import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("amana", "schemas", "anonymizer", "streams", "connectors")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CODE = re.compile(r'"((?:BUD|CFG|CON|DIS|INT|TRA)-\d{3})"')


@pytest.mark.parametrize("name", PACKAGES)
def test_a_top_level_name_is_ours_alone(name: str) -> None:
    """Another distribution with the same import name would shadow ours."""
    assert set(packages_distributions().get(name, [])) <= {"amana-pipeline"}


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    too_long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 400}
    assert too_long == {}


def test_no_function_is_longer_than_fifty_lines() -> None:
    """The body counts, the docstring does not."""
    too_long = [f"{path.name}:{node.name}" for path in SOURCES for node in _functions(path) if _body_lines(node) > 50]
    assert too_long == []


def test_every_module_says_what_it_decides() -> None:
    silent = [str(p.relative_to(ROOT)) for p in SOURCES if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def test_a_public_class_name_occurs_once() -> None:
    """One word for one thing: a name in a stack trace or a review leads to one place."""
    places = collections.defaultdict(list)
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_file_name_occurs_once_outside_parallel_rooms() -> None:
    """A stage's shell and its rule share a name on purpose: `streams/stages` and `streams/core/counting`."""
    parallel = ROOT / "streams" / "core" / "counting"
    stems = collections.Counter(p.name for p in SOURCES if p.name != "__init__.py" and p.parent != parallel)
    rules = {p.name for p in parallel.glob("*.py")}
    stages = {p.name for p in (ROOT / "streams" / "stages").glob("*.py")}
    twice = {name for name, count in stems.items() if count > 1}
    assert twice | ((rules - stages) & set(stems)) - {"__init__.py"} == set()


def test_the_environment_is_read_in_one_place() -> None:
    """A setting that is read anywhere else is neither typed nor checked at start."""
    readers = [p for p in SOURCES if re.search(r"environ(\.get\(|\[)[\"']AMANA_|getenv", p.read_text())]
    assert readers == []


def test_every_public_class_function_and_method_has_a_docstring() -> None:
    """The API reference of the documentation site consists of them."""
    silent = {str(p.relative_to(ROOT)): missing for p in SOURCES if (missing := _silent(ast.parse(p.read_text())))}
    assert silent == {}


def test_a_missing_docstring_is_found() -> None:
    source = 'class A:\n    "Says."\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...'
    assert _silent(ast.parse(source)) == ["b", "d"]


def test_every_error_code_is_documented_once() -> None:
    """Codes are stable API: an agency's engineer looks them up."""
    used = {code for path in SOURCES for code in CODE.findall(path.read_text())}
    documented = re.findall(r"^\| `([A-Z]{3}-\d{3})` \|", (ROOT / "docs/reference/errors.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(used)


def test_a_commit_holds_no_downloads() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    assert [name for name in names if name.endswith((".jar", ".whl", ".tar.gz", ".zip"))] == []


def _silent(tree: ast.Module | ast.ClassDef) -> list[str]:
    """Return the public definitions without a docstring, in the order of the source."""
    missing = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            missing += [] if ast.get_docstring(node) else [node.name]
            missing += _silent(node) if isinstance(node, ast.ClassDef) else []
    return missing


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
