"""A site: the operator's folder with endpoints, principals, secrets and policy.

Purpose: the place of every file of a site, and the maker of what each party is given: a `Cluster` for one principal, an
`AgencyProfile` for one agency.
Called by: the commands, `amana.composition`, `amana.provisioning`, `amana.local`. The rooms below `amana` never see it.

Invariants:
- Secrets are made on first start, one folder for each party (`amana.keys`); what is not here is another machine's.
- A thing that is handed out opens no other party's secret.
- An existing cluster that the environment names (`amana.settings`) takes the local one's place.
"""

import dataclasses
import datetime as dt
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from amana import site_file
from amana.keys import parties
from amana.keys.party_folder import PartyFolder
from amana.settings import Settings
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy
from connectors.adapters import schema_ids
from connectors.adapters.cluster import SCRAM, Cluster, Credential
from connectors.adapters.live_password import LivePassword
from connectors.adapters.policy_store import PolicyStore
from connectors.adapters.principal_file import credential_of
from connectors.adapters.registry_access import RegistryAccess, holds_credential
from connectors.adapters.transport_security import default_protocol
from connectors.ingest.agency_profile import AgencyProfile, EnvelopeKeys
from schemas import sealing, signing
from schemas.errors import ConfigurationError
from schemas.record_seal import RecordSeal
from streams.broker import access, quotas

__all__ = ["Site", "data_dir"]

_KEY_NAME: Final = re.compile(r"[a-z0-9-]+(/[a-z][a-z0-9.-]{1,40})?")
_FOLDERS: Final = ("run", "logs", "state", "parties", "public", "audit", "ledger")


def data_dir(given: Path | None = None) -> Path:
    """Return the data directory: `given`, else the one that `AMANA_DATA` names.

    Raises:
        ConfigurationError: CFG-001, no directory is named.
    """
    chosen = given or Settings.read().data
    if not chosen:
        raise ConfigurationError(
            "CFG-001", "no data directory: set AMANA_DATA, or give --data if the command has that option"
        )
    return chosen.absolute()


@dataclass(frozen=True, slots=True)
class Site:
    """A site: the data directory and what `site.json` in it says.

    Args:
        dir: the data directory.
        kafka: broker addresses, comma separated.
        registry: base URL of the schema registry.
        agencies: ids of the agencies.
        as_of: the release calendar's date, or `site_file.TODAY`; None while history is filled in: no event is late.
        quota: limits of each agency at the broker.
    """

    dir: Path
    kafka: str
    registry: str
    agencies: tuple[str, ...]
    as_of: dt.date | str | None = None
    quota: quotas.Quota = quotas.DEFAULT

    @classmethod
    def open(cls, dir: Path | None = None) -> Self:  # noqa: A002 - the word of the command line and of the page
        """Open the site of a data directory that was started before.

        Raises:
            ConfigurationError: CFG-001, no directory is named; CFG-002, it holds no site; CFG-252, it holds a
                password in an address.
        """
        home = data_dir(dir)
        try:
            stored = json.loads((home / "site.json").read_text(encoding="utf-8"))
            site = cls(
                home,
                stored["kafka"],
                stored["registry"],
                tuple(stored["agencies"]),
                site_file.date_of(stored["as_of"]),
                quotas.Quota.of(stored.get("quota", {})),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError("CFG-002", f"{home} holds no site: start `amana up --data {home}`") from error
        return site._entered()

    @classmethod
    def draft(
        cls,
        dir: Path | None,  # noqa: A002 - as `open`
        agencies: tuple[str, ...] = (),
        *,
        quota: Mapping[str, int] | None = None,
    ) -> Self:
        """Return a site as it would be with these agencies, without making anything.

        Args:
            dir: the data directory, which need not be there; None is the one of the environment, if there is one.
            agencies: ids to add to the site's; a site without any gets `site_file.DEFAULT_AGENCIES`.
            quota: limits that replace the site's.

        Raises:
            ConfigurationError: CFG-002, the directory's `site.json` cannot be read; CFG-003, an agency id is malformed;
                CFG-007, a quota is refused.
        """
        home = (dir or Settings.read().data or Path()).absolute()
        stored = site_file.stored(home)
        limits = site_file.quota({**stored.get("quota", {}), **(quota or {})})
        return cls(home, "", "", site_file.agencies(stored, agencies), site_file.date_of(stored.get("as_of")), limits)

    @classmethod
    def create(
        cls,
        dir: Path,  # noqa: A002 - as `open`
        *,
        agencies: tuple[str, ...] = (),
        as_of: dt.date | str | None = None,
        quota: Mapping[str, int] | None = None,
        apart: bool = False,
    ) -> Self:
        """Create or complete the folders, keys and passwords of a site on one machine; existing ones stay.

        Args:
            dir: the data directory; made if it is not there.
            agencies: ids to add to the site's; a site without any gets `site_file.DEFAULT_AGENCIES`.
            as_of: the calendar's date or `site_file.TODAY`; None keeps the site's, and a new site has none.
            quota: limits that replace the site's, by Kafka's names.
            apart: the other parties keep their keys elsewhere; only the operator's are made here.

        Raises:
            ConfigurationError: CFG-003, an agency id is malformed; CFG-004, the directory cannot be written; CFG-007, a
                quota is refused.
        """
        from amana.keys import act_notes, making  # noqa: PLC0415 - only this method makes keys; workers load neither

        home = dir.absolute()
        stored = site_file.stored(home)
        chosen = site_file.agencies(stored, agencies)
        try:
            for folder in ("", *_FOLDERS):
                (home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            members = making.Members(chosen, dt.datetime.now(dt.UTC).year + 1, **_credentials_of(home, chosen))
            make = making.complete_operator if apart else making.complete
            before = act_notes.files(home / "parties")
            make(home / "parties", home / "public", members)
            act_notes.note_made(home / "parties", home / "public", before)
        except OSError as error:
            raise ConfigurationError("CFG-004", f"{home} cannot be written: {error.strerror}") from error
        limits = site_file.quota({**stored.get("quota", {}), **(quota or {})})
        date = as_of or site_file.date_of(stored.get("as_of"))
        site = cls(home, stored.get("kafka", ""), stored.get("registry", ""), chosen, date, limits)
        site = site._entered()
        site.save()
        return site

    def save(self) -> None:
        """Write `site.json`, by which every other command finds the site; whole or not at all."""
        as_of = self.as_of.isoformat() if isinstance(self.as_of, dt.date) else self.as_of
        text: dict[str, Any] = {
            "kafka": self.kafka,
            "registry": self.registry,
            "agencies": list(self.agencies),
            "as_of": as_of,
        }
        # Limits that nobody chose are not stored, so that they follow the defaults of a later version.
        text |= {"quota": chosen} if (chosen := self.quota.chosen()) else {}
        temporary = self.path(".site.json")
        temporary.write_text(json.dumps(text, indent=1), encoding="utf-8")
        temporary.replace(self.path("site.json"))

    def calendar_date(self, today: dt.date) -> dt.date | None:
        """Return the calendar's date on the day `today`; None while history is filled in."""
        return self.as_of if isinstance(self.as_of, dt.date) else today if self.as_of == site_file.TODAY else None

    def path(self, *parts: str) -> Path:
        """Return a path below the data directory."""
        return self.dir.joinpath(*parts)

    @property
    def schema_ids(self) -> Path:
        """The file of the schema ids, which provisioning writes."""
        return self.path(*schema_ids.FILE)

    def registry_access(self) -> RegistryAccess:
        """Return the address of the schema registry, with the user that the environment names for it."""
        settings = Settings.read()
        password = settings.registry_password.get_secret_value()
        return RegistryAccess(self.registry, settings.registry_user, password, settings.trust)

    def cluster(self, principal: str) -> Cluster:
        """Return the broker's address and the schema ids with one principal's credential and keys.

        Raises:
            ConfigurationError: CFG-005, this site holds no credential of that principal; CFG-006, others can read it;
                CFG-216, its file is not understood; as `Cluster`.
        """
        folder, operator = self.party(*parties.party_of(principal)), self.party("operator")
        # The operator, who makes the users, has every password; on another machine's behalf it uses its own copy.
        holder = folder if folder.is_here else operator
        credential = self._credential(holder, principal)
        if credential.mechanism in SCRAM:
            live = LivePassword(credential.password, lambda: self._credential(holder, principal).password)
            credential = dataclasses.replace(credential, password=live)
        settings = Settings.read()
        return Cluster(
            self.kafka,
            self.schema_ids,
            self.agencies,
            credential,
            settings.kafka_protocol or default_protocol(self.kafka),
            settings.trust,
            folder.seal() if folder.is_here and access.scopes_of(principal) else RecordSeal({}, os.urandom),
        )

    def credential(self, principal: str) -> Credential:
        """Return the operator's copy of a principal's credential; raises as `cluster`."""
        return self._credential(self.party("operator"), principal)

    def holds(self, principal: str) -> bool:
        """Return whether a credential of this principal is here, in the folder of its party or in the operator's."""
        folders = self.party(*parties.party_of(principal)), self.party("operator")
        return any((folder.path / _password(principal)).exists() for folder in folders)

    def party(self, party: str, agency: str | None = None) -> PartyFolder:
        """Return the folder with the secrets of one party; nothing of another party can be reached from it."""
        return PartyFolder(self.path("parties", parties.folder_of(party, agency)))

    def require_agency(self, agency: str) -> None:
        """Refuse an id that is none of this site's agencies.

        Raises:
            ConfigurationError: CFG-102, there is no such agency.
        """
        if agency not in self.agencies:
            raise ConfigurationError("CFG-102", f"there is no such agency: this site has {', '.join(self.agencies)}")

    def agency_profile(self, agency: str) -> AgencyProfile:
        """Return the access and the keys with which one agency publishes; no other party's secret is among them.

        Raises:
            ConfigurationError: CFG-102, the site has no such agency; CFG-005, one of its keys is missing; CFG-006,
                others can read one.
        """
        self.require_agency(agency)
        own = self.party(parties.AGENCY_PARTY, agency)
        return AgencyProfile(
            agency=agency,
            cluster=self.cluster(access.agency_principal(agency)),
            person_key=own.key("person"),
            event_key=own.key("event"),
            envelope_keys=lambda: EnvelopeKeys(self.public("sealing"), own.key("signing")),
            folder=self.path("publish"),
        )

    def public(self, name: str) -> bytes:
        """Return a public key: `sealing` (ML-KEM and X25519, 1,216 bytes), `audit` or `signing/<agency>` (Ed25519).

        Raises:
            ConfigurationError: CFG-005, the site holds no such key.
        """
        # Names come from agency ids, so a name such as `../x` must not lead out of the folder.
        if not _KEY_NAME.fullmatch(name):
            raise ConfigurationError("CFG-005", "that is not the name of a key")
        path = self.path("public", f"{name}.pub")
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise ConfigurationError("CFG-005", f"this site holds no {path.name}") from error
        if len(key) != (sealing.PUBLIC_BYTES if name == "sealing" else signing.KEY_BYTES):
            raise ConfigurationError("CFG-005", f"{path.name} holds no key in hex")
        return key

    def signing_keys(self, agency: str) -> tuple[bytes, ...]:
        """Return the public keys by which an agency's events are verified: the present one, then earlier ones.

        Raises:
            ConfigurationError: CFG-005, the site holds no such key.
        """
        present, earlier = self.public(f"signing/{agency}"), self.path("public", "signing", f"{agency}.earlier")
        try:
            lines = earlier.read_text(encoding="ascii").split() if earlier.exists() else []
            keys = tuple(map(bytes.fromhex, lines))
        except (OSError, ValueError) as error:
            raise ConfigurationError("CFG-005", f"{earlier.name} holds no keys in hex") from error
        if any(len(key) != signing.KEY_BYTES for key in keys):
            raise ConfigurationError("CFG-005", f"{earlier.name} holds no keys in hex")
        return present, *keys

    def policies(self) -> PolicyTimeline:
        """Return the policies in force by year, each signed by two officers.

        Raises:
            ConfigurationError: CFG-230 to CFG-234, CFG-237, CFG-238, no policy is in force, or an act of the officers
                is not valid; CFG-010, a policy is refused.
        """
        # A file that one person may edit decides nothing; without a word its owner would believe that it does.
        if self.path("policy.toml").exists():
            raise ConfigurationError(
                "CFG-231", f"{self.path('policy.toml')} is not in force: propose it (amana policy propose), and move it"
            )
        return PolicyStore(self.dir).timeline()

    def policy(self) -> Policy:
        """Return the policy that was put in force last; raises as `policies`."""
        return self.policies().newest

    def _credential(self, folder: PartyFolder, principal: str) -> Credential:
        """Read a principal's credential in a party's folder."""
        settings, name = Settings.read(), _password(principal)
        credential = credential_of(folder.text(name), name, settings.trust)
        if principal == access.ADMIN and settings.kafka_admin_mechanism:
            return dataclasses.replace(credential, mechanism=settings.kafka_admin_mechanism)
        return credential

    def _entered(self) -> Self:
        """Return this site with the cluster that the environment names in place of the local one."""
        named = Settings.read()
        if holds_credential(self.registry):
            message = f"{self.path('site.json')} names a user or a password in the registry's address: take them out"
            raise ConfigurationError("CFG-252", message)
        return dataclasses.replace(self, kafka=named.kafka or self.kafka, registry=named.registry or self.registry)


def _password(principal: str) -> str:
    """Return the place of a principal's credential in a party's folder."""
    return f"passwords/{principal}.json"


def _credentials_of(home: Path, agencies: tuple[str, ...]) -> dict[str, Any]:
    """Return what `making.Members` says of passwords: the principals that get one here, and those given."""
    # The users of an existing cluster can be created with its admin's password alone; without it, whoever runs the
    # cluster creates them, and puts the passwords that this site needs into its folder.
    settings = Settings.read()
    given = settings.kafka_admin_password.get_secret_value()
    foreign = settings.kafka and not given
    if foreign and not (home / "parties" / "operator" / "passwords" / f"{access.ADMIN}.json").exists():
        return {}
    return {"passwords": access.principals(agencies), "given": {access.ADMIN: given} if given else {}}
