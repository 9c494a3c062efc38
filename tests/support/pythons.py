"""The pure tests on every Python at hand that `pyproject.toml` allows: `make pythons`.

Each Python has an environment of its own below `.venv/pythons`, from the lock file. A Python that is not at hand is
named and left out; the exit status is 1 if a test fails on any.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support import installed
from tests.support.installed import ROOT

PURE = ("-q", "-n", "2", "-m", "not broker and not long")


def allowed() -> list[str]:
    """Return the versions that `pyproject.toml` allows, as 3.11."""
    low, high = map(int, re.findall(r"3\.(\d+)", installed.project()["requires-python"]))
    return [f"3.{minor}" for minor in range(low, high)]


def candidates(version: str) -> Iterator[Path]:
    """Yield where an interpreter may be: on the path, and where pyenv keeps those that its shims do not show."""
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)


def interpreter(version: str) -> Path | None:
    """Return an interpreter of that version that runs, if there is one."""
    for path in candidates(version):
        asked = subprocess.run([path, "-c", "print(1)"], capture_output=True, text=True, check=False)
        if asked.stdout == "1\n":
            return path
    return None


def main() -> int:
    """Test on each Python in turn."""
    failed = []
    for version in allowed():
        path = interpreter(version)
        if path is None:
            print(f"Python {version}: not at hand, left out", flush=True)
            continue
        folder = ROOT / ".venv" / "pythons" / version
        installed.sync(folder, "--frozen", "--all-extras", "--quiet", "--python", str(path))
        print(f"Python {version}: {path}", flush=True)
        if subprocess.run([folder / "bin" / "python", "-m", "pytest", *PURE], cwd=ROOT, check=False).returncode:
            failed.append(version)
    print(f"failed on {', '.join(failed)}" if failed else "all well", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
