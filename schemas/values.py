"""Value types of the raw events: codes, dates, keys and texts.

Purpose: say which form a single value must have, and with which code another one is refused.
Called by: `schemas.raw` alone, whose models check a row at the agency's publisher and an event at admission.

Invariants:
- No message repeats the value.
- No clock is read: the future begins after the `today` that the caller passes in the validation context.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas import codelists, limits
from schemas.identifiers import AgencyId, EventId

__all__ = [
    "LARGEST_COUNT",
    "Agency",
    "Bounded",
    "Codes",
    "Count",
    "Dated",
    "EventHash",
    "HexKey",
    "Listed",
    "LongText",
    "Text",
    "TextDate",
    "length_of",
]

LARGEST_COUNT: Final = 1_000_000
"""The largest count of one event: more persons than any agency reports at once. Events are bounded in number
(`anonymizer.policy.AgencyBounds`), so that no sum of counts leaves 64 bits."""

_COMPLETIONS = {4: "-01-01", 7: "-01", 10: ""}  # length of a date → what makes it a whole one
_DATE = re.compile(r"\d{4}(-\d{2}){0,2}", re.ASCII)
_EARLIEST = "1900"  # earlier years are typing errors, as nobody alive is in them


@dataclass(frozen=True, slots=True)
class Listed:
    """Annotation of a string that is one code of the list `name`."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's protocol
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, code: str) -> str:
        """Return the code; raise CON-011 where the list does not have it."""
        if not codelists.valid(self.name, code):
            raise PydanticCustomError("CON-011", "not a code of its list")
        return code


@dataclass(frozen=True, slots=True)
class Dated:
    """Annotation of a date as far as known: YYYY, YYYY-MM or YYYY-MM-DD, not after the context's `today`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's protocol
        return core_schema.with_info_after_validator_function(self.check, handler(source))

    def check(self, text: str, info: ValidationInfo) -> str:
        """Return the date; raise CON-012 for another form or a day that does not exist, CON-013 for the future."""
        if not _DATE.fullmatch(text) or text < _EARLIEST or not _exists(text):
            raise PydanticCustomError("CON-012", "not a date of the form YYYY, YYYY-MM or YYYY-MM-DD since 1900")
        today: date | None = (info.context or {}).get("today")
        # compared as far as the date is known: the year 2024 is not in the future on any day of 2024
        if today and text > today.isoformat()[: len(text)]:
            raise PydanticCustomError("CON-013", "a date in the future")
        return text


@dataclass(frozen=True, slots=True)
class Bounded:
    """Annotation of a text that is bounded in UTF-8 bytes, not in characters, as decoding is."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's protocol
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, text: str) -> str:
        """Return the text; raise CON-015 where the limits of ingest would not let it be decoded again."""
        if length_of(text) > limits.INGEST.text:
            raise PydanticCustomError("CON-015", "a text that is too long")
        return text


def length_of(value: object) -> int:
    """Return the length in bytes of a text, 0 for anything else.

    Raises:
        PydanticCustomError: CON-014, a lone surrogate, which UTF-8 cannot express.
    """
    if not isinstance(value, str):
        return 0
    try:
        return len(value.encode())
    except UnicodeEncodeError:
        raise PydanticCustomError("CON-014", "a text with half a character") from None


def _exists(text: str) -> bool:
    try:
        date.fromisoformat(text + _COMPLETIONS[len(text)])
    except ValueError:
        return False
    return True


_HASH = r"^[0-9a-f]{32}$"

Agency = Annotated[AgencyId, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]  # also part of topic names
EventHash = Annotated[EventId, Field(pattern=_HASH)]
HexKey = Annotated[str, Field(pattern=_HASH)]
Text = Annotated[str, Field(max_length=200)]
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
LongText = Annotated[str, Bounded()]
TextDate = Annotated[str, Bounded(), Dated()]
Codes = Field(default=None, max_length=64)
