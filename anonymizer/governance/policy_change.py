"""The difference between two policies in plain words: what changes for people, and whether protection falls or rises.

Purpose: an officer who is to sign reads sentences about cells, tables and prints, and no settings. A setting without a
sentence of its own is named with its two values, so that nothing is left out.
Called by: `amana policy diff`, `propose` and `sign`; tests.

Invariants:
- Two policies that differ in anything but their digest have a change.
- `less` and `more` are about the protection of people in the data; a change that is neither is `other`.
- A change whose direction nobody can tell is never called `more`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from anonymizer.measures import measure_of
from anonymizer.policy import Policy, Population, TablePlan

__all__ = ["PolicyChange", "changes"]

Direction = Literal["less", "more", "other"]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One change: the direction of protection, and the sentence for people."""

    protection: Direction
    sentence: str

    def __str__(self) -> str:
        """Return the sentence behind a sign: `-` less protection, `+` more, `·` neither."""
        return f"{ {'less': '-', 'more': '+', 'other': '·'}[self.protection] } {self.sentence}"


def changes(before: Policy, after: Policy) -> tuple[PolicyChange, ...]:
    """Return every change from one policy to another, those with less protection first."""
    found = [
        *_cells(before, after),
        *_shown_codes(before, after),
        *_prints(before, after),
        *_noise(before, after),
        *_populations(before, after),
        *_declarations(before, after),
        *_tables(before, after),
        *_regions(before, after),
        *_coverage(before, after),
        *_texts(before, after),
        *_rest(before, after),
    ]
    order = {"less": 0, "other": 1, "more": 2}
    return tuple(sorted(found, key=lambda change: order[change.protection]))


def _lower(is_lower: bool) -> Direction:  # noqa: FBT001 - the answer to one question
    return "less" if is_lower else "more"


def _cells(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of the rules for a single cell."""
    old, new = before.suppression, after.suppression
    if new.k < old.k:
        yield PolicyChange("less", f"Cells of {_span(new.k, old.k - 1)} persons, suppressed so far, will be shown.")
    if new.k > old.k:
        yield PolicyChange("more", f"Cells of {_span(old.k, new.k - 1)} persons, shown so far, will be suppressed.")
    if new.min_agencies != old.min_agencies:
        what = "window" if new.rule == "insider" else "cell"
        text = f"A {what} is shown if at least {new.min_agencies} agencies reported people in it"
        yield PolicyChange(_lower(new.min_agencies < old.min_agencies), f"{text}, not {old.min_agencies}.")
    if new.dominance is None and old.dominance is not None:
        yield PolicyChange(
            "more", "No agency that takes its own persons away from a shown cell is left with a few others."
        )
    elif new.dominance is not None and old.dominance is None:
        text = "An agency that takes its own persons away from a shown cell may be left with a few others"
        yield PolicyChange("less", f"{text}: it may have {new.dominance:.0%} of the cell.")
    elif new.dominance is not None and old.dominance is not None and new.dominance != old.dominance:
        text = f"One agency may have {new.dominance:.0%} of a shown cell, not {old.dominance:.0%}."
        yield PolicyChange(_lower(new.dominance > old.dominance), text)
    waived, kept = set(new.single_agency_countries), set(old.single_agency_countries)
    if added := sorted(waived - kept):
        yield PolicyChange("less", f"In {', '.join(added)} a cell is shown even if one agency alone reported it.")
    if removed := sorted(kept - waived):
        yield PolicyChange("more", f"In {', '.join(removed)} a cell that one agency alone reported is suppressed.")


def _shown_codes(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of what a table shows of zeros and of unknown codes."""
    old, new = before.suppression, after.suppression
    if new.zeros != old.zeros:
        text = "Zeros will be shown: a blank then says that somebody is there."
        hidden = "Zeros will be hidden as small counts are."
        yield PolicyChange(*(("less", text) if new.zeros == "shown" else ("more", hidden)))
    if new.unknown != old.unknown:
        text = "Tables will have cells of the code unknown." if new.unknown == "shown" else ""
        yield PolicyChange("other", text or "Tables will have no cells of the code unknown.")


def _span(first: int, last: int) -> str:
    return f"{first} to {last}" if last > first else f"{first}"


def _prints(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of the dates of release."""
    old, new = before.calendar, after.calendar
    if new.grace_days != old.grace_days:
        yield PolicyChange(
            "other", f"The first print is {new.grace_days} days after a window's end, not {old.grace_days}."
        )
    if new.first_year != old.first_year:
        text = f"Events before {new.first_year} are refused, not those before {old.first_year}."
        yield PolicyChange("other", text)
    if new.revision_years != old.revision_years:
        text = (
            f"The revision is {new.revision_years} years after the first print of the year, not {old.revision_years};"
        )
        yield PolicyChange("other", f"{text} events that come later are late.")


def _noise(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of the privacy budget."""
    old, new = before.dp, after.dp
    if old == new:
        return
    if old is None or new is None:
        yield PolicyChange("other", f"The section of differential privacy is {'added' if new else 'removed'}.")
        return
    for name, words in (
        ("epsilon", "A person-year may lose epsilon"),
        ("delta", "The loss may be larger with probability"),
    ):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield PolicyChange(_lower(now > was), f"{words} {now:g}, not {was:g}.")
    if old.relation != new.relation:
        holds = "" if new.relation == "insider" else "not "
        text = f"The loss is {holds}bounded against an agency that reports about the same person."
        yield PolicyChange(_lower(new.relation != "insider"), text)
    for name in ("populations", "shares", "late", "codes", "uncertain", "first_year"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield PolicyChange("other", f"The budget's {name} is {now}, not {was}.")


def _populations(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of who is counted, and how; a population is known by the kind of its events and by its measure."""
    old, new = ({_counted(p): p for p in policy.populations} for policy in (before, after))
    for counted in sorted(old.keys() | new.keys()):
        was, now, what = old.get(counted), new.get(counted), f"events of kind {counted[0]} by {counted[1]}"
        if was is None and now is not None:
            yield PolicyChange("less", f"{what.capitalize()} will be counted and released as {now.name}.")
        elif now is None and was is not None:
            yield PolicyChange("more", f"{what.capitalize()} ({was.name}) will no longer be counted or released.")
        elif was is not None and now is not None:
            yield from _population(was, now)


def _counted(population: Population) -> tuple[str, str]:
    """Return the kind of the events of a population and what is counted of them."""
    return population.kind, measure_of(population.kind, population.measure).name


def _declarations(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of what may be reported: named crises, and the owners of stages of proceedings."""
    if before.crises != after.crises:
        for name in sorted(set(after.crises) ^ set(before.crises)):
            yield PolicyChange("other", f"Indicators may {'now' if name in after.crises else 'no longer'} name {name}.")
        if set(after.crises) == set(before.crises):
            yield PolicyChange("other", "The named crises are listed in another order.")
    old, new = ({place: one.agency for one in policy.authorities for place in one.owned} for policy in (before, after))
    for place in sorted(old.keys() | new.keys()):
        if (was := old.get(place)) != (now := new.get(place)):
            country, stage, phenomenon = place
            text = f"{stage} of {phenomenon} in {country} will be counted as {now or 'nobody'} reports it"
            yield PolicyChange("other", f"{text}, not {was or 'nobody'}.")
    if old == new and before.authorities != after.authorities:
        yield PolicyChange("other", "The authorities are declared in other words, with the same stages.")


def _population(was: Population, now: Population) -> Iterator[PolicyChange]:
    if was.name != now.name:
        yield PolicyChange("other", f"The population {was.name} will be called {now.name}.")
    if was.mode != now.mode:
        how = "with noise" if now.mode == "dp" else "exactly, with small cells suppressed"
        yield PolicyChange("other", f"{now.name} will be released {how}.")
    if was.unit != now.unit:
        yield PolicyChange("other", f"{now.name} will be counted by {now.unit}, not by {was.unit}.")
    old, new = ({cube.name: cube.dimensions for cube in population.cubes} for population in (was, now))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            counted = f"by {', '.join(new[name])}" if name in new else "no longer"
            yield PolicyChange("other", f"{now.name}: exact cells of {name} will be counted {counted}.")


def _tables(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of what is released."""
    # A population that only gets another name is said once, and not again at each of its tables.
    kinds = {population.name: _counted(population) for population in before.populations}
    names = {_counted(population): population.name for population in after.populations}
    old = {
        table.name: table.model_copy(update={"population": names.get(kinds[table.population], table.population)})
        for table in before.tables
    }
    new = {table.name: table for table in after.tables}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            yield PolicyChange("less", f"A new table is released: {name}, {_shown(now)}.")
        elif now is None and was is not None:
            yield PolicyChange("more", f"The table {name}, {_shown(was)}, is no longer released.")
        elif was is not None and now is not None and was != now:
            if _shown(was) != _shown(now):
                yield PolicyChange(_finer(was, now), f"The table {name} shows {_shown(now)}, not {_shown(was)}.")
            weights = [(table.weight, table.year_weight) for table in (was, now)]
            if weights[0] != weights[1]:
                text = f"The table {name} has the weights {weights[1]} where noise is divided, not {weights[0]}."
                yield PolicyChange("other", text)


def _shown(table: TablePlan) -> str:
    by = f" by {' and '.join(table.dimensions)}" if table.dimensions else ""
    where = "country and region" if table.geography == "country" else "region"
    when = "quarter and year" if table.period == "quarter" else "year"
    return f"{table.population}{by} for each {where}, {when} (cube {table.cube})"


def _finer(was: TablePlan, now: TablePlan) -> Direction:
    """Return `more` only if a table shows nothing that it did not show before."""
    same = (was.population, was.cube) == (now.population, now.cube)
    places = now.geography in {was.geography, "region"}
    times = now.period in {was.period, "year"}
    return "more" if same and places and times and set(now.dimensions) <= set(was.dimensions) else "less"


def _regions(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of the places that are released."""
    old, new = ({region.id: set(region.countries) for region in policy.regions} for policy in (before, after))
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            yield PolicyChange("less", f"A new region is released: {name}, with {', '.join(sorted(now))}.")
        elif now is None and was is not None:
            yield PolicyChange("more", f"The region {name} is no longer released.")
        elif was is not None and now is not None and was != now:
            parts = [f"with {c}" for c in sorted(now - was)] + [f"without {c}" for c in sorted(was - now)]
            # Two lists of countries that differ by one tell that country's count.
            yield PolicyChange("less", f"The region {name} is released {', '.join(parts)}.")


def _coverage(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of the countries that are declared to be covered."""
    old, new = set(before.coverage), set(after.coverage)
    for sign, entries in (("is declared", new - old), ("is no longer declared", old - new)):
        for entry in sorted(entries, key=repr):
            years = f"from {entry.first} on" if entry.last is None else f"from {entry.first} to {entry.last}"
            agencies = f" by {', '.join(entry.agencies)}" if entry.agencies else ""
            text = f"That {entry.kind} is reported {years} in {', '.join(entry.countries)}{agencies} {sign}."
            yield PolicyChange("other", text)


def _texts(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Changes of the treatment of free text and of single values, which hold at once, whatever the year."""
    old, new = before.text, after.text
    if old.narratives != new.narratives:
        masks = new.narratives == "mask"
        text = "Narratives are kept, with what the detectors find masked." if masks else "Narratives are not kept."
        yield PolicyChange(_lower(masks), text)
    if gone := sorted(set(old.entities) - set(new.entities)):
        yield PolicyChange("less", f"These are no longer masked in texts: {', '.join(gone)}.")
    if added := sorted(set(new.entities) - set(old.entities)):
        yield PolicyChange("more", f"These are masked in texts as well: {', '.join(added)}.")
    for language, was in old.names:
        now = getattr(new.names, language)
        if now != was:
            text = f"A word of language {language} is masked below {now:g}, not {was:g}."
            yield PolicyChange(_lower(now < was), text)
    if old.score_threshold != new.score_threshold:
        text = f"A finding is masked from a score of {new.score_threshold:g} on, not {old.score_threshold:g}."
        yield PolicyChange(_lower(new.score_threshold > old.score_threshold), text)
    if old.replace != new.replace:
        text = f"Masked dates become {new.replace.date}, masked places {new.replace.place}."
        yield PolicyChange("less" if "placeholder" in {old.replace.date, old.replace.place} else "other", text)
    if before.generalise.date != after.generalise.date:
        finer = after.generalise.date == "month"
        yield PolicyChange(_lower(finer), f"Dates of events are kept to the {after.generalise.date}.")


_SAID: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            "suppression",
            "calendar",
            "coverage",
            "dp",
            "populations",
            "tables",
            "regions",
            "text",
            "generalise",
            "bounds",
            "authorities",
            "crises",
            "digest",
        }
    ),
    "text": frozenset({"narratives", "entities", "names", "score_threshold", "replace"}),
    "generalise": frozenset({"date"}),
    "bounds": frozenset(),
}
"""Section (empty for the whole policy) → settings that have a sentence above."""


def _rest(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Yield every other setting that differs, by its name."""
    for section, was, now in (
        ("", before, after),
        ("text", before.text, after.text),
        ("generalise", before.generalise, after.generalise),
        ("bounds", before.bounds, after.bounds),
    ):
        for name, old, new in _differing(dict(was), dict(now)):
            if name not in _SAID[section]:
                yield PolicyChange("other", f"{section}{section and '.'}{name} is {new}, not {old}.")


def _differing(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    return ((name, was[name], now[name]) for name in was if was[name] != now[name])
