"""The de-identifier as deployed, which tells on its output when it begins and ends a batch: `BEGUN TOPIC PARTITION`."""

import sys
from collections.abc import Callable, Sequence

from amana.__main__ import main
from streams.runtime import stage
from streams.stages import deidentify

BEGUN, ENDED = "begun", "ended"


class Told(deidentify.Deidentify):
    """The stage's own handler, overheard."""

    async def __call__(
        self, batch: Sequence[stage.Record], value_of: Callable[[str], bytes | None]
    ) -> stage.BatchResult:
        where = f"{batch[0].topic} {batch[0].partition}"
        sys.stderr.write(f"{BEGUN} {where}\n")
        result = await super().__call__(batch, value_of)
        sys.stderr.write(f"{ENDED} {where}\n")
        return result


if __name__ == "__main__":
    deidentify.Deidentify = Told  # type: ignore[misc] # so that it is overheard
    sys.argv = ["amana", "worker", "deidentify"]
    main()
