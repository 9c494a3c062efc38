"""The detector process as it is, but for one thing: its user may read how much memory it has."""

import sys

from anonymizer.engines import detector, undumped

if __name__ == "__main__":
    undumped.forbid = lambda: None
    detector.main(int(sys.argv[1]))
