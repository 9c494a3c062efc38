"""Groups of codes in a noisy table: sums of its cells, with the uncertainty of the sum.

Purpose: it computes the cells that name a group in at least one dimension. A sum of what was drawn costs nothing more.
Called by: `amana protect`.

Invariants:
- A group is the sum of its codes' values, to a millionth, and its sd is that of the least squares fit.
- Groups that hold none of a dimension's codes are left out.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import product

from anonymizer.noise.least_squares import Fit, Margin, below, portion
from anonymizer.noise.noisy_table import Draw, NoisyRow
from schemas.trend import TOTAL

__all__ = ["grouped"]

Places = tuple[int, ...]
"""Positions of codes within their dimension's code list."""


def grouped(draw: Draw, groups: Mapping[str, Mapping[str, frozenset[str]]]) -> Iterator[NoisyRow]:
    """Yield the cells of a draw that name a group, smallest margin first.

    Args:
        draw: the stored draw.
        groups: dimension → group → codes; groups may overlap.
    """
    fit = draw.fit
    options = [_options(draw.codes[d], groups.get(name, {})) for d, name in enumerate(draw.dims)]
    for margin in below(draw.margins):
        values = fit.values(margin)
        for chosen in product(*(options[d].items() for d in margin)):
            if all(
                name in draw.codes[d] and len(places) == 1 for d, (name, places) in zip(margin, chosen, strict=True)
            ):
                continue
            cells = values
            for axis, (_, places) in enumerate(chosen):
                cells = cells.take(places, axis=axis)
            spans = {d: len(places) for d, (_, places) in zip(margin, chosen, strict=True)}
            names = dict(zip(margin, (name for name, _ in chosen), strict=True))
            codes = tuple(names.get(d, TOTAL) for d in range(len(draw.dims)))
            yield NoisyRow.of(codes, float(cells.sum()), _deviation(fit, margin, spans))


def _deviation(fit: Fit, margin: Margin, spans: Mapping[int, int]) -> float:
    """Return the standard deviation of a sum of cells of a margin: those of `spans[d]` codes of dimension d."""
    known = fit.covariances
    return math.sqrt(sum(portion(fit.sizes, margin, part, spans) * known[part].item() for part in below([margin])))


def _options(codes: tuple[str, ...], groups: Mapping[str, frozenset[str]]) -> dict[str, Places]:
    """Return what a cell may name in a dimension: its codes, and the groups that hold any of them."""
    single = {code: (i,) for i, code in enumerate(codes)}
    held = {name: tuple(i for i, code in enumerate(codes) if code in groups[name]) for name in sorted(groups)}
    return single | {name: places for name, places in held.items() if places}
