"""The cached runtime is used as it is only while it is what the lock file says; nothing is fetched while it is."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import artifacts
from schemas.errors import TransportError

JAR = next(entry for entry in artifacts.read_lock() if "slf4j-simple" in entry.path)


@pytest.fixture(scope="module")
def cached() -> Path:
    artifacts.ensure()
    return artifacts.cache_dir()


@pytest.fixture
def cache(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own, linked to the user's, on a machine whose network is down."""

    def down(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("requests.request", down)
    copy = tmp_path / "cache"
    shutil.copytree(cached, copy, copy_function=_link)
    yield copy
    shutil.rmtree(copy)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _replace(path: Path, content: bytes) -> None:
    """Put other bytes in the file's place; the linked original stays."""
    path.unlink()
    path.write_bytes(content)


def test_what_is_cached_needs_no_network(cache: Path) -> None:
    runtime = artifacts.ensure(cache)
    assert runtime.java.exists()
    assert (runtime.registry / "quarkus-run.jar").exists()
    assert len(runtime.classpath.split(os.pathsep)) == 45


@pytest.mark.parametrize("damage", ["another size", "a flipped byte", "cut short", "gone"])
def test_a_damaged_jar_is_noticed_and_not_run(cache: Path, damage: str) -> None:
    jar = cache / JAR.path
    content = jar.read_bytes()
    flipped = bytes([content[0] ^ 1]) + content[1:]
    damaged = {"another size": content + b"x", "a flipped byte": flipped, "cut short": content[:100]}
    jar.unlink() if damage == "gone" else _replace(jar, damaged[damage])
    with pytest.raises(TransportError, match="TRA-001"):
        artifacts.ensure(cache)
    assert not jar.exists()


def test_a_jar_with_the_right_bytes_is_taken_whatever_its_date(cache: Path) -> None:
    jar = cache / JAR.path
    _replace(jar, jar.read_bytes())
    artifacts.ensure(cache)
    assert hashlib.sha256(jar.read_bytes()).hexdigest() == JAR.sha256


def test_a_damaged_registry_is_unpacked_again(cache: Path) -> None:
    runner = artifacts.ensure(cache).registry / "quarkus-run.jar"
    content = runner.read_bytes()
    _replace(runner, b"not a jar")
    assert artifacts.ensure(cache).registry == runner.parent
    assert runner.read_bytes() == content


def test_the_lock_names_every_file_once_and_fixes_its_bytes() -> None:
    locked = artifacts.read_lock()
    assert len({entry.path for entry in locked}) == len(locked) == 46
    assert all(len(entry.sha256) == 64 and entry.size > 0 for entry in locked)
    assert not any(Path(entry.path).is_absolute() or ".." in entry.path for entry in locked)
