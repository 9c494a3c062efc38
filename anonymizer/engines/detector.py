"""The detector process: texts in, findings out, one after the other, until its parent hangs up.

Decides its own bounds: address space, death with the parent. Run as `python -m anonymizer.engines.detector FD`, one
end of a socket pair as file descriptor FD; the first message holds the text rules and the bounds. Everything that comes
from the parent is JSON, and so is everything that goes back: a process that reads hostile text is not trusted with
pickles.
"""

import ctypes
import io
import json
import os
import resource
import signal
import socket
import sys
from typing import Any, Final

from anonymizer import policy
from anonymizer.engines import presidio
from schemas.errors import ContractError

__all__ = ["main"]

_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(descriptor: int) -> None:
    """Answer every message of the parent: `[text, language, known]` → `{"found": …}` or `{"code": …}`."""
    with socket.socket(fileno=descriptor) as parent, parent.makefile("rwb") as lines:
        setup = json.loads(lines.readline())
        _bind(setup["address_space_bytes"])
        analyzer = presidio.Analyzer(policy.TextRules.model_validate(setup["rules"]))
        analyzer.warm()
        _say(lines, {})
        for line in lines:
            for text, language, known in json.loads(line):
                _say(lines, _answer(analyzer, text, language, known))


def _say(lines: io.BufferedRWPair, message: dict[str, Any]) -> None:
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()


def _bind(address_space_bytes: int) -> None:
    """Die with the parent, and run out of memory before the machine does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(0)  # the parent died before the call
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold texts


def _answer(analyzer: presidio.Analyzer, text: str, language: str | None, known: dict[str, str]) -> dict[str, Any]:
    try:
        found = analyzer.findings(text, language, known)
    except ContractError as error:
        return {"code": error.code}
    return {"found": [[f.start, f.end, f.type, f.score] for f in found]}


if __name__ == "__main__":
    main(int(sys.argv[1]))
