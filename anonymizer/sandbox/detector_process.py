"""The program of the fork server and of the detector processes: texts in, findings out.

Called by: `fork_server`, which starts it as `python -m anonymizer.sandbox.detector_process FD`, where FD is the file
descriptor of one end of a socket pair.

The fork server:
    1. reads the setup, one line of JSON: the text rules and the limit of the address space
    2. loads the recognisers and the trained models, once
    3. for every socket that it is sent, forks a detector that serves this socket (`+`)
    4. for every pid that it is sent, kills this detector (`123`)
    5. ends when the parent closes its end

A detector answers the messages of its socket one after the other until the other end is closed.

Invariants:
    - The fork server reads no text; a detector never uses the socket of the fork server.
    - All messages are JSON: what comes from a process that reads hostile text must not be unpickled.
    - Every process dies with its parent, and a detector runs out of memory before the machine does.
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

_PR_SET_PDEATHSIG: Final = 1  # option number of prctl(2), from <linux/prctl.h>
_ORDER_BYTES: Final = 16


def main(descriptor: int) -> None:
    """Run the fork server on a socket until its other end is closed."""
    _die_with(os.getppid())
    with socket.socket(fileno=descriptor) as parent:
        # 1. Read the setup. Not a byte more may be read here: sockets come with the bytes that follow.
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = parent.recv(1)
            if not byte:
                sys.exit(0)
            line += byte
        setup = json.loads(line)
        # 2. Load everything.
        analyzer = presidio.Analyzer(policy.TextRules.model_validate(setup["rules"]))
        analyzer.warm()
        gc.freeze()  # a garbage collection in a fork would write to, and so copy, all pages that are shared
        _follow_orders(parent, analyzer, setup["address_space_bytes"])


def _follow_orders(parent: socket.socket, analyzer: presidio.Analyzer, address_space_bytes: int) -> None:
    """Fork and kill detectors as ordered, until the parent closes its end."""
    pending = b""
    while True:
        data, descriptors, *_ = socket.recv_fds(parent, _ORDER_BYTES, 1)
        if not data:
            return  # 5.
        for descriptor in descriptors:  # 3.
            _fork(parent, descriptor, analyzer, address_space_bytes)
        *orders, pending = (pending + data).split(b"\n")  # an order may come in pieces
        for pid in [int(order) for order in orders if order.isdigit()]:  # 4.
            # Safe against reuse of the pid: a dead child stays a zombie until this process reaps it with waitpid.
            with contextlib.suppress(ChildProcessError):  # not a child, or reaped before
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)


def _fork(parent: socket.socket, descriptor: int, analyzer: presidio.Analyzer, address_space_bytes: int) -> None:
    """Fork a detector that serves a socket; the detector never returns from here."""
    fork_server = os.getpid()
    if os.fork():
        os.close(descriptor)
        return
    parent.close()
    try:
        _die_with(fork_server)
        _serve(descriptor, analyzer, address_space_bytes)
    finally:
        os._exit(0)  # whatever happened: a detector must not go on as a second fork server


def _serve(descriptor: int, analyzer: presidio.Analyzer, address_space_bytes: int) -> None:
    """Answer the texts `[text, language, known]` of every message with `{"found": ...}` or `{"code": ...}`."""
    resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
    core_dumps.forbid()  # a dump would hold texts
    with socket.socket(fileno=descriptor) as caller, caller.makefile("rwb") as lines:
        _send(lines, {"pid": os.getpid()})
        for line in lines:
            for text, language, known in json.loads(line):
                try:
                    findings = analyzer.findings(text, language, known)
                except ContractError as error:
                    _send(lines, {"code": error.code})
                else:
                    _send(lines, {"found": [[f.start, f.end, f.type, f.score] for f in findings]})


def _send(lines: io.BufferedRWPair, message: dict[str, Any]) -> None:
    """Send one message as a line of JSON."""
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux), and leave Ctrl-C to the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # the parent died before the call, so its signal will never come
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the whole process group


if __name__ == "__main__":
    main(int(sys.argv[1]))
