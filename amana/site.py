"""One site: a data directory, its endpoints, principals, secrets and policy.

Decides where everything of a site lies and who may read it. Does not start servers (`amana.local`) and holds no rule
about persons.

- Secrets are made on first start, 0600 in 0700 folders; one that others can read is refused.
- `AMANA_DATA` names the directory; `AMANA_KAFKA` and `AMANA_REGISTRY` put an existing cluster in the local one's place.
- `AMANA_KAFKA_PROTOCOL` (SASL_PLAINTEXT or SASL_SSL), `AMANA_KAFKA_CA`, `AMANA_KAFKA_ADMIN_MECHANISM` (SCRAM-SHA-512 or
  PLAIN) and `AMANA_KAFKA_ADMIN_PASSWORD` (kept on first start) say how such a cluster is entered.
"""

import dataclasses
import datetime as dt
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, Self

from anonymizer import policy as policies
from schemas.errors import ConfigurationError
from streams import access, quotas

__all__ = ["DEFAULT_AGENCIES", "MECHANISM", "Site", "data_dir"]

MECHANISM: Final = "SCRAM-SHA-512"

DEFAULT_AGENCIES: Final = (
    "interior-ministry-lbn",
    "police-jor",
    "un-mission-irq",
    "shelter-lbn",
    "hotline-egy",
    "labour-inspectorate-tur",
)
"""The agencies of a site that names none: those of the demo."""

_AGENCY: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")
_NAME: Final = re.compile(r"[a-z0-9-]+(/[a-z][a-z0-9-]{1,30})?")
_FOLDERS: Final = (
    "run",
    "logs",
    "state",
    "secrets",
    "secrets/principals",
    "secrets/agency",
    "secrets/signing",
    "public",
    "public/signing",
    "audit",
    "ledger",
)


def data_dir(given: Path | None = None) -> Path:
    """Return the data directory: the one given, else `AMANA_DATA`.

    Raises:
        ConfigurationError: CFG-001, neither is there.
    """
    chosen = given or os.environ.get("AMANA_DATA")
    if not chosen:
        raise ConfigurationError(
            "CFG-001", "no data directory: set AMANA_DATA, or give --data where the command has it"
        )
    return Path(chosen).absolute()


@dataclass(frozen=True, slots=True)
class Site:
    """A data directory and its endpoints; `as_of` is the calendar's date, None while history is filled in.

    `quota` is what each agency may use of a broker.
    """

    dir: Path
    kafka: str
    registry: str
    agencies: tuple[str, ...]
    as_of: dt.date | None = None
    quota: quotas.Quota = quotas.DEFAULT

    @classmethod
    def open(cls, dir: Path | None = None) -> Self:  # noqa: A002 - the word of the command line and of the page
        """Open the site of a data directory that was started before.

        Raises:
            ConfigurationError: CFG-001 no directory named; CFG-002 there is no site in it.
        """
        home = data_dir(dir)
        try:
            stored = json.loads((home / "site.json").read_text(encoding="utf-8"))
            site = cls(
                home,
                stored["kafka"],
                stored["registry"],
                tuple(stored["agencies"]),
                _date(stored["as_of"]),
                quotas.Quota.of(stored.get("quota", {})),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError("CFG-002", f"{home} holds no site: start `amana up --data {home}`") from error
        return site._entered()

    @classmethod
    def create(
        cls,
        dir: Path,  # noqa: A002 - as `open`
        *,
        agencies: tuple[str, ...] = (),
        as_of: dt.date | None = None,
        quota: Mapping[str, int] | None = None,
    ) -> Self:
        """Make, or complete, the folders, keys and passwords of a site; what is there stays.

        Args:
            dir: the data directory; made if it is not there.
            agencies: ids to add to those of the site; with none at all the site has `DEFAULT_AGENCIES`.
            as_of: the calendar's date; None keeps the site's, and a new site has none: lateness is off.
            quota: figures to put in the place of the site's, by Kafka's names.

        Raises:
            ConfigurationError: CFG-003 an agency id is malformed; CFG-004 the directory cannot be written; CFG-007 a
                quota is refused.
        """
        from amana import keys  # noqa: PLC0415 - only this method makes keys; a worker does not load the generator

        if bad := [agency for agency in agencies if not _AGENCY.fullmatch(agency)]:
            raise ConfigurationError("CFG-003", f"agency id {bad[0]!r} is not of the form [a-z][a-z0-9-]{{1,30}}")
        home = dir.absolute()
        known = _stored(home)
        chosen = tuple(dict.fromkeys((*known.get("agencies", ()), *agencies))) or DEFAULT_AGENCIES
        try:
            for folder in ("", *_FOLDERS):
                (home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            keys.complete(home / "secrets", home / "public", agencies=chosen, **_credentials_of(home, chosen))
        except OSError as error:
            raise ConfigurationError("CFG-004", f"{home} cannot be written: {error.strerror}") from error
        date, limits = as_of or _date(known.get("as_of")), _quota({**known.get("quota", {}), **(quota or {})})
        site = cls(home, known.get("kafka", ""), known.get("registry", ""), chosen, date, limits)
        site = site._entered()
        site.save()
        return site

    def chosen(self, agency: str | None) -> tuple[str, ...]:
        """Return one agency of the site, or where none is named all of them.

        Raises:
            ConfigurationError: CFG-102, the site has no such agency.
        """
        if agency is not None and agency not in self.agencies:
            raise ConfigurationError("CFG-102", "the site has no such agency")
        return self.agencies if agency is None else (agency,)

    def save(self) -> None:
        """Write `site.json`, by which every other command finds the site."""
        as_of = self.as_of.isoformat() if self.as_of else None
        text: dict[str, Any] = {
            "kafka": self.kafka,
            "registry": self.registry,
            "agencies": list(self.agencies),
            "as_of": as_of,
        }
        # What was not chosen follows the figures of a later version.
        text |= {"quota": chosen} if (chosen := self.quota.chosen()) else {}
        temporary = self.path(".site.json")
        temporary.write_text(json.dumps(text, indent=1), encoding="utf-8")
        temporary.replace(self.path("site.json"))

    def path(self, *parts: str) -> Path:
        """Return a path below the data directory."""
        return self.dir.joinpath(*parts)

    def kafka_settings(self, principal: str) -> dict[str, Any]:
        """Return the client settings of a principal, good for kafka-python and aiokafka alike.

        Raises:
            ConfigurationError: CFG-005 this site holds no password of that principal; CFG-006 others can read it.
        """
        credential = json.loads(self._read(self.path("secrets", "principals", f"{principal}.json")))
        protocol = os.environ.get("AMANA_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
        mechanism = os.environ.get("AMANA_KAFKA_ADMIN_MECHANISM", MECHANISM) if principal == access.ADMIN else MECHANISM
        return {
            "bootstrap_servers": self.kafka.split(","),
            "security_protocol": protocol,
            "sasl_mechanism": mechanism,
            "sasl_plain_username": credential["username"],
            "sasl_plain_password": credential["password"],
        } | _tls(protocol)

    def secret(self, name: str) -> bytes:
        """Return a key by name, as `sealing` or `agency/<id>`: `amana.keys` lists them.

        Raises:
            ConfigurationError: CFG-005 this site holds no such key; CFG-006 others can read it.
        """
        return bytes.fromhex(self._read(self._key("secrets", name, ".key")))

    def public(self, name: str) -> bytes:
        """Return a public key by name: `sealing` (X25519), `audit` or `signing/<agency>` (Ed25519), 32 raw bytes."""
        path = self._key("public", name, ".pub")
        try:
            return bytes.fromhex(path.read_text(encoding="ascii"))
        except OSError as error:
            raise ConfigurationError("CFG-005", f"this site holds no {path.name}") from error

    def policy(self) -> policies.Policy:
        """Load `policy.toml` of the data directory, else the shipped policy."""
        own = self.path("policy.toml")
        shipped = resources.files("anonymizer").joinpath("policies", "default.toml")
        return policies.load((own if own.exists() else shipped).read_text(encoding="utf-8"))

    def _entered(self) -> Self:
        """Put the cluster that the environment names in the local one's place."""
        kafka, registry = os.environ.get("AMANA_KAFKA"), os.environ.get("AMANA_REGISTRY")
        return dataclasses.replace(self, kafka=kafka or self.kafka, registry=registry or self.registry)

    def _key(self, folder: str, name: str, suffix: str) -> Path:
        name = name.removesuffix(suffix)
        if not _NAME.fullmatch(name):
            raise ConfigurationError("CFG-005", "that is not the name of a key")
        return self.path(folder, name + suffix)

    def _read(self, path: Path) -> str:
        """Read a secret that its owner alone can read."""
        try:
            exposed = path.stat().st_mode & 0o077
            text = path.read_text(encoding="ascii")
        except OSError as error:
            raise ConfigurationError("CFG-005", f"this site holds no {path.name}, or it cannot be read") from error
        if exposed and os.name == "posix":
            raise ConfigurationError("CFG-006", f"{path} can be read by others: chmod 600")
        return text


def _stored(home: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads((home / "site.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError("CFG-002", f"{home}/site.json cannot be read") from error
    return found


def _credentials_of(home: Path, agencies: tuple[str, ...]) -> dict[str, Any]:
    """Say whose passwords are made here: everybody's, but nobody's for an existing cluster without its admin's."""
    given = os.environ.get("AMANA_KAFKA_ADMIN_PASSWORD")
    foreign = os.environ.get("AMANA_KAFKA") and not given
    if foreign and not (home / "secrets" / "principals" / f"{access.ADMIN}.json").exists():
        return {"principals": ()}
    return {"principals": access.principals(agencies), "given": {access.ADMIN: given} if given else {}}


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _quota(chosen: Mapping[str, Any]) -> quotas.Quota:
    try:
        return quotas.Quota.of(chosen)
    except ValueError as error:
        least = ", ".join(f"{name} from {figure}" for name, figure in quotas.LEAST.items())
        raise ConfigurationError("CFG-007", f"a quota is a whole number: {least}") from error


def _tls(protocol: str) -> dict[str, Any]:
    if protocol != "SASL_SSL":
        return {}
    return {"ssl_context": ssl.create_default_context(cafile=os.environ.get("AMANA_KAFKA_CA"))}
