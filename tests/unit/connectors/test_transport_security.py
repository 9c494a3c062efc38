"""What may be spoken to in clear, and what a TLS context asks for."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.adapters import transport_security as security
from connectors.adapters.cluster import Cluster, Credential
from connectors.adapters.transport_security import Trust
from schemas.errors import ConfigurationError
from tests.support.certificates import Authority

HOSTS = st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True))


@pytest.mark.parametrize("address", ["127.0.0.1:9092", "127.8.9.1:1", "localhost:9092", "LocalHost:1", "[::1]:9092"])
def test_a_loopback_address_may_be_spoken_to_in_clear(address: str) -> None:
    """These are this machine, whoever answers for names."""
    assert security.default_protocol(address) == "SASL_PLAINTEXT"
    security.require_protocol(address, "SASL_PLAINTEXT")


@pytest.mark.parametrize(
    "address",
    [
        "kafka-1:9092",
        "localhost.example.org:9092",
        "127.1:9092",  # short, octal, hexadecimal and decimal forms are names to us, whatever a resolver makes of them
        "0177.0.0.1:9092",
        "0x7f000001:9092",
        "2130706433:9092",
        "0.0.0.0:9092",
        "[::ffff:127.0.0.1]:9092",
        "10.0.0.1:9092",
        "127.0.0.1:9092,kafka-2:9092",  # one of several is enough
    ],
)
def test_everything_else_needs_tls(address: str) -> None:
    """The default follows from the address, and clear text is refused."""
    assert security.default_protocol(address) == "SASL_SSL"
    with pytest.raises(ConfigurationError, match="CFG-211"):
        security.require_protocol(address, "SASL_PLAINTEXT")


@given(HOSTS)
def test_a_host_in_clear_is_literally_loopback(host: str) -> None:
    """No text other than these few forms is taken for this machine."""
    if security.is_loopback(host):
        assert host.startswith("127.") or host in {"::1", "localhost"}


@pytest.mark.parametrize(
    "address",
    ["kafka", "kafka:", ":9092", "kafka:70000", "a b:1", "x@127.0.0.1:1", "a:1, b:2", "SASL_SSL://a:1", "a:1,"],
)
def test_a_malformed_address_is_refused(address: str) -> None:
    """Two parsers must not see two hosts in one text."""
    with pytest.raises(ConfigurationError, match="CFG-213"):
        list(security.addresses(address))


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "sasl_ssl", "SASL_SSL ", ""])
def test_an_unknown_protocol_is_refused_everywhere(protocol: str) -> None:
    """Loopback too: nobody's spelling error switches anything off."""
    with pytest.raises(ConfigurationError, match="CFG-216"):
        Cluster("127.0.0.1:1", Path(), (), Credential("analysts", "x"), protocol)


@pytest.mark.parametrize("mechanism", ["PLAIN", "OAUTHBEARER", "scram-sha-512", "GSSAPI", ""])
def test_a_mechanism_that_sends_a_secret_needs_tls(mechanism: str) -> None:
    """On loopback as well: a password in clear is one that some process of the machine can read."""
    with pytest.raises(ConfigurationError, match="CFG-216"):
        Cluster("127.0.0.1:1", Path(), (), Credential("analysts", "x", mechanism), "SASL_PLAINTEXT")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://registry:8080", "CFG-211"),
        ("http://127.0.0.1@registry:8080", "CFG-211"),
        ("http://registry:8080#127.0.0.1", "CFG-211"),
        ("ftp://127.0.0.1", "CFG-213"),
        ("127.0.0.1:8080", "CFG-213"),
        ("https://", "CFG-213"),
        ("http://[::1", "CFG-213"),
    ],
)
def test_a_service_beyond_this_machine_needs_https(url: str, code: str) -> None:
    """The parser that connects judges the address."""
    with pytest.raises(ConfigurationError, match=code):
        security.http_client(url, security.SYSTEM)


def test_a_service_on_this_machine_is_not_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment would carry a request in clear to wherever it runs."""
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    monkeypatch.setenv("ALL_PROXY", "http://192.0.2.1:3128")
    with security.http_client("http://127.0.0.1:1", security.SYSTEM) as client:
        assert client.trust_env is False


def test_a_context_asks_for_tls_1_3_a_certificate_and_its_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable that makes OpenSSL write down the keys of connections is not followed."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    context = Trust().context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.keylog_filename is None


def test_only_the_named_authority_is_trusted(tmp_path: Path) -> None:
    """With a file, the system's authorities are not trusted beside it."""
    authority = Authority.make(tmp_path)
    assert len(Trust(authority.file).context().get_ca_certs()) == 1


def test_files_that_are_no_certificates_are_refused(tmp_path: Path) -> None:
    """Missing, empty, a folder, a key without its certificate, a certificate without its key, two that do not fit."""
    authority = Authority.make(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    empty = tmp_path / "empty.pem"
    empty.touch(mode=0o600)
    key = tmp_path / "other.key"
    key.touch(mode=0o600)
    key.write_bytes(other.read_bytes().partition(b"-----BEGIN CERT")[0])
    faulty = [
        Trust(tmp_path / "missing.pem"),
        Trust(empty),
        Trust(tmp_path),
        Trust(authority.file, key=key),
        Trust(authority.file, certificate=authority.file),
        Trust(authority.file, certificate=one, key=key),
        Trust(authority.file, certificate=empty),
    ]
    for trust in faulty:
        with pytest.raises(ConfigurationError, match="CFG-212"):
            trust.context()
    Trust(authority.file, certificate=one).context()


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As every secret file of a site."""
    authority = Authority.make(tmp_path)
    file = authority.issue("one", valid=timedelta(days=1))
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="CFG-006"):
        Trust(authority.file, certificate=file).context()
