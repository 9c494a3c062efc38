"""`amana keys ca`: certificates that Python's and OpenSSL's strict checks accept, and files that are never lost."""

import shutil
import socket
import ssl
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from amana.__main__ import build
from amana.provisioning.certificate_authority import issue
from connectors.adapters.transport_security import Trust
from schemas.errors import ConfigurationError

HOSTS = [("kafka-1", "127.0.0.1", "::1", "kafka.example.org"), ("registry",)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an authority, two servers and a client."""
    issue(tmp_path / "tls", hosts=HOSTS, clients=["agency.shelter-lbn"])
    return tmp_path / "tls"


def test_private_keys_are_their_owners_alone(folder: Path) -> None:
    """A folder of 0700, keys of 0600; certificates are public."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    names = ("kafka-1", "registry", "agency.shelter-lbn")
    private = {"ca.key", *(f"{name}.{suffix}" for name in names for suffix in ("key", "pem"))}
    assert modes == {name: 0o600 if name in private else 0o644 for name in modes}
    assert set(modes) == private | {"ca.pem", *(f"{name}.crt" for name in names)}


def test_every_private_file_holds_its_key_in_the_form_that_kafka_reads(folder: Path) -> None:
    """PKCS #8, and the certificate behind it."""
    for name in ("kafka-1", "registry", "agency.shelter-lbn"):
        text = (folder / f"{name}.pem").read_text()
        assert text == (folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text()
        assert text.startswith("-----BEGIN PRIVATE KEY-----")


def test_openssl_accepts_them_strictly(folder: Path) -> None:
    """As Python 3.13 and later do by default, in the role that each has."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here")
    for name, purpose in (("kafka-1", "sslserver"), ("kafka-1", "sslclient"), ("agency.shelter-lbn", "sslclient")):
        command = [openssl, "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem", f"{name}.crt"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    command = [openssl, "verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "agency.shelter-lbn.crt"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("host", "accepted"),
    [("kafka-1", True), ("127.0.0.1", True), ("kafka.example.org", True), ("kafka-2", False), ("127.0.0.2", False)],
)
def test_a_handshake_succeeds_under_the_names_of_the_host_alone(folder: Path, host: str, accepted: bool) -> None:  # noqa: FBT001 - a parameter
    """Both ends show a certificate, and speak TLS 1.3."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "kafka-1.pem")
    server.load_verify_locations(folder / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    client = Trust(folder / "ca.pem", folder / "agency.shelter-lbn.crt", folder / "agency.shelter-lbn.key").context()
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as secured:
                secured.sendall(secured.getpeercert()["subject"][0][0][1].encode())  # type: ignore[index]
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=host) as secured:
            assert accepted
            assert (secured.version(), secured.recv(100)) == ("TLSv1.3", b"agency.shelter-lbn")
    except ssl.SSLCertVerificationError:
        assert not accepted
    finally:
        ours.close()
        thread.join()


def test_an_authority_signs_no_other_authority(folder: Path) -> None:
    """Whoever steals a broker's key cannot make certificates of others."""
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    server = x509.load_pem_x509_certificate((folder / "kafka-1.crt").read_bytes())
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_second_call_adds_to_the_authority_and_writes_over_nothing(folder: Path) -> None:
    """The third host is signed by the same authority; a host that has a certificate keeps it."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    issued = issue(folder, hosts=[("kafka-3",)])
    assert (issued.authority, issued.names) == (False, ("kafka-3",))
    with pytest.raises(ConfigurationError, match="CFG-219"):
        issue(folder, hosts=[("kafka-4",), ("kafka-1",)])
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"kafka-3.crt", "kafka-3.key", "kafka-3.pem"}


def test_no_certificate_outlives_its_authority(folder: Path) -> None:
    """Asked for a thousand years, it ends with the authority."""
    issued = issue(folder, hosts=[("kafka-3",)], days=365_000)
    assert issued.until == x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()).not_valid_after_utc


@pytest.mark.parametrize(
    "host", ["*.example.org", "", "a b", "../up", "kafka_1/x", "-a", "a..b", "ca", "x" * 65, "kafka-1", "né"]
)
def test_a_name_that_no_host_can_have_makes_nothing(tmp_path: Path, host: str) -> None:
    """Also one that is given twice, and that of the authority's own files."""
    with pytest.raises(ConfigurationError, match="CFG-220"):
        issue(tmp_path / "tls", hosts=[("kafka-1",), (host,)])
    assert not (tmp_path / "tls").exists()


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "ca.key").unlink(),
        lambda folder: (folder / "ca.pem").unlink(),
        lambda folder: (folder / "ca.key").write_bytes((folder / "registry.key").read_bytes()),
        lambda folder: (folder / "ca.pem").write_text("no certificate"),
    ],
)
def test_an_authority_that_is_damaged_is_not_replaced(folder: Path, harm: Callable[[Path], object]) -> None:
    """A second authority of the same name would lock out everybody who trusts the first."""
    harm(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConfigurationError, match="CFG-220"):
        issue(folder, hosts=[("kafka-3",)])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_command_says_what_it_made_and_shows_no_key(tmp_path: Path) -> None:
    """Its words are the folder's names."""
    out = str(tmp_path / "tls")
    arguments = ["keys", "ca", "--out", out, "--host", "kafka-1,127.0.0.1", "--host", "registry", "--client", "officer"]
    said = CliRunner().invoke(build(), arguments)
    assert said.exit_code == 0, said.output
    assert [line.split(":")[0].removeprefix(f"{out}/") for line in said.output.splitlines()] == [
        "ca.pem",
        "kafka-1.pem, .crt and .key",
        "registry.pem, .crt and .key",
        "officer.pem, .crt and .key",
    ]
    assert "PRIVATE" not in said.output
