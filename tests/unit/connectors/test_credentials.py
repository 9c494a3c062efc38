"""Credentials of principals: their files, and tokens from a file or from a server that issues them."""

import asyncio
import base64
import json
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from connectors.adapters.bearer_token import RequestedToken, TokenFile
from connectors.adapters.cluster import Cluster
from connectors.adapters.principal_file import credential_of
from connectors.adapters.transport_security import SYSTEM, Trust
from schemas.errors import ConfigurationError, TransportError
from streams.runtime.client_credentials import aiokafka_settings, faust_credentials
from tests.support.certificates import Authority

BEARER = {"username": "operator", "mechanism": "OAUTHBEARER"}


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_a_file_names_the_mechanism_of_its_password(mechanism: str) -> None:
    """Without one it is that of the users that a site makes itself."""
    text = json.dumps({"username": "a", "password": "b", "mechanism": mechanism})
    assert credential_of(text, "a.json", SYSTEM).mechanism == mechanism
    assert credential_of('{"username": "a", "password": "b"}', "a.json", SYSTEM).mechanism == "SCRAM-SHA-512"


@pytest.mark.parametrize(
    "stored",
    [
        "no JSON",
        "[]",
        json.dumps({"username": "a"}),
        json.dumps({"username": "a", "password": 7}),
        json.dumps({"username": "a", "password": "secret-b", "mechanism": "scram-sha-512"}),
        json.dumps({"username": "a", "password": "secret-b", "mechanism": "OAUTHBEARER"}),
        json.dumps({"username": "a", "password": "secret-b", "mechansim": "PLAIN"}),
        json.dumps({**BEARER, "token_fiel": "/run/token"}),
        json.dumps({**BEARER, "token_file": "/run/token", "client_secret": "secret-b"}),
        json.dumps({**BEARER, "token_endpoint": "https://a.example", "client_id": "a"}),
    ],
)
def test_a_file_that_is_not_understood_is_refused_without_its_values(stored: str) -> None:
    """A misspelt field would be a weaker setting than its writer meant."""
    with pytest.raises(ConfigurationError, match="CFG-216") as caught:
        credential_of(stored, "a.json", SYSTEM)
    assert "secret-b" not in str(caught.value)


def test_a_token_file_is_read_with_every_connection(tmp_path: Path) -> None:
    """Another program keeps it new; what is no token is refused, since it would end the field it stands in."""
    file = tmp_path / "token"
    source = TokenFile(file)
    for text in ("abc.def-1", "later=="):
        file.write_text(f"{text}\n")
        assert source.token() == text
    for text in ("", "two words", "a\x01auth=Bearer b"):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match="CFG-218"):
            source.token()
    file.unlink()
    with pytest.raises(ConfigurationError, match="CFG-218"):
        source.token()


class Issuer(HTTPServer):
    """An authorisation server; `answers` holds what it says next, the last one for ever."""

    answers: list[tuple[int, bytes]]
    asked: list[tuple[str, dict[str, list[str]]]]


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.asked.append((self.headers["authorization"], urllib.parse.parse_qs(form)))
        status, body = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[tuple[Issuer, str, Trust]]:
    """Run a server with TLS; yield it with its address and the files that trust it."""
    authority = Authority.make(tmp_path)
    server = Issuer(("127.0.0.1", 0), _Handler)
    server.answers, server.asked = [(200, b'{"access_token": "one.two", "expires_in": 3600}')], []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server", ["localhost"]))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server, f"https://localhost:{server.server_port}/token", Trust(authority.file)
    server.shutdown()
    server.server_close()


def test_a_token_is_requested_once_for_all_connections(issuer: tuple[Issuer, str, Trust]) -> None:
    """Its life is what the server says; a fifth before its end a new one is requested."""
    server, url, trust = issuer
    source = RequestedToken(url, "amana", "secret", "kafka", trust)
    assert [source.token() for _ in range(5)] == ["one.two"] * 5
    header = "Basic " + base64.b64encode(b"amana:secret").decode()
    assert server.asked == [(header, {"grant_type": ["client_credentials"], "scope": ["kafka"]})]
    assert "secret" not in repr(source)
    server.answers = [(200, b'{"access_token": "three", "expires_in": 0.5}')]
    short = RequestedToken(url, "amana", "secret", "", trust)
    assert short.token() == short.token() == "three"
    time.sleep(0.45)
    assert short.token() == "three"
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b"{}", "CFG-218"),
        (200, b"{}", "CFG-218"),
        (200, b"no JSON", "CFG-218"),
        (200, b'{"access_token": "two words"}', "CFG-218"),
        (302, b"", "CFG-218"),
        (503, b"", "TRA-011"),
    ],
)
def test_an_answer_without_a_token_is_a_typed_fault(
    issuer: tuple[Issuer, str, Trust], status: int, body: bytes, code: str
) -> None:
    """The fault names the endpoint, and neither the secret nor the answer."""
    server, url, trust = issuer
    server.answers = [(status, body)]
    with pytest.raises((ConfigurationError, TransportError), match=code) as caught:
        RequestedToken(url, "amana", "hidden-secret", "", trust).token()
    assert "hidden-secret" not in str(caught.value)


def test_a_secret_is_sent_to_an_accepted_server_alone(issuer: tuple[Issuer, str, Trust]) -> None:
    """An authority that is not trusted, another host name, an address without TLS, a server that is away."""
    server, url, trust = issuer
    elsewhere = f"https://127.0.0.1:{server.server_port}/token"
    cases = [(url, SYSTEM, "CFG-214"), (elsewhere, trust, "CFG-214"), ("http://example.org/token", trust, "CFG-211")]
    for endpoint, files, code in cases:
        with pytest.raises(ConfigurationError, match=code):
            RequestedToken(endpoint, "amana", "secret", "", files).token()
    with pytest.raises(TransportError, match="TRA-011"):
        RequestedToken("https://127.0.0.1:1/token", "amana", "secret", "", trust).token()
    assert server.asked == []


def test_both_clients_of_a_stage_get_context_and_token(tmp_path: Path) -> None:
    """Faust and the outbox take the same token, each by its own interface, and the same TLS context."""
    (tmp_path / "token").write_text("one.two")
    authority = Authority.make(tmp_path)
    text = json.dumps({**BEARER, "token_file": str(tmp_path / "token")})
    credential = credential_of(text, "a.json", SYSTEM)
    settings = Cluster("127.0.0.1:1", tmp_path, (), credential, "SASL_SSL", Trust(authority.file)).kafka_settings()
    credentials = faust_credentials(settings)
    assert (credentials.protocol.value, credentials.ssl_context) == ("SASL_SSL", settings["ssl_context"])
    assert asyncio.run(credentials.oauth_cb.token()) == "one.two"
    assert asyncio.run(aiokafka_settings(settings)["sasl_oauth_token_provider"].token()) == "one.two"
    with pytest.raises(ConfigurationError, match="CFG-216"):
        faust_credentials({**settings, "ssl_context": None})
