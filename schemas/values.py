"""What a single value at the edge may be: codes of a list, dates as far as known, keys, texts to be sealed.

Decides the form of values and with which code a wrong one is refused. Reads no clock: "the future" is what lies after
the `today` that the caller puts into the validation context. No message repeats the value.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas import codelists, limits

__all__ = [
    "AgencyId",
    "Codes",
    "Count",
    "Dated",
    "HexKey",
    "Listed",
    "Sealable",
    "SealableDate",
    "SealedText",
    "Text",
    "length_of",
]

_FORMS = {4: "-01-01", 7: "-01", 10: ""}
_DATE = re.compile(r"\d{4}(-\d{2}){0,2}", re.ASCII)
_EARLIEST = "1900"


@dataclass(frozen=True, slots=True)
class Listed:
    """Marks a string as one code of the list `name`."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's protocol
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, code: str) -> str:
        """Refuse a code that is not in the list."""
        if not codelists.valid(self.name, code):
            raise PydanticCustomError("CON-011", "not a code of its list")
        return code


@dataclass(frozen=True, slots=True)
class Dated:
    """Marks a string as a date as far as known, YYYY, YYYY-MM or YYYY-MM-DD, not after the context's `today`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's protocol
        return core_schema.with_info_after_validator_function(self.check, handler(source))

    def check(self, text: str | bytes, info: ValidationInfo) -> str | bytes:
        """Refuse another form, a day that does not exist, and the future; sealed bytes pass."""
        if isinstance(text, bytes):
            return text
        if not _DATE.fullmatch(text) or text < _EARLIEST or not _exists(text):
            raise PydanticCustomError("CON-012", "not a date of the form YYYY, YYYY-MM or YYYY-MM-DD since 1900")
        today: date | None = (info.context or {}).get("today")
        if today and text > today.isoformat()[: len(text)]:
            raise PydanticCustomError("CON-013", "a date in the future")
        return text


@dataclass(frozen=True, slots=True)
class SealedText:
    """Marks a field as text at the agency and as sealed bytes on the wire; its length is bounded in UTF-8 bytes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's protocol
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, text: str | bytes) -> str | bytes:
        """Refuse what could not be decoded again under the limits of ingest."""
        if length_of(text) > (limits.INGEST.sealed if isinstance(text, bytes) else limits.INGEST.text):
            raise PydanticCustomError("CON-015", "a text that is too long")
        return text


def length_of(value: object) -> int:
    """Return the length in bytes of a text or of bytes, 0 for anything else; refuse what UTF-8 cannot express."""
    if not isinstance(value, str):
        return len(value) if isinstance(value, bytes) else 0
    try:
        return len(value.encode())
    except UnicodeEncodeError:
        raise PydanticCustomError("CON-014", "a text with half a character") from None


def _exists(text: str) -> bool:
    try:
        date.fromisoformat(text + _FORMS[len(text)])
    except ValueError:
        return False
    return True


AgencyId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
HexKey = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Text = Annotated[str, Field(max_length=200)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Sealable = Annotated[str | bytes, SealedText()]
SealableDate = Annotated[str | bytes, SealedText(), Dated()]
Codes = Field(default=None, max_length=64)
