"""The de-identifier as deployed, but for detectors that crash, hang or eat memory where a text says so."""

import functools
import sys

from amana.__main__ import main
from anonymizer.sandbox import detector_pool

if __name__ == "__main__":
    flawed = functools.partial(detector_pool.DetectorPool, module="tests.support.misbehaving_detector")
    detector_pool.DetectorPool = flawed  # type: ignore[misc,assignment] # the flaw
    sys.argv = ["amana", "worker", "deidentify"]
    main()
