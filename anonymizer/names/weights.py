"""The weights of a trained model, and the model file.

A model file is one LZMA stream: a JSON header on one line, then the weights as 16-bit fixed-point numbers in units of
1/1024, little endian.

Called by: `recogniser`, which reads the shipped models; `model`, which sums the weights; `anonymizer.training`, whose
`fit` makes them and whose `make` writes them.

Invariant: equal weights give equal bytes, so that a model is known by its hash.
"""

import json
import lzma
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ConfigurationError

__all__ = ["WeightTable", "Weights", "from_bytes", "to_bytes"]

_MAGIC: Final = "amana-names-2"
_SCALE: Final = 1024.0
_TABLES: Final = ("here", "around", "pair", "flags", "styles")


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Feature names and their weights, one row for each name.

    Attributes:
        names: the names.
        values: float32 (names by slots by members by labels). Slots are the places from which a feature is seen: one
            for `here` and `flags`, the four offsets for `around`, two for `pair` (by the later word, by the earlier).
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one or more members: linear chains over the same labels, each trained on texts of one style.

    Attributes:
        labels: the labels, in the order of columns.
        transitions: scores of a label before another, float32 (members by from by to).
        here, around, pair, flags: weights of features.
        styles: evidence of a word form for each member's style, one number a member in the place of labels.
    """

    labels: tuple[str, ...]
    transitions: NDArray[np.float32]
    here: WeightTable
    around: WeightTable
    pair: WeightTable
    flags: WeightTable
    styles: WeightTable


def to_bytes(weights: Weights) -> bytes:
    """Return the bytes of a model file; weights are rounded to 1/1024."""
    tables = [getattr(weights, name) for name in _TABLES]
    header = {
        "format": _MAGIC,
        "labels": weights.labels,
        "members": len(weights.transitions),
        "names": {name: table.names for name, table in zip(_TABLES, tables, strict=True)},
    }
    # Sorted keys and a fixed preset: equal weights must give equal bytes.
    blocks = [json.dumps(header, ensure_ascii=False, sort_keys=True).encode() + b"\n"]
    for array in (weights.transitions, *(table.values for table in tables)):
        fixed = np.clip(np.rint(array * _SCALE), -32768, 32767)
        blocks.append(fixed.astype("<i2").tobytes())
    return lzma.compress(b"".join(blocks), preset=9)


def from_bytes(data: bytes) -> Weights:
    """Read a model file.

    Raises:
        ConfigurationError: CFG-025, not a model file of this version.
    """
    try:
        head, body = lzma.decompress(data).split(b"\n", 1)
        header: dict[str, Any] = json.loads(head)
    except (lzma.LZMAError, ValueError) as error:
        raise ConfigurationError("CFG-025", "a model file cannot be read") from error
    if header.get("format") != _MAGIC:
        raise ConfigurationError("CFG-025", "a model file is of another version")
    members, labels = header["members"], tuple(header["labels"])
    numbers = _Numbers(body)
    transitions = numbers.take((members, len(labels), len(labels)))
    tables = {}
    for name, slots in zip(_TABLES, (1, 4, 2, 1, 1), strict=True):
        names = tuple(header["names"][name])
        width = 1 if name == "styles" else len(labels)
        tables[name] = WeightTable(names, numbers.take((len(names), slots, members, width)))
    return Weights(labels, transitions, **tables)


class _Numbers:
    """The blocks of numbers in a model file, read one after the other."""

    def __init__(self, body: bytes) -> None:
        self._values = np.frombuffer(body, dtype="<i2")
        self._at = 0

    def take(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the next block in a shape."""
        size = int(np.prod(shape))
        values = self._values[self._at : self._at + size]
        self._at += size
        return (values.astype(np.float32) / np.float32(_SCALE)).reshape(shape)
