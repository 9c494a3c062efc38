"""A schema registry that lies: a real HTTP server on the loopback interface, with one behaviour at a time."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from schemas import catalogue

__all__ = ["MODES", "RogueRegistry", "rogue_registry"]

_API: Final = "/apis/ccompat/v7"
_SLOW_SECONDS: Final = 0.4


def _swapped(text: str) -> str:
    """Exchange `withdrawn` and `con_Consent`: two booleans, so that honest bytes are read as the other field."""
    return text.replace('"withdrawn"', '"?"').replace('"con_Consent"', '"withdrawn"').replace('"?"', '"con_Consent"')


def _with_large_fixed(text: str) -> str:
    """Add an optional field of two gigabytes."""
    document = json.loads(text)
    large = {"type": "fixed", "name": "Large", "size": (1 << 31) - 1}
    extra = {"name": "large", "type": ["null", large], "default": None, "role": "technical"}
    return json.dumps(document | {"fields": [*document["fields"], extra]})


@dataclass(slots=True)
class RogueRegistry:
    """Behaviour of the server, which a test may change while it runs.

    Args:
        mode: one of `MODES`.
        url: address, without a path.
        asked: method and path of every request, in order.
        authorisations: the header `authorization` of every request, empty where there is none.
    """

    mode: str = "honest"
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    authorisations: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """Return status and JSON body of one request."""
        return MODES[self.mode](self, method, path.removeprefix(_API))

    def honest(self, method: str, path: str) -> tuple[int, Any]:
        """Answer as a registry that holds the shipped schemas under the ids 1, 2 and so on."""
        if path.startswith("/config"):
            return 200, {"compatibilityLevel": "FULL_TRANSITIVE", "compatibility": "FULL_TRANSITIVE"}
        parts = path.strip("/").split("/")
        stem = parts[1].removesuffix("-value") if len(parts) > 1 else ""
        if stem not in catalogue.STEMS:
            return 404, {"error_code": 40401, "message": "Subject not found."}
        number = catalogue.STEMS.index(stem) + 1
        if len(parts) == 3 and method == "GET":
            return 200, [1]
        return 200, {"id": number, "version": 1, "subject": parts[1], "schema": catalogue.load(stem).text}

    def deleted(self, method: str, path: str) -> tuple[int, Any]:
        """Hold nothing, and take nothing."""
        return (404, {"message": "Subject not found."}) if "/subjects" in path else self.honest(method, path)

    def no_rule(self, method: str, path: str) -> tuple[int, Any]:
        """Let everybody change everything."""
        return (200, {"compatibilityLevel": "NONE"}) if path.startswith("/config") else self.honest(method, path)

    def _changed(self, method: str, path: str, change: Callable[[str], str]) -> tuple[int, Any]:
        status, body = self.honest(method, path)
        changed = isinstance(body, dict) and "schema" in body
        return status, {**body, "schema": change(body["schema"])} if changed else body

    def swapped(self, method: str, path: str) -> tuple[int, Any]:
        """Exchange the meaning of two fields under the same ids."""
        return self._changed(method, path, _swapped)

    def large(self, method: str, path: str) -> tuple[int, Any]:
        """Hold schemas that no memory can read."""
        return self._changed(method, path, _with_large_fixed)

    def renumbered(self, method: str, path: str) -> tuple[int, Any]:
        """Give every schema the id of another one."""
        status, body = self.honest(method, path)
        return status, {**body, "id": len(catalogue.STEMS) - body["id"] + 1} if "id" in body else body

    def bombs(self, method: str, path: str) -> tuple[int, Any]:
        """Hold another version of every subject, made to exhaust whoever compares with it."""
        if path.startswith("/subjects/") and path.endswith("/versions/1"):
            nested: Any = "string"
            for depth in range(200):
                nested = {
                    "type": "record",
                    "name": f"R{depth}",
                    "fields": [{"name": "f", "type": nested, "role": "technical"}],
                }
            return 200, {"id": 1, "schema": json.dumps(nested)}
        if path.startswith("/subjects/") and method == "POST" and not path.endswith("/versions"):
            return 404, {"message": "Subject not found."}
        return self.honest(method, path)

    def odd(self, _method: str, _path: str) -> tuple[int, Any]:
        """Answer with JSON of another form."""
        return 200, {"id": "Zeynabelle", "schema": 7, "compatibilityLevel": ["NONE"]}

    def slow(self, method: str, path: str) -> tuple[int, Any]:
        """Take its time for every answer."""
        time.sleep(_SLOW_SECONDS)
        return self.honest(method, path)

    def failing(self, _method: str, _path: str) -> tuple[int, Any]:
        """Fail at every request."""
        return 500, {"message": "fault"}

    def locked(self, _method: str, _path: str) -> tuple[int, Any]:
        """Let nobody in."""
        return 401, {"message": "who are you?"}


MODES: Final[dict[str, Callable[[RogueRegistry, str, str], tuple[int, Any]]]] = {
    "honest": RogueRegistry.honest,
    "deleted": RogueRegistry.deleted,
    "no rule": RogueRegistry.no_rule,
    "swapped": RogueRegistry.swapped,
    "large": RogueRegistry.large,
    "renumbered": RogueRegistry.renumbered,
    "bombs": RogueRegistry.bombs,
    "odd": RogueRegistry.odd,
    "slow": RogueRegistry.slow,
    "failing": RogueRegistry.failing,
    "locked": RogueRegistry.locked,
    "dripping": RogueRegistry.honest,  # a byte at a time
    "endless": RogueRegistry.honest,  # and never an end
}
"""Behaviours by name."""


@contextlib.contextmanager
def rogue_registry(mode: str = "honest") -> Iterator[RogueRegistry]:
    """Run the server until the block ends."""
    registry = RogueRegistry(mode)

    class _Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            self.rfile.read(length)
            registry.asked.append((self.command, self.path))
            registry.authorisations.append(self.headers.get("authorization") or "")
            status, body = registry.answer(self.command, self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            if registry.mode in {"dripping", "endless"}:
                self.end_headers()
                with contextlib.suppress(OSError):
                    self._drip()
                return
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _drip(self) -> None:
            part, pause = (b" ", 0.2) if registry.mode == "dripping" else (b" " * 65_536, 0.0)
            for _ in range(600):
                self.wfile.write(part)
                self.wfile.flush()
                time.sleep(pause)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
