"""Who opens connections without end, and shows no password on any, shuts out nobody but its own address."""

import contextlib
import socket
import time

import kafka

from amana.local.broker import CONNECTIONS_PER_ADDRESS
from amana.site import Site
from streams.broker import access

OTHER = "127.0.0.9"
"""An address of the loopback network that is not the one that everybody else here has."""

MORE = 50


def test_an_address_that_opens_too_many_connections_shuts_out_itself_alone(site: Site) -> None:
    """Beyond the limit each is closed at once; who logs in from elsewhere is served meanwhile."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(_connection(site)) for _ in range(CONNECTIONS_PER_ADDRESS + MORE)]
        closed = sum(map(_is_closed, opened[CONNECTIONS_PER_ADDRESS:]))
        assert closed == MORE
        assert not any(map(_is_closed, opened[:3]))
        assert "audit" in _topics(site)
    _come_back(site)


def _connection(site: Site) -> socket.socket:
    host, port = site.kafka.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10, source_address=(OTHER, 0))


def _is_closed(connection: socket.socket) -> bool:
    """Tell whether the broker hangs up within a moment."""
    connection.settimeout(0.5)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def _topics(site: Site) -> set[str]:
    with contextlib.closing(kafka.KafkaConsumer(**site.cluster(access.ADMIN).kafka_settings())) as consumer:
        return set(consumer.topics())


def _come_back(site: Site) -> None:
    """Connect from the other address again: the broker takes a moment to see who is gone."""
    deadline = time.monotonic() + 30
    while True:
        with _connection(site) as connection:
            if not _is_closed(connection):
                return
        assert time.monotonic() < deadline, "the address is still shut out"
