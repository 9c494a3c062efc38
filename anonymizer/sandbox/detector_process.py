"""The detector processes: texts in, findings out, one after the other, until the parent hangs up.

Decides its own bounds: address space, death with the parent. Run as `python -m anonymizer.sandbox.detector_process
FD`, one end of a socket pair as file descriptor FD; the first message holds the text rules and the bounds. This
process loads the recognisers and reads no text: for every socket that it is handed it forks a detector, and ends the
one whose id it is told. Everything that comes to a detector is JSON, and so is everything that goes back: a process
that reads hostile text is not trusted with pickles.
"""

import contextlib
import ctypes
import gc
import io
import json
import os
import resource
import signal
import socket
import sys
from typing import Any, Final

from anonymizer import policy
from anonymizer.detection import presidio
from anonymizer.sandbox import core_dumps
from schemas.errors import ContractError

__all__ = ["main"]

_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of prctl(2)
_ORDER_BYTES: Final = 16


def main(descriptor: int) -> None:
    """Load what the setup asks for; then fork a detector for every socket that comes, and end those that are named."""
    _die_with(os.getppid())
    with socket.socket(fileno=descriptor) as parent:
        setup = json.loads(_line(parent))
        analyzer = presidio.Analyzer(policy.TextRules.model_validate(setup["rules"]))
        analyzer.warm()
        gc.freeze()  # a collection in a fork would touch, and so copy, all that is shared
        _obey(parent, analyzer, setup["address_space_bytes"])


def _obey(parent: socket.socket, analyzer: presidio.Analyzer, address_space_bytes: int) -> None:
    """Follow orders until there is nobody to give any; a line may come in pieces."""
    said = b""
    while True:
        part, given, *_ = socket.recv_fds(parent, _ORDER_BYTES, 1)
        if not part:
            return
        for line in given:
            _fork(parent, line, analyzer, address_space_bytes)
        *whole, said = (said + part).split(b"\n")
        for word in whole:
            if word.isdigit():
                _end(int(word))


def _line(parent: socket.socket) -> bytes:
    """Read one line and no byte more: what follows it comes with sockets."""
    said = bytearray()
    while not said.endswith(b"\n"):
        byte = parent.recv(1)
        if not byte:
            sys.exit(0)
        said += byte
    return bytes(said)


def _fork(parent: socket.socket, line: int, analyzer: presidio.Analyzer, address_space_bytes: int) -> None:
    own = os.getpid()
    if os.fork():
        os.close(line)
        return
    parent.close()
    try:
        _die_with(own)
        _serve(line, analyzer, address_space_bytes)
    finally:
        os._exit(0)


def _serve(descriptor: int, analyzer: presidio.Analyzer, address_space_bytes: int) -> None:
    """Answer every message: `[text, language, known]` → `{"found": …}` or `{"code": …}`."""
    _bind(address_space_bytes)
    with socket.socket(fileno=descriptor) as caller, caller.makefile("rwb") as lines:
        _say(lines, {"pid": os.getpid()})
        for line in lines:
            for text, language, known in json.loads(line):
                _say(lines, _answer(analyzer, text, language, known))


def _end(pid: int) -> None:
    """End a detector; nobody else can have its id, for what ended here is not buried before it is asked for."""
    with contextlib.suppress(ChildProcessError):  # not one of ours
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _say(lines: io.BufferedRWPair, message: dict[str, Any]) -> None:
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # the parent died before the call
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle


def _bind(address_space_bytes: int) -> None:
    """Run out of memory before the machine does."""
    resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
    core_dumps.forbid()  # a dump would hold texts


def _answer(analyzer: presidio.Analyzer, text: str, language: str | None, known: dict[str, str]) -> dict[str, Any]:
    try:
        found = analyzer.findings(text, language, known)
    except ContractError as error:
        return {"code": error.code}
    return {"found": [[f.start, f.end, f.type, f.score] for f in found]}


if __name__ == "__main__":
    main(int(sys.argv[1]))
