"""Laws of the dependencies: what the sources import, what `pyproject.toml` says, and what the base may not import."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from amana.commands.index import INDEX
from amana.composition.private_members import VERSIONS
from amana.extras import BROUGHT_BY
from tests.support import installed
from tests.support.base_modules import PACKAGES, base_modules
from tests.support.installed import ROOT, named

POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_MEMBERS = {
    *("fork", "forkpty", "fchmod", "fchown", "chown", "chroot", "getuid", "geteuid", "getgid", "getpgid", "killpg"),
    *("kill", "mkfifo", "nice", "setpgid", "setsid", "setuid", "statvfs", "sysconf", "umask", "wait3", "wait4"),
    *("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "WNOHANG", "WIFSIGNALED", "sched_getaffinity", "posix_spawn"),
    *("SIGKILL", "SIGHUP", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGALRM", "pthread_sigmask", "setitimer", "alarm"),
    *("send_fds", "recv_fds", "AF_UNIX", "socketpair"),
}
"""Members of os, signal and socket that Windows lacks, or that do something else there."""


@pytest.fixture(scope="module", name="base")
def of_the_base() -> set[str]:
    """Return every module of ours that the base install needs."""
    return base_modules()


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the first names of what a tree imports from elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_every_extra_brings_what_the_table_says() -> None:
    """A missing module is said with the right extra, and there is none that no extra or base brings."""
    distributions = packages_distributions()
    extras = installed.extras()
    for module, extra in BROUGHT_BY.items():
        assert {named(name) for name in distributions[module]} & extras[extra], module
    told = {named(name) for module in BROUGHT_BY for name in distributions[module]}
    assert set().union(*extras.values()) <= told
    assert not installed.base() & told


def test_what_is_imported_is_in_the_base_or_in_the_table() -> None:
    """So that every missing module is named with an extra."""
    base = {module for module, names in packages_distributions().items() if installed.base() & set(map(named, names))}
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = {name for path in sources for name in imports(ast.parse(path.read_text(encoding="utf-8")))}
    assert found - set(sys.stdlib_module_names) - set(PACKAGES) - base - set(BROUGHT_BY) == set()


@pytest.mark.parametrize("name", VERSIONS)
def test_what_has_private_members_in_use_is_pinned(name: str) -> None:
    """Any other release may have others."""
    table = installed.project()
    every = [*table["dependencies"], *(one for extra in table["optional-dependencies"].values() for one in extra)]
    mine = [requirement for requirement in every if named(requirement) == name]
    assert mine
    assert all(requirement.endswith(f"=={VERSIONS[name]}") for requirement in mine)


def test_the_base_imports_nothing_of_an_extra(base: set[str]) -> None:
    """Not even later: what is imported by name where it is used would fail there."""
    wrong = {(name, module) for name in base for module in imports(parsed(name)) if module in BROUGHT_BY}
    assert wrong == set()


def test_the_base_uses_nothing_that_only_posix_has(base: set[str]) -> None:
    """Agencies' machines run Windows and macOS too; what is asked for behind `sys.platform` is not counted."""
    wrong = {(name, use) for name in base for use in posix_uses(parsed(name))}
    assert wrong == set()


def test_the_law_sees_what_only_posix_has() -> None:
    seen = "import fcntl\nos.fork()\nif sys.platform != 'win32':\n    import resource\ndef later():\n    import pwd"
    assert set(posix_uses(ast.parse(seen))) == {"fcntl", "os.fork", "pwd"}


def test_the_image_has_the_extras_of_what_the_compose_file_runs() -> None:
    """Every process of the image starts."""
    chosen = re.findall(r"--extra (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    brought = frozenset[str]().union(*(installed.extras()[extra] for extra in chosen))
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    started = {name for name in re.findall(r"^ +command: \[(\w+)", compose, re.MULTILINE) if name in INDEX}
    assert started >= {"provision", "worker"}
    needed = {INDEX[name].extra for name in started} - {""}
    assert {extra for extra in needed if not installed.extras()[extra] <= brought} == set()


def parsed(module: str) -> ast.Module:
    """Return the syntax tree of a module of ours."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def posix_uses(node: ast.AST) -> Iterator[str]:
    """Yield what a tree imports or names of POSIX alone, outside of an `if` that asks for the platform."""
    if isinstance(node, ast.If) and "sys.platform" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from POSIX_MODULES & set(imports(node))
    if isinstance(node, ast.Attribute) and node.attr in POSIX_MEMBERS:
        whole = ast.unparse(node)
        yield from {whole} if whole.startswith(("os.", "signal.", "socket.")) else ()
    for child in ast.iter_child_nodes(node):
        yield from posix_uses(child)
