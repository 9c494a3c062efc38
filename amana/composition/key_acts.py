"""Replacement and destruction of keys on a site, each act in the audit log.

Purpose: bring `amana.keys.replacing`, the broker and the topic `audit` together, in the order that a crash between two
steps does not hurt.
Called by: `amana keys rotate` and `amana keys destroy`.

Invariants:
- The audit log names an act before it happens: after a crash in between it names one that did not, never the other way.
- The keys of a year are destroyed only after its last revision.
"""

import datetime as dt
from collections.abc import Mapping

from amana.composition.code_version import code_version
from amana.keys import replacing
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.operations import operator_record
from schemas.errors import ConfigurationError
from streams.broker import access
from streams.core import calendar
from streams.transparency.decision import Decision

__all__ = ["KeyActs"]


class KeyActs:
    """The acts on the keys of one site; `site` is the operator's folder with the parties that are on this machine."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._home, self._public = site.path("parties"), site.path("public")

    def scopes(self, year: int | None) -> tuple[str, ...]:
        """Return the scopes whose keys are replaced: one year, or every scope of the de-identifier."""
        return (str(year),) if year else tuple(self._site.party("deidentify").scopes())

    def principals(self, one: str | None) -> tuple[str, ...]:
        """Return the users whose passwords are replaced: one, or all but the admin.

        Raises:
            ConfigurationError: CFG-276, there is no such user.
        """
        every = access.principals(self._site.agencies)
        if one is not None and one not in every:
            raise ConfigurationError("CFG-276", f"there is no such user: choose {', '.join(every)}")
        return (one,) if one else tuple(name for name in every if name != access.ADMIN)

    def rotate_sealing(self) -> str:
        """Replace the sealing key and return the new one's id."""
        self._log("rotate", {"secret": "sealing key"})
        return replacing.new_sealing_key(self._home, self._public)

    def rotate_records(self, scope: str) -> str:
        """Add a sealing key to a scope of the hub's records and return its id."""
        self._log("rotate", {"secret": "keys of records", "scope": scope})
        return replacing.new_record_key(self._home, scope, self._site.agencies)

    def rotate_password(self, principal: str) -> None:
        """Replace a user's password here and at the broker."""
        self._log("rotate", {"secret": "password", "principal": principal})
        # The connection is open before the file changes: the admin's own password may be the one that is replaced.
        with cluster_setup.admin_of(self._site) as admin:
            cluster_setup.set_password(admin, principal, replacing.new_password(self._home, principal))

    def destroy_sealing(self, key_id: str) -> None:
        """Destroy a sealing key that was replaced."""
        self._log("destroy", {"secret": "sealing key", "key": key_id})
        replacing.destroy_sealing_key(self._home, self._public, key_id)

    def destroy_year(self, year: int) -> tuple[str, ...]:
        """Destroy the keys of a year of events and return their ids.

        Raises:
            ConfigurationError: CFG-277, the year may still be revised.
        """
        closed = calendar.closed_on(str(year), self._site.policies().of(year))
        if closed >= dt.datetime.now(dt.UTC).date():
            raise ConfigurationError("CFG-277", f"{year} may be revised until {closed}: its keys are still needed")
        self._log("destroy", {"secret": "keys of records", "scope": str(year)})
        return replacing.destroy_scope(self._home, str(year), self._site.agencies)

    def _log(self, act: str, details: Mapping[str, str]) -> None:
        """Write the act to the topic `audit`, and return when the broker has it."""
        policy = self._site.policy().digest
        decision = Decision("keys", access.OPERATOR, policy, code_version(), details={"act": act, **details})
        operator_record.send(self._site.cluster(access.OPERATOR), decision)
