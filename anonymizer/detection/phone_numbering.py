"""Valid telephone numbers of several regions, as libphonenumber's matcher finds them, but asked less often.

The matcher is slow and must be asked once for each region. It is therefore asked only about runs of digits that a
region's numbering plan could accept, each cut out together with the characters around it that the matcher reads.

Called by: `phones.Phone`, which scores the numbers.

Invariant: `around_digits` returns the same set as `everywhere` (`tests/property/test_equal_findings.py`).

Source: libphonenumber, `PhoneNumberMatcher`, in its Python port `phonenumbers`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import phonenumbers

from schemas.errors import ConfigurationError

__all__ = ["HINT", "Numbering", "metadata"]

_KINDS: Final = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip
# After `phonenumbers.phonenumberutil`: the signs, and the words for an extension, between the digits of one number.
_PUNCTUATION: Final = (
    r"[-x\u2010-\u2015\u2212\u30fc\uff0d-\uff0f \u00a0\u00ad\u200b\u2060\u3000()\uff08\uff09\uff3b\uff3d.\[\]/~\u2053"
    r"\u223c\uff5e]"
)
_EXTENSION: Final = (
    r"[ \u00a0\t,;]*(?:;ext=|e?xt(?:ensi(?:o\u0301?|\u00f3))?n?|\uff45?\uff58\uff54\uff4e?|\u0434\u043e\u0431|anexo"
    r"|[x\uff58#\uff03~\uff5e]|int|\uff49\uff4e\uff54)[:.\uff0e]?[ \u00a0\t,-]*"
)
_JOINT: Final = rf"(?:{_PUNCTUATION}{{0,4}}|{_EXTENSION}|[- ]+)"
_FEWEST: Final = 4  # digits of a number
_GROUP: Final = re.compile(r"\d+")
_DIGITS: Final = re.compile(r"\d")
_RUN: Final = re.compile(rf"\d(?:{_JOINT}\d){{{_FEWEST - 1},}}", re.IGNORECASE)
# Runs of ASCII digits with plain separators; about any other, such as one with an extension, every region is asked.
_SIMPLE: Final = re.compile(r"[0-9]{1,400}|(?:[0-9]{1,20}(?![0-9])|[\s().\-/])*")
_DATE: Final = re.compile(r"(?:[0-3]?[0-9]/[01]?[0-9]|[01]?[0-9]/[0-3]?[0-9])/(?:[12][0-9])?[0-9]{2}")
# The international prefix 00, also with signs within it, and five digits and more behind it.
_ABROAD: Final = re.compile(r"(?<!\d)0\D*0\D*[1-9](?:\D*\d){4}")
_DIALLED: Final = "00"
_LONGEST: Final = 24  # digits of a number with its prefixes, and some more
_LEAD: Final = 11  # two openings with their punctuation, and the character before them
_TAIL: Final = 4  # the minutes of a time of day, or a letter

HINT: Final = rf"\d(?:\D{{0,4}}\d){{{_FEWEST - 1}}}"
"""A pattern for the prefilter: it matches in every text that holds a number."""

Place = tuple[int, int]
"""Start and end of a number (characters, half open)."""


class Numbering:
    """The numbering plans of some regions (alpha-2).

    Raises:
        ConfigurationError: CFG-022, a region without telephone numbers.
    """

    def __init__(self, regions: Sequence[str]) -> None:
        by_region = {region: metadata(region) for region in regions}
        plans = {region: _plan(data) for region, data in by_region.items()}
        self._plans = {region: re.compile(plan) for region, plan in plans.items()}
        self._any = re.compile("|".join(sorted(set(plans.values()))))
        # If all regions dial abroad with 00, they all read an international number in the same way.
        self._alike = all(data.international_prefix == _DIALLED for data in by_region.values())

    def everywhere(self, text: str) -> set[Place]:
        """Return the numbers in a text as Presidio's own recogniser does: each region's matcher reads the whole text.

        Source: presidio_analyzer 2.2.366, `PhoneRecognizer`, leniency 1 (a valid number).
        """
        matchers = (phonenumbers.PhoneNumberMatcher(text, region) for region in self._plans)
        return {(match.start, match.end) for matches in matchers for match in matches}

    def around_digits(self, text: str) -> set[Place]:
        """Return the same numbers as `everywhere`; the matcher reads runs of digits alone."""
        return {place for match in _RUN.finditer(text) for place in self._within(text, *match.span())}

    def _within(self, text: str, start: int, end: int) -> Iterator[Place]:
        """Yield the numbers within one run of digits of a text."""
        run = text[start:end]
        # The matcher also reads opening brackets and the plus sign before the run, and a few characters behind it.
        before = _DIGITS.split(text[max(0, start - _LEAD) : start])[-1]
        abroad = "+" in before or "\uff0b" in before or _ABROAD.search(run) is not None
        piece, offset = before + text[start : end + _TAIL], start - len(before)
        for region in self._candidates(run, abroad=abroad):
            matches = list(phonenumbers.PhoneNumberMatcher(piece, region))
            yield from ((match.start + offset, match.end + offset) for match in matches)
            if abroad and len(matches) == 1 and self._alike:
                digits = "".join(_DIGITS.findall(matches[0].raw_string))
                signed = matches[0].raw_string.lstrip("([").startswith("+")
                international = digits if signed else digits.removeprefix(_DIALLED)
                country = str(matches[0].number.country_code)
                if digits == "".join(_DIGITS.findall(run)) and international.startswith(country):
                    return  # the whole run is one international number; the other regions would read the same

    def _candidates(self, run: str, *, abroad: bool) -> Sequence[str]:
        """Return the regions that have to be asked about a run of digits.

        These are the regions whose plan accepts some part of the run, from the start of a group to the end of a group.
        If the run may hold an international number (`abroad`), one further region is asked for all the others.
        """
        if _DATE.fullmatch(run):
            return ()  # the matcher never takes a date for a number
        if not self._alike or not _SIMPLE.fullmatch(run):
            return tuple(self._plans)
        parts = [part for part in _parts(_GROUP.findall(run)) if self._any.fullmatch(part)]
        home = [region for region, plan in self._plans.items() if any(map(plan.fullmatch, parts))]
        others = (region for region in self._plans if region not in home)
        return [*islice(others, 1), *home] if abroad else home


def _parts(groups: Sequence[str]) -> Iterator[str]:
    """Yield the digits of neighbouring groups joined, up to 24 digits, from every group on."""
    for first in range(len(groups)):
        part = ""
        for group in groups[first:]:
            part += group
            if len(part) > _LONGEST:
                break
            yield part


def metadata(region: str) -> phonenumbers.PhoneMetadata:
    """Return libphonenumber's data on a region (alpha-2).

    Raises:
        ConfigurationError: CFG-022, a region without telephone numbers.
    """
    data = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if data is None:
        raise ConfigurationError(
            "CFG-022", "a region of the policy has no telephone numbers", field="text.phone_regions"
        )
    return data


def _plan(data: phonenumbers.PhoneMetadata) -> str:
    """Return a pattern that matches all digits that the matcher can read as a valid number, and some others."""
    if data.national_prefix_transform_rule or data.country_code is None:
        return "[0-9]*"  # the rule rewrites digits before they are compared: any may become a valid number
    # Regions may share a country code (the United States and Canada); the matcher accepts the numbers of them all.
    sharing = [metadata(region) for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[data.country_code]]
    kinds = (getattr(region, kind) for region in sharing for kind in _KINDS)
    numbers = sorted({kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern})
    prefixes = sorted({r.national_prefix_for_parsing for r in sharing if r.national_prefix_for_parsing})
    return rf"(?:{data.country_code})?(?:{'|'.join(prefixes)}){{0,2}}(?:{'|'.join(numbers)})"
