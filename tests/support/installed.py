"""Environments that hold the built distribution with chosen extras alone, made from the lock file."""

import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv" / "tools" / "bin" / "uv"
"""The program that `make` installs to synchronise the environment."""

NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment without the checkout on its path."""

    folder: Path

    @property
    def packages(self) -> int:
        """How many distributions it holds, Amana's own included."""
        return len(list(self.folder.rglob("*.dist-info")))

    @property
    def mebibytes(self) -> float:
        """How much room its files take."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file()) / 2**20

    def python(self, script: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script with the environment's interpreter, which sees nothing but the environment."""
        return self._run("python", "-I", "-c", script, *arguments, cwd=cwd)

    def amana(self, *arguments: str, cwd: Path | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command as a user of this environment runs it."""
        return self._run("amana", *arguments, cwd=cwd, text=text)

    def _run(self, program: str, *arguments: str, cwd: Path | None, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "bin" / program), *arguments]
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env={},
            timeout=200,
        )


def install(folder: Path, *extras: str, editable: bool = False) -> Installed:
    """Build the distribution and install it with what the lock file says of these extras; compile the bare base."""
    chosen = [word for extra in extras for word in ("--extra", extra)]
    compiled = () if extras else ("--compile-bytecode",)  # as pip does; it counts for the size
    # uv keeps a wheel that it built; only what is to be installed again is built again from changed sources
    built = () if editable else ("--no-editable", "--reinstall-package", "amana-pipeline")
    sync(folder, "--frozen", "--no-dev", "--quiet", "--python", sys.executable, *built, *compiled, *chosen)
    return Installed(folder)


def sync(folder: Path, *arguments: str) -> None:
    """Run `uv sync` on an environment other than the checkout's own."""
    assert UV.is_file(), "`make` installs uv; run it once"
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder)}
    subprocess.run([UV, "sync", *arguments], cwd=ROOT, env=environment, check=True, timeout=600)


def shipped_modules() -> list[str]:
    """Return the names of all modules that the wheel holds, as they lie in the checkout."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    left_out = tuple(f"{folder.replace('/', '.')}." for folder in wheel.get("exclude", []))
    walked = (pkgutil.walk_packages([str(ROOT / package)], f"{package}.") for package in wheel["packages"])
    names = [one.name for found in walked for one in found if not one.name.endswith("__main__")]
    return [name for name in names if not f"{name}.".startswith(left_out)]


def project() -> dict[str, Any]:
    """Return the table `project` of `pyproject.toml`."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def extras() -> dict[str, frozenset[str]]:
    """Return the distributions that every extra brings beside the base, with those of an extra that it takes in."""
    own = project()["optional-dependencies"]

    def brought(extra: str) -> frozenset[str]:
        found: set[str] = set()
        for requirement in own[extra]:
            inner = re.fullmatch(r"amana-pipeline\[(.*)\]", requirement)
            found |= {one for name in inner[1].split(",") for one in brought(name)} if inner else {named(requirement)}
        return frozenset(found)

    return {extra: brought(extra) for extra in own}


def base() -> frozenset[str]:
    """Return the distributions of the base."""
    return frozenset(map(named, project()["dependencies"]))


def named(requirement: str) -> str:
    """Return the normalised name of a requirement."""
    found = NAME.match(requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()
