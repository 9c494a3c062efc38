"""Own sparse matrices beside SciPy's, on the operations of real runs: `python -m tests.bench.sparse_matrices`; prints.

The operations of a year of cases of CTDC's size, and of a year of cross tables beside its quarters, are recorded with
their operands. Then each is repeated with both kinds of matrix in the same process, the operands made before.
"""

import datetime as dt
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from anonymizer import policy
from anonymizer.tabular import complementary, crosstab, joint_system, primary, protection_audit, publication_decision
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.sparse_matrix import Matrix, hstack, vstack
from connectors.adapters.policy_store import shipped_policy
from streams.core.releasing.release_plan import plan
from tests.bench.test_release_time import a_year_of_cases
from tests.support.disclosure import engine
from tests.support.tables import DIMS, MARGINS, QUARTERS, people, published, quarter_of, regions

Call = tuple[str, tuple[Any, ...]]

OWN: dict[str, Callable[..., Any]] = {
    "matrix @ vector": Matrix.__matmul__,
    "matrix @ matrix": Matrix.__matmul__,
    "rows": Matrix.select_rows,
    "columns": Matrix.select_columns,
    "vstack": lambda *parts: vstack(parts),
    "hstack": lambda *parts: hstack(parts),
}
SCIPY: dict[str, Callable[..., Any]] = {
    "matrix @ vector": lambda a, x: a @ x,
    "matrix @ matrix": lambda a, b: a @ b,
    "rows": lambda a, kept: a[kept],
    "columns": lambda a, kept: a[:, kept],
    "vstack": lambda *parts: sparse.vstack([_wide(part, parts) for part in parts], format="csr"),
    "hstack": lambda *parts: sparse.hstack(parts, format="csr"),
}


def _wide(part: Any, parts: Sequence[Any]) -> Any:  # noqa: ANN401 - SciPy has no types
    width = max(other.shape[1] for other in parts)
    if part.shape[1] == width:
        return part
    return sparse.csr_array((part.data, part.indices, part.indptr), shape=(part.shape[0], width))


def recorded(run: Callable[[], object]) -> list[Call]:
    """Return every matrix operation of a run, with its operands."""
    calls: list[Call] = []

    def noting(name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*operands: Any) -> Any:  # noqa: ANN401 - as above
            kind = f"matrix @ {'matrix' if isinstance(operands[1], Matrix) else 'vector'}" if name == "@" else name
            calls.append((kind, tuple(operands[0]) if kind in {"vstack", "hstack"} else operands))
            return operation(*operands)

        return noted

    methods = {"__matmul__": "@", "select_rows": "rows", "select_columns": "columns"}
    before: list[tuple[Any, str, Callable[..., Any], str]] = [
        (Matrix, method, getattr(Matrix, method), name) for method, name in methods.items()
    ]
    modules = (complementary, crosstab, joint_system, primary, protection_audit, publication_decision)
    before += [(m, f.__name__, f, f.__name__) for m in modules for f in (vstack, hstack) if hasattr(m, f.__name__)]
    for place, attribute, operation, name in before:
        setattr(place, attribute, noting(name, operation))
    try:
        run()
    finally:
        for place, attribute, operation, _ in before:
            setattr(place, attribute, operation)
    return calls


def seconds(calls: Sequence[Call], operations: dict[str, Callable[..., Any]]) -> dict[str, float]:
    """Return the seconds of all calls by kind, the best of three repetitions."""
    best: dict[str, float] = {}
    for _ in range(3):
        spent: dict[str, float] = defaultdict(float)
        for kind, operands in calls:
            began = time.perf_counter()
            operations[kind](*operands)
            spent[kind] += time.perf_counter() - began
        best = {kind: min(spent[kind], best.get(kind, spent[kind])) for kind in spent}
    return best


def in_scipy(operand: Any) -> Any:  # noqa: ANN401 - as above
    """Return an operand as SciPy would hold it."""
    if not isinstance(operand, Matrix):
        return operand
    return sparse.csr_array((operand.values, (operand.rows, operand.columns)), shape=operand.shape)


def compare(name: str, run: Callable[[], object]) -> None:
    """Print the time of a run, and of its matrix operations with both kinds of matrix."""
    began = time.perf_counter()
    run()
    whole = time.perf_counter() - began
    calls = recorded(run)
    own = seconds(calls, OWN)
    scipys = seconds([(kind, tuple(in_scipy(one) for one in operands)) for kind, operands in calls], SCIPY)
    entries = [len(one.values) for _, operands in calls for one in operands if isinstance(one, Matrix)]
    print(f"{name}: {whole:.2f} s; {len(calls)} operations, median operand of {np.median(entries):.0f} entries")
    for kind in own:
        count = sum(1 for other, _ in calls if other == kind)
        print(f"  {kind:16} {count:6} times: own {1e3 * own[kind]:8.1f} ms, SciPy {1e3 * scipys[kind]:8.1f} ms")
    print(f"  {'all':16} {len(calls):6} times: own {1e3 * sum(own.values()):8.1f} ms, "
          f"SciPy {1e3 * sum(scipys.values()):8.1f} ms")  # fmt: skip


def year_of_cases() -> None:
    """Plan a year of cases of CTDC's size."""
    rules = policy.load(shipped_policy("suppression"))
    plan(a_year_of_cases(2_000, seed=1), dt.date(2025, 6, 1), (), rules, engine=engine())


def year_of_tables() -> None:
    """Protect four quarters of cross tables, and the year beside them."""
    counts, groups = people(4, "2023", 300, 1), regions(4)
    history: list[CrossTable] = []
    for quarter in QUARTERS:
        margins = tuple(margin | {"year", "quarter"} for margin in MARGINS)
        history.append(published(CrossTable(DIMS, margins, quarter_of(counts, quarter), groups), history)[0])
    published(CrossTable(DIMS, tuple(margin | {"year"} for margin in MARGINS), counts, groups), history)


def import_seconds(module: str) -> float:
    """Return how long a fresh process takes to import a module, beyond what NumPy takes; the best of five."""
    code = f"import numpy, time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    return min(float(run.stdout) for run in runs)


if __name__ == "__main__":
    compare("a year of cases", year_of_cases)
    compare("a year of cross tables", year_of_tables)
    for module in ("scipy.sparse", "anonymizer.tabular.sparse_matrix"):
        print(f"import {module}: {1e3 * import_seconds(module):.0f} ms")
