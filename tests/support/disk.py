"""A small disk in a folder, which a test fills to its last byte and gives room again."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

__all__ = ["Disk", "mounted"]

_BLOCK: Final = bytes(64 * 1024)
_PAUSE_SECONDS: Final = 0.02


class Disk:
    """A mounted file system of its own at `folder`."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / ".ballast"

    def fill(self, *, but: int = 0) -> None:
        """Take what is left, to the last byte `but` so many bytes; again, take what was given back meanwhile."""
        with self._ballast.open("ab", buffering=0) as file:
            size = len(_BLOCK)
            while size:
                size = size if _takes(file.fileno(), size) else size // 2
            if but:
                file.truncate(file.tell() - but)

    def keep_full(self, seconds: float) -> None:
        """Take at once whatever becomes free, for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.fill()
            time.sleep(_PAUSE_SECONDS)

    def give_room(self) -> None:
        """Give back what was taken."""
        self._ballast.unlink()


def _takes(descriptor: int, size: int) -> bool:
    try:
        return os.write(descriptor, _BLOCK[:size]) > 0
    except OSError:
        return False


@contextlib.contextmanager
def mounted(folder: Path, mebibytes: int) -> Iterator[Disk]:
    """Mount a file system in memory at `folder`; skip the test where this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={mebibytes}m,mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a full disk needs a mount: run this test as root, or under `unshare -rm`")
    try:
        yield Disk(folder)
    finally:
        # What a test left running there must not keep the folder: the mount goes when its last user does.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
