"""The forward-backward algorithm for linear chains, many at once: exact marginal probabilities of labels.

Purpose: the arithmetic of a model, apart from features and weights. Both directions and all chains advance together, in
one matrix product per token: a loop in Python for each chain would cost more than the arithmetic.

Called by: `anonymizer.names.model.Model`.

Invariants:
- The pieces cover every token, and each has at least one: a token outside of all pieces would have no defined value.
- A piece is independent of every other one; it has the same result alone and among others, up to rounding.
- The probabilities of the labels of a token sum to 1.

Source: Lafferty, McCallum, Pereira (2001), "Conditional random fields"; Rabiner (1989) on scaling.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["marginals"]

_RESCALE_EVERY: Final = 4  # steps; rescaling at each one costs time, and a double goes without for a few
_TINY: Final = 1e-300  # against a division by zero


def marginals(
    emissions: NDArray[np.float32], transitions: NDArray[np.float32], bounds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the marginal probability of every label at every token.

    Args:
        emissions: scores, logarithms up to a constant (members by tokens by labels).
        transitions: scores of a label, the row, before another, the column (members by labels by labels).
        bounds: cuts of the tokens; piece i is `bounds[i]:bounds[i + 1]`, and pieces are independent.

    Returns:
        Probabilities (members by tokens by labels).
    """
    # Scores are shifted so that the greatest is 0 before exp, which would overflow otherwise.
    potentials = np.exp(np.subtract(emissions, emissions.max(axis=2, keepdims=True), dtype=np.float64))
    steps = np.exp((transitions - transitions.max(axis=(1, 2), keepdims=True)).astype(np.float64))
    starts, ends = bounds[:-1], bounds[1:]
    lengths = ends - starts
    step = np.arange(int(lengths.max()))[:, None]
    # Token indices (steps by 2 directions by pieces); a piece that is over repeats its last token, which `real` drops.
    places = np.stack([np.minimum(starts + step, ends - 1), np.maximum(ends - 1 - step, starts)], axis=1)
    real = step < lengths
    # The backward pass is a forward pass over reversed pieces with transposed transitions.
    outside = _sweep(potentials, np.stack([steps, steps.transpose(0, 2, 1)], axis=1), places)
    forward, backward = np.empty_like(potentials), np.empty_like(potentials)
    forward[:, places[:, 0][real]] = outside[:, :, 0].swapaxes(0, 1)[:, real]
    backward[:, places[:, 1][real]] = outside[:, :, 1].swapaxes(0, 1)[:, real]
    joint = forward * backward * potentials
    return np.asarray(joint / joint.sum(axis=2, keepdims=True))


def _sweep(
    potentials: NDArray[np.float64], steps: NDArray[np.float64], places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the evidence for each label from the tokens before it in each direction, up to a factor.

    Returns:
        Evidence (steps by members by directions by pieces by labels).
    """
    local = potentials.swapaxes(0, 1)[places].transpose(0, 3, 1, 2, 4).copy()
    outside = np.ones_like(local)
    carried = local[0].copy()
    for step, (before, here) in enumerate(zip(outside, local, strict=True)):
        if step:
            np.matmul(carried, steps, out=before)
            np.multiply(before, here, out=carried)
        if step % _RESCALE_EVERY == _RESCALE_EVERY - 1:
            carried /= carried.max(axis=3, keepdims=True) + _TINY
    return outside
