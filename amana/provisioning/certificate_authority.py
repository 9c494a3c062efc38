"""A small certificate authority, for those who have none: certificates of brokers, registry and clients in PEM files.

Purpose: the certificates that TLS between agencies, brokers and registry needs, in the form that Kafka, Quarkus and
Python read.
Called by: `amana keys ca`, tests.

    issue(Path("tls"), hosts=[("kafka-1", "127.0.0.1")], clients=["agency.shelter-lbn"], days=397)

Files in the folder, each certificate under the first of its names:
- `ca.pem`: the certificate of the authority, which everybody trusts; `ca.key`: its private key, for nobody else.
- `NAME.crt` and `NAME.key`: certificate and private key; `NAME.pem`: both in one file, as Kafka's key store takes them.

Invariants:
- A private key is readable by its owner alone (0600) from the moment it exists, and no file is written over.
- An authority that exists issues further certificates; it is made only if the folder holds none.
- A name is checked before anything is made. No certificate is for a pattern of names.
- The authority signs end entities alone: its certificates cannot sign others (path length 0).

Source: RFC 5280 (fields), RFC 9525 (a server's names are in subjectAltName). ECDSA on P-256, since Kafka reads no
Ed25519 key from a PEM file (`DefaultSslEngineFactory` of Kafka 4.4: RSA, DSA and EC).
"""

import datetime as dt
import ipaddress
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from schemas.errors import ConfigurationError

__all__ = ["DEFAULT_DAYS", "Issued", "issue"]

DEFAULT_DAYS: Final = 397
"""Days that a certificate of a server or client is valid: what browsers accept at most."""

_CA_DAYS: Final = 3_650
_CLOCKS_APART: Final = dt.timedelta(hours=1)
_LONGEST_NAME: Final = 64  # of a common name
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CLIENT: Final = re.compile(r"[a-z][a-z0-9.-]{0,62}")

_SERVER: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
"""Uses of a server's certificate: brokers are clients of one another too."""

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Issued:
    """What one call made.

    Args:
        authority: whether the authority was made too.
        names: the certificates, by the first of their names.
        until: last moment of their validity.
    """

    authority: bool
    names: tuple[str, ...]
    until: dt.datetime


def issue(
    folder: Path, *, hosts: Iterable[Sequence[str]], clients: Iterable[str] = (), days: int = DEFAULT_DAYS
) -> Issued:
    """Make certificates, and the authority that signs them if the folder holds none.

    Args:
        folder: made if it does not exist (0700).
        hosts: one certificate for each; DNS names or addresses of the host, whose first one names the files.
        clients: names of clients, as of principals; one certificate for each.
        days: days that they are valid; not beyond the authority's own end.

    Raises:
        ConfigurationError: CFG-219, a file exists already or the folder cannot be written; CFG-220, a name is no name
            of a host or of a client, or the authority in the folder cannot be used.
    """
    names = [(host[0], _subject_names(host)) for host in hosts] + [(_client(name), None) for name in clients]
    if len({name for name, _ in names} | {"ca"}) <= len(names):
        raise ConfigurationError("CFG-220", "two certificates have the same first name, or one is called `ca`")
    now = dt.datetime.now(dt.UTC)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = [folder / f"{name}.{suffix}" for name, _ in names for suffix in ("crt", "key", "pem")]
        if there := [path for path in wanted if path.exists()]:
            raise ConfigurationError("CFG-219", f"{there[0]} exists already: move it away first")
        made = not any((folder / f"ca.{suffix}").exists() for suffix in ("key", "pem"))
        authority = _make_authority(folder, now) if made else _read_authority(folder)
        until = min(now + dt.timedelta(days=days), authority[1].not_valid_after_utc)
        for name, addresses in names:
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = _certificate(name, key, authority, (now, until), addresses)
            _write(folder / f"{name}.key", _pem(key))
            _write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
            _write(folder / f"{name}.pem", _pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
    except OSError as error:
        raise ConfigurationError("CFG-219", f"{folder} cannot be written: {error.strerror}") from error
    return Issued(made, tuple(name for name, _ in names), until)


def _subject_names(host: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return the names of a host as a certificate holds them."""
    names: list[x509.GeneralName] = []
    for name in host:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if not _HOST.fullmatch(name) or len(name) > _LONGEST_NAME:
                raise ConfigurationError("CFG-220", f"{name!r} is no name or address of a host") from None
            names.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(names)


def _client(name: str) -> str:
    if not _CLIENT.fullmatch(name):
        raise ConfigurationError("CFG-220", f"{name!r} is no name of a client")
    return name


def _make_authority(folder: Path, now: dt.datetime) -> tuple[Key, x509.Certificate]:
    """Make the authority's key and its certificate, which it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Amana certificate authority {now:%Y-%m-%d}")])
    usage = _usage(of_authority=True)
    public = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key, (now, now + dt.timedelta(days=_CA_DAYS)))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(public, critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / "ca.key", _pem(key))
    _write(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return key, certificate


def _read_authority(folder: Path) -> tuple[Key, x509.Certificate]:
    """Read the authority that the folder holds."""
    try:
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise ConfigurationError("CFG-220", f"{folder} holds an authority that cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigurationError("CFG-220", f"ca.key in {folder} is not the key of ca.pem")
    return key, certificate


def _certificate(
    name: str,
    key: Key,
    authority: tuple[Key, x509.Certificate],
    validity: tuple[dt.datetime, dt.datetime],
    addresses: x509.SubjectAlternativeName | None,
) -> x509.Certificate:
    """Return the certificate of a server with these addresses, or of a client without any."""
    signer, issuer = authority
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, issuer.subject, key, validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(of_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_SERVER if addresses else _SERVER[1:]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if addresses:
        builder = builder.add_extension(addresses, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, validity: tuple[dt.datetime, dt.datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0] - _CLOCKS_APART)
        .not_valid_after(validity[1])
    )


def _usage(*, of_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not of_authority,
        key_cert_sign=of_authority,
        crl_sign=of_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: Key) -> bytes:
    """Return a private key as PKCS #8, the one form that Kafka takes."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that does not exist yet."""
    # The mode is given at creation: with a later chmod others could read the key for a moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
