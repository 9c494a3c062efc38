"""Replacement and destruction of keys on a site, each act in the audit log.

Purpose: bring `amana.keys.replacing`, the broker and the topic `audit` together, in the order that a crash between two
steps does not hurt.
Called by: `amana keys rotate` and `amana keys destroy`; `amana.local.supervisor` and `amana provision` (`send_notes`).

Invariants:
- The audit log names an act, with the id of the key, before it happens: after a crash in between it names one that did
  not, never the other way. A party without the operator's credential leaves a note (`amana.keys.act_notes`).
- The keys of a year are destroyed only after its last revision, and a sealing key only when the de-identifier has read
  what lies on the broker.
"""

import contextlib
import datetime as dt
import functools
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from kafka import admin as kafka_admin

from amana.composition.code_version import code_version
from amana.keys import act_notes, parties, replacing
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.adapters import progress, topic_reading
from connectors.adapters.cluster import SCRAM
from connectors.operations import operator_record
from schemas.errors import ConfigurationError
from streams.broker import access, topics
from streams.core import calendar
from streams.transparency import checkpoint, log_files
from streams.transparency.decision import Decision
from streams.transparency.log_keys import NAME as AUDIT_KEY

__all__ = ["KeyActs"]

_READ_SECONDS: Final = 120.0
_HANDED_ON_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2


class KeyActs:
    """The acts on the keys of one site; a context manager, which keeps the connections that the acts open.

    `site` is the operator's folder with the parties that are on this machine.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._home, self._public = site.path("parties"), site.path("public")
        self._open = contextlib.ExitStack()
        self._record: Callable[[Decision], None] | None = None
        self._admin: kafka_admin.KafkaAdminClient | None = None

    def __enter__(self) -> Self:
        """Return itself; connections are opened by the acts that need them."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._open.__exit__(kind, error, trace)

    def scopes(self, year: int | None) -> tuple[str, ...]:
        """Return the scopes whose keys are replaced: one year, or every scope of the de-identifier."""
        return (str(year),) if year else tuple(self._site.party("deidentify").scopes())

    def principals(self, one: str | None) -> tuple[str, ...]:
        """Return the users whose passwords are replaced: one, or all; the admin, who replaces them, comes last.

        Raises:
            ConfigurationError: CFG-276, there is no such user.
        """
        every = access.principals(self._site.agencies)
        if one is not None and one not in every:
            raise ConfigurationError("CFG-276", f"there is no such user: choose {', '.join(every)}")
        return (one,) if one else (*(name for name in every if name != access.ADMIN), access.ADMIN)

    def rotate_sealing(self) -> str:
        """Replace the sealing key and return the new one's id."""
        return replacing.new_sealing_key(self._home, self._public, self._teller("rotate", "sealing keys"))

    def rotate_signing(self, agency: str) -> str:
        """Replace the signing key of an agency and return the new one's id."""
        tell = self._teller("rotate", "signing key", agency=agency)
        return replacing.new_signing_key(self._home, self._public, agency, tell)

    def rotate_records(self, scope: str) -> str:
        """Add a sealing key to a scope of the hub's records and return its id."""
        tell = self._teller("rotate", "keys of records", scope=scope)
        return replacing.new_record_key(self._home, scope, self._site.agencies, tell)

    def rotate_dedupe(self, year: int) -> str:
        """Let another person key of the hub make the tokens of a year to come and of those after it; return its id.

        Raises:
            ConfigurationError: CFG-280, the year may have events.
        """
        # An event may be dated tomorrow: on the last day of a year the next one may have events.
        latest = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)).year
        tell = self._teller("rotate", "person key of the hub", from_year=str(year))
        return replacing.new_dedupe_key(self._home, year, latest, tell)

    def rotate_suppression(self) -> str:
        """Replace the key of suppression and return the new one's id."""
        return replacing.new_suppression_key(self._home, self._teller("rotate", "suppression key"))

    def rotate_exchange(self, party: str, agency: str | None) -> str:
        """Replace the exchange key of a party and return the new one's id."""
        tell = self._teller("rotate", "exchange key", party=parties.folder_of(party, agency))
        return replacing.new_exchange_key(self._home, self._public, (party, agency), tell)

    def rotate_audit(self) -> str:
        """Hand the audit log on to another key, which the running release process does, and return the key in hex.

        Raises:
            ConfigurationError: CFG-281, the release process did not hand the log on.
        """
        half = replacing.new_audit_key(self._home, self._teller("rotate", AUDIT_KEY))
        spelt = f"{checkpoint.verifier_key(log_files.ORIGIN, half)}\n".encode()
        on_file, deadline = log_files.AuditFiles(self._site.path("audit")).key, time.monotonic() + _HANDED_ON_SECONDS
        while not on_file.exists() or on_file.read_bytes() != spelt:
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    "CFG-281", "the release process did not hand the log on: start it, and repeat the command"
                )
            time.sleep(_POLL_SECONDS)
        replacing.finish_audit_key(self._home, self._public)
        return half.hex()

    def rotate_password(self, principal: str) -> str:
        """Replace a user's password here and at the broker, and return the user; open connections stay open.

        Raises:
            ConfigurationError: CFG-276, the broker does not keep this user's password.
        """
        mechanism = self._site.credential(principal).mechanism
        if mechanism not in SCRAM:
            message = (
                f"{principal} enters by {mechanism}: whoever runs the cluster or issues tokens replaces the secret"
            )
            raise ConfigurationError("CFG-276", message)
        self._log("rotate", {"secret": "password", "principal": principal})
        # The connection is open before the file changes: the admin's own password may be the one that is replaced.
        if self._admin is None:
            self._admin = self._open.enter_context(cluster_setup.admin_of(self._site))
        tell = functools.partial(cluster_setup.set_password, self._admin, principal, mechanism)
        replacing.new_password(self._home, principal, tell)
        return principal

    def destroy_sealing(self, key_id: str) -> None:
        """Destroy a sealing key that was replaced, when the de-identifier has read what lies on the broker now.

        Raises:
            ConfigurationError: CFG-275, it is the present one; CFG-282, the de-identifier has not read everything.
        """
        self._wait_until_read()
        tell = self._teller("destroy", "sealing keys")
        replacing.destroy_sealing_key(self._home, self._public, key_id, tell)

    def destroy_signing(self, agency: str) -> tuple[str, ...]:
        """Let no signing key of an agency count but the present one; return the ids of those that are gone."""
        tell = self._teller("destroy", "signing key", agency=agency)
        return replacing.destroy_earlier_signing_keys(self._public, agency, tell)

    def destroy_year(self, year: int) -> tuple[str, ...]:
        """Destroy the keys of a year of events and return their ids.

        Raises:
            ConfigurationError: CFG-277, the year may still be revised.
        """
        closed = calendar.closed_on(str(year), self._site.policies().of(year))
        if closed >= dt.datetime.now(dt.UTC).date():
            raise ConfigurationError("CFG-277", f"{year} may be revised until {closed}: its keys are still needed")
        tell = self._teller("destroy", "keys of records", scope=str(year))
        return replacing.destroy_scope(self._home, str(year), self._site.agencies, tell)

    def send_notes(self) -> int:
        """Send the notes of all parties to the topic `audit`, if this machine has the operator's credential."""
        sent = 0
        if self._site.holds(access.OPERATOR):
            for path, details in act_notes.noted(self._public):
                self._send(details)
                path.unlink()
                sent += 1
        return sent

    def _wait_until_read(self) -> None:
        """Wait until the de-identifier is behind the present ends of the raw topics."""
        reads = topic_reading.partitions(topics.sources(self._site.agencies)["deidentify"], self._site.agencies)
        deadline = time.monotonic() + _READ_SECONDS
        with progress.Offsets(self._site.cluster(access.OPERATOR).kafka_settings()) as offsets:
            ends = offsets.ends(reads)
            while True:
                committed = offsets.committed(["deidentify"])["deidentify"]
                if all(committed.get(tp, 0) >= end for tp, end in ends.items()):
                    return
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        "CFG-282", "the de-identifier has not read all raw records: some may be sealed to the key"
                    )
                time.sleep(_POLL_SECONDS)

    def _teller(self, act: str, secret: str, **more: str) -> Callable[[str], None]:
        """Return what is told the id of a key before an act on it."""
        return lambda key: self._log(act, {"secret": secret, "key": key, **more})

    def _log(self, act: str, details: Mapping[str, str]) -> None:
        """Write the act to the topic `audit`, and return when the broker has it; without its credential, note it."""
        if self._site.holds(access.OPERATOR):
            self._send({"act": act, **details})
        else:
            act_notes.note(self._public, {"act": act, **details})

    def _send(self, details: Mapping[str, str]) -> None:
        policy = self._site.policy().digest
        decision = Decision("keys", access.OPERATOR, policy, code_version(), details=details)
        if self._record is None:
            recorder = operator_record.recorder(self._site.cluster(access.OPERATOR))
            self._record = self._open.enter_context(recorder)
        self._record(decision)
