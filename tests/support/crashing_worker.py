"""The de-identifier as deployed, but for detectors that crash, hang or eat memory where a text says so."""

import functools
import sys

from amana.__main__ import main
from anonymizer.engines import pool

if __name__ == "__main__":
    pool.Pool = functools.partial(pool.Pool, module="tests.support.misbehaving_detector")  # type: ignore[misc,assignment] # the flaw
    sys.argv = ["amana", "worker", "deidentify"]
    main()
