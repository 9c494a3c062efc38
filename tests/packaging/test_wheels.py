"""Wheels exist for what is promised: the resolver finds one of every locked package, without building any.

- Linux on x86-64: every extra, on every Python that `pyproject.toml` allows.
- Linux on ARM, macOS on ARM, Windows: the base, and the extras of the users who are not operators. faust-streaming has
  no wheels for Linux on ARM and for Windows, so that the hub is for Linux on x86-64.
- Intel Macs are left out: cryptography makes no wheels for them any more.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support import installed, pythons
from tests.support.installed import ROOT, UV

PLATFORMS = {
    "x86_64-unknown-linux-gnu": tuple(installed.extras()),
    "aarch64-unknown-linux-gnu": ("feed", "stats", "text"),
    "aarch64-apple-darwin": ("feed", "stats"),
    "x86_64-pc-windows-msvc": ("feed", "stats"),
}


def locked(folder: Path, extras: tuple[str, ...]) -> Path:
    """Write what the lock file says of the base and these extras, with markers."""
    chosen = [word for extra in extras for word in ("--extra", extra)]
    file = folder / "locked.txt"
    command = [
        str(UV),
        "export",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--quiet",
        *chosen,
        "--output-file",
        str(file),
    ]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return file


@pytest.mark.parametrize("python", pythons.allowed())
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_locked_package_has_a_wheel(platform: str, python: str, tmp_path: Path) -> None:
    file = locked(tmp_path, PLATFORMS[platform])
    where = ("--python-platform", platform, "--python-version", python, "--target", str(tmp_path / "nowhere"))
    command = [
        str(UV),
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "--only-binary",
        ":all:",
        *where,
        "--requirement",
        str(file),
    ]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    assert answer.returncode == 0, answer.stderr
    assert " + kafka-python==" in answer.stderr
