"""A listener that records the first bytes of every connection, and passes all bytes on if it is given a target."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

__all__ = ["Connection", "RecordingProxy", "offered_versions"]

KEPT_BYTES = 4_096
TLS_1_3 = 0x0304
_SUPPORTED_VERSIONS = 43


@dataclass
class Connection:
    """The first bytes of one connection, both ways, and the port of the client."""

    peer: int
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)

    @property
    def is_tls_1_3(self) -> bool:
        """Whether the client offered TLS 1.3 alone and, if there was an answer, the server chose it."""
        try:
            offered, chosen = offered_versions(bytes(self.sent)), offered_versions(bytes(self.received))
        except (IndexError, struct.error):
            return False
        return offered == {TLS_1_3} and chosen in (set(), {TLS_1_3})


class RecordingProxy:
    """Listens on the loopback interface; a context manager."""

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self.target = target
        self.connections: list[Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def connected(self) -> list[Connection]:
        """Connections on which the client sent something."""
        return [one for one in self.connections if one.sent]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed at the end
            while True:
                client, (_, port) = self._listener.accept()
                recorded = Connection(port)
                self.connections.append(recorded)
                threading.Thread(target=self._serve, args=(client, recorded), daemon=True).start()

    def _serve(self, client: socket.socket, recorded: Connection) -> None:
        if self.target is None:
            with client, contextlib.suppress(OSError):
                client.settimeout(0.5)
                recorded.sent += client.recv(KEPT_BYTES)
            return
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        back = threading.Thread(target=_pump, args=(server, client, recorded.received), daemon=True)
        back.start()
        _pump(client, server, recorded.sent)
        back.join()
        client.close()
        server.close()


def _pump(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    """Pass bytes on until the source ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            if len(kept) < KEPT_BYTES:
                kept += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def offered_versions(data: bytes) -> set[int]:
    """Return the versions of TLS in a ClientHello or ServerHello; none of an empty text.

    Raises:
        IndexError, struct.error: these are no such bytes.
    """
    if not data:
        return set()
    if data[0] != 0x16:  # a record of the handshake protocol
        raise IndexError
    is_client, place = data[5] == 1, 5 + 4 + 2 + 32
    place += 1 + data[place]  # session id
    if is_client:
        place += 2 + struct.unpack_from(">H", data, place)[0]  # cipher suites
        place += 1 + data[place]  # compression methods
    else:
        place += 3
    for kind, content in _extensions(data, place):
        if kind == _SUPPORTED_VERSIONS:
            numbers = content[1:] if is_client else content
            return {number for (number,) in struct.iter_unpack(">H", numbers)}
    return {0x0303}


def _extensions(data: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    end = place + 2 + struct.unpack_from(">H", data, place)[0]
    place += 2
    while place < end:
        kind, size = struct.unpack_from(">HH", data, place)
        yield kind, data[place + 4 : place + 4 + size]
        place += 4 + size
