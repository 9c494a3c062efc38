"""A backup of ledger, budget and audit log at one point, made while the release process works.

Purpose: copy the three files so that they agree, and prove later that the copy is the one that was made.
Called by: `amana backup`; `connectors.operations.release_restore` opens a backup; tests.

1. Copy the ledger, then the budget, then the log up to its last checkpoint.
2. Compare the copies as the release process compares its files. A release that was made meanwhile is a difference: the
   copies are made again.
3. Write the list of the files with their digests, signed with the key of the audit log.

Invariants:
- A folder of this name appears when the backup is whole, and not before.
- A backup is disclosive, since the ledger holds exact counts: it is readable by its owner alone.
- Nothing of the site is changed or stopped.

Source: C2SP signed-note, https://c2sp.org, for the form of the list.
"""

import contextlib
import hashlib
import itertools
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from connectors.adapters import sqlite_files
from connectors.operations.release_files import ReleaseFiles
from schemas.errors import ConfigurationError, IntegrityError
from streams.core.releasing.release_comparison import Places
from streams.release import agreement
from streams.transparency import checkpoint, log_files
from streams.transparency.log_files import LEAF_BYTES, AuditFiles

__all__ = ["Backup", "copy_log", "make_backup", "open_backup"]

_NAME: Final = "amana/backup"
_LIST: Final = "backup.note"
_PAUSES: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds before each further copy: some of them are longer than the time between two releases."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup: its files, and the numbers of releases, withheld tables included, and of entries of the log."""

    files: ReleaseFiles
    releases: int
    entries: int


def make_backup(home: Path, target: Path, key: bytes) -> Backup:
    """Copy the files of the release process below `home` to the new folder `target`.

    Args:
        home: the data directory of the site.
        target: the folder to make.
        key: the raw signing key of the audit log (32 bytes).

    Raises:
        ConfigurationError: CFG-201, the folder exists or cannot be made; CFG-202, the release process never started.
        IntegrityError: INT-140, INT-170, INT-172 or INT-173, the files do not agree; INT-100, INT-101, INT-112 to
            INT-127, one cannot be read.
    """
    site, part = ReleaseFiles(home), target.with_name(f".{target.name}.part")
    if target.exists():
        raise ConfigurationError("CFG-201", f"{target} exists: a backup is a folder of its own")
    if not site.ledger.exists() or not site.log.checkpoints.exists():
        raise ConfigurationError("CFG-202", f"{home} has no release ledger or no audit log: nothing to back up")
    signing = Ed25519PrivateKey.from_private_bytes(key)
    public = signing.public_key().public_bytes_raw()
    try:
        # 1. and 2.
        releases, entries = _copied(site, ReleaseFiles(part), public)
        # 3. Sign.
        text = f"{_NAME}/1\nreleases {releases}\nentries {entries}\n" + "".join(_lines(part))
        note = checkpoint.note(text, name=_NAME, public=public, signature=signing.sign(text.encode()))
        (part / _LIST).write_text(note, encoding="utf-8")
        part.rename(target)
    except OSError as error:
        raise ConfigurationError("CFG-201", f"{target} cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Backup(ReleaseFiles(target), releases, entries)


def open_backup(folder: Path, public: bytes) -> Backup:
    """Check a backup against the public key of the audit log.

    Raises:
        ConfigurationError: CFG-203, the folder holds no backup.
        IntegrityError: INT-177, its list is not signed by the key, or a file is not the one that was listed.
    """
    try:
        note = (folder / _LIST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-203", f"{folder} holds no backup") from error
    try:
        text, signature = checkpoint.signature_of(note, name=_NAME, public=public)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except (IntegrityError, InvalidSignature) as error:
        raise IntegrityError("INT-177", "the list of the backup is not signed by the key of this audit log") from error
    _, releases, entries, *lines = text.splitlines(keepends=True)
    actual = list(_lines(folder))
    if lines != actual:
        first = next(one or two for one, two in itertools.zip_longest(lines, actual) if one != two)
        raise IntegrityError("INT-177", f"{str(first).split()[-1]} of the backup is not the file that was listed")
    return Backup(ReleaseFiles(folder), int(releases.split()[1]), int(entries.split()[1]))


def copy_log(source: AuditFiles, target: AuditFiles, public: bytes) -> None:
    """Copy a log, which may be appended to meanwhile, up to its last whole checkpoint.

    Raises:
        IntegrityError: INT-112 to INT-115, that checkpoint is wrong.
        OSError: a file cannot be read or written.
    """
    target.directory.mkdir(mode=0o700, parents=True)
    # The checkpoints first: entries and leaf hashes are written before the checkpoint over them.
    blocks = [block for block in log_files.blocks(source.checkpoints.read_bytes()) if block.endswith(b"\n\n")]
    covered = log_files.checked(blocks[-1], public).size if blocks else 0
    with source.entries.open("rb") as lines, target.entries.open("wb") as copied:
        copied.writelines(itertools.islice(lines, covered))
    with source.leaves.open("rb") as leaves:
        target.leaves.write_bytes(leaves.read(covered * LEAF_BYTES))
    target.checkpoints.write_bytes(b"".join(blocks))
    shutil.copyfile(source.key, target.key)


def _copied(site: ReleaseFiles, part: ReleaseFiles, public: bytes) -> tuple[int, int]:
    """Copy until the copies agree, and return the numbers of entries of ledger and log."""
    for pause in _PAUSES:
        # A release that is made between two of the copies is such a difference: the next copies hold it.
        with contextlib.suppress(IntegrityError):
            return _copy(site, part, public)
        time.sleep(pause)
    return _copy(site, part, public)


def _copy(site: ReleaseFiles, part: ReleaseFiles, public: bytes) -> tuple[int, int]:
    """Copy ledger, budget and log, in this order: a log that is ahead of the ledger shows as a difference."""
    shutil.rmtree(part.home, ignore_errors=True)
    part.ledger.parent.mkdir(mode=0o700, parents=True)
    part.home.chmod(0o700)
    try:
        sqlite_files.copy(site.ledger, part.ledger)
        if site.budget.exists():
            sqlite_files.copy(site.budget, part.budget)
    except sqlite3.Error as error:
        raise IntegrityError("INT-100", f"ledger or budget cannot be copied: {error}") from error
    copy_log(site.log, part.log, public)
    return _agreed(part, public)


def _agreed(files: ReleaseFiles, public: bytes) -> tuple[int, int]:
    """Return the numbers of entries of ledger and log, if the copies agree."""
    claims, records = files.ledger_claims(), files.log_records(public)
    agreement.refuse_difference(Places(claims, records.claims))
    agreement.refuse_other_budget(files.books(), records.anchor, records.draws)
    with files.log.leaves.open("rb") as leaves:
        return len(claims), leaves.seek(0, 2) // LEAF_BYTES


def _lines(folder: Path) -> Iterator[str]:
    """Yield digest, size and path of every file below a folder but its list, sorted by path."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _LIST):
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        yield f"{digest} {path.stat().st_size} {path.relative_to(folder).as_posix()}\n"
