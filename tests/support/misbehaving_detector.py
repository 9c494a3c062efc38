"""The detector process with one flaw more: words in a text make it hang, crash or eat memory."""

import os
import sys
import time
from collections.abc import Mapping

from anonymizer.detection import presidio
from anonymizer.microdata.redaction import Finding
from anonymizer.sandbox import detector_process


class Misbehaving(presidio.Analyzer):
    """A detector that obeys words in the text."""

    def findings(self, text: str, tag: str | None = None, known: Mapping[str, str] | None = None) -> list[Finding]:
        """Hang, crash or eat memory on command, else detect."""
        if "hang" in text:
            time.sleep(3600)
        if "crash" in text:
            os._exit(3)
        if "memory" in text:
            _ = bytearray(64 << 30)
        if "backtrack" in text:
            raise TimeoutError
        return super().findings(text, tag, known)


if __name__ == "__main__":
    presidio.Analyzer = Misbehaving  # type: ignore[misc]  # the flaw
    detector_process.main(int(sys.argv[1]))
