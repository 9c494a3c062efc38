"""An act of the officers: the text that they sign to put a policy in force, or to change who is an officer.

Purpose: the fields of an act, and the exact bytes that are signed. Signatures are checked in `approval`.
Called by: `approval`, `connectors.adapters.policy_store` and `amana.composition.policy_changes`.

Invariants:
- An act names the act before it by its SHA-256, so that the acts of a site are one chain.
- An act states the whole list of officers and the policy in force after it; nothing has to be added up.
- The signed bytes begin with a line that no other signed thing of this project begins with.
- Canonical JSON: a text that `statement` would not have written is refused.

>>> act = PolicyAct(0, "", {"ana": "00" * 32, "badr": "11" * 32}, "ab" * 32, 0)
>>> PolicyAct.parse(act.statement()) == act
True
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from schemas.errors import ConfigurationError

__all__ = ["OFFICER_NAME", "PolicyAct"]

OFFICER_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")
"""The form of an officer's name, which is also a part of file names."""

_DOMAIN: Final = b"amana/1|policy act\n"
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_MOST_YEAR: Final = 9999


@dataclass(frozen=True, slots=True)
class PolicyAct:
    """One act.

    Args:
        number: 0 for the act that sets a site up, and one more for each act after it.
        previous: SHA-256 (hex) of the statement of the act before; empty for the first.
        officers: every officer after this act: name → Ed25519 public key, 64 hex digits.
        policy: SHA-256 (hex) of the text of the policy that was put in force last.
        from_year: the first year that this policy governs; 0 for the first policy, which governs every year.
    """

    number: int
    previous: str
    officers: Mapping[str, str]
    policy: str
    from_year: int

    def statement(self) -> bytes:
        """Return the bytes that officers sign, which are also the file of the act."""
        fields = {name: getattr(self, name) for name in self.__slots__} | {"officers": dict(self.officers)}
        return _DOMAIN + json.dumps(fields, sort_keys=True, indent=1).encode() + b"\n"

    @property
    def id(self) -> str:
        """The SHA-256 of the statement, in hex."""
        return hashlib.sha256(self.statement()).hexdigest()

    @classmethod
    def parse(cls, statement: bytes) -> Self:
        """Read a statement.

        Raises:
            ConfigurationError: CFG-234, it is no act; CFG-238, an officer's name or key is malformed.
        """
        try:
            act = cls(**json.loads(statement.removeprefix(_DOMAIN)))
            sound = act._is_sound() and act.statement() == statement
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigurationError("CFG-234", "a file among the acts of the officers is no act") from error
        if not sound:
            raise ConfigurationError("CFG-234", "a file among the acts of the officers is no act")
        act.refuse_bad_officers()
        return act

    def _is_sound(self) -> bool:
        """Tell whether every field has a value that an act can have; names and keys of officers aside."""
        numbers = all(type(value) is int for value in (self.number, self.from_year))
        texts = all(isinstance(text, str) for pair in self.officers.items() for text in pair)
        digests = _HEX.fullmatch(self.policy) and (self.previous == "" or _HEX.fullmatch(self.previous))
        return numbers and texts and bool(digests) and self.number >= 0 and 0 <= self.from_year <= _MOST_YEAR

    def refuse_bad_officers(self) -> None:
        """Refuse fewer than two officers, a malformed name or key, and one key under two names.

        Raises:
            ConfigurationError: CFG-238.
        """
        for name, key in self.officers.items():
            if not OFFICER_NAME.fullmatch(name) or not _HEX.fullmatch(key):
                raise ConfigurationError("CFG-238", "an officer has a name such as `ana` and a key of 64 hex digits")
        # One person under two names could sign alone.
        if len(set(self.officers.values())) < len(self.officers):
            raise ConfigurationError("CFG-238", "two officers have the same key")
        if len(self.officers) < 2:  # noqa: PLR2004 - the two officers of the rule
            raise ConfigurationError("CFG-238", "a site has two officers at least")
