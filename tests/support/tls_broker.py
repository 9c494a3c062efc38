"""One broker with TLS and client certificates on the loopback interface, for as long as a `with` block runs.

It takes every SASL mechanism that the clients speak. Tokens are signed JSON web tokens, verified by the broker.
"""

import base64
import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from amana import site as sites
from amana.local import artifacts, broker, ports, server_process
from streams.broker import access
from tests.support.certificates import Authority

__all__ = ["TlsBroker", "tls_broker", "tls_settings"]

AUDIENCE = "amana-test"
ISSUER = "https://issuer.example"
_PATIENCE_SECONDS = 60
_MODULE = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class TlsBroker:
    """A running broker.

    Args:
        authority: signs its certificate; also those of clients.
        address: host and port that it advertises.
        admin: the admin's password.
        plain: passwords by user of PLAIN.
        key: signs the tokens that it accepts.
    """

    authority: Authority
    address: str
    admin: str
    plain: Mapping[str, str]
    key: ec.EllipticCurvePrivateKey

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which a site runs on this broker."""
        return {
            "AMANA_KAFKA": self.address,
            "AMANA_KAFKA_PROTOCOL": "SASL_SSL",
            "AMANA_KAFKA_CA": str(self.authority.file),
            "AMANA_KAFKA_CERTIFICATE": str(self.authority.folder / "client.pem"),
            "AMANA_KAFKA_ADMIN_PASSWORD": self.admin,
        }

    def token(self, subject: str, seconds: int = 3_600) -> str:
        """Return a token for a principal."""
        now = int(time.time())
        claims = {"sub": subject, "aud": AUDIENCE, "iss": ISSUER, "iat": now, "exp": now + seconds, "scope": "kafka"}
        signed = f"{_encoded({'alg': 'ES256', 'kid': 'one'})}.{_encoded(claims)}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@contextlib.contextmanager
def tls_broker(home: Path, address: str, *, port: int, plain: Mapping[str, str]) -> Iterator[TlsBroker]:
    """Run a broker on `port` of the loopback interface that sends its clients to `address`."""
    authority = Authority.make(home / "tls")
    server = authority.issue("server", ["127.0.0.1", "localhost"])
    authority.issue("client")
    node = sites.Site(home / "broker", f"127.0.0.1:{port}", "", ())
    passwords = {name: secrets.token_urlsafe(32) for name in (access.ADMIN, "controller")}
    for folder in ("run", "logs", "parties/operator/passwords"):
        node.path(folder).mkdir(mode=0o700, parents=True)
    file = node.path("parties", "operator", "passwords", f"{access.ADMIN}.json")
    file.touch(mode=0o600)
    file.write_text(json.dumps({"username": access.ADMIN, "password": passwords[access.ADMIN]}), encoding="ascii")
    key = ec.generate_private_key(ec.SECP256R1())
    keys = home / "tls" / "keys.json"
    keys.write_text(json.dumps({"keys": [_public(key)]}), encoding="ascii")
    (controller,) = ports.choose(1)
    settings = {
        **broker.settings(node, controller_port=controller, passwords=passwords),
        **tls_settings(server, authority.file),
        **_mechanisms(plain, keys),
        "advertised.listeners": f"CLIENT://{address}",
    }
    runtime = artifacts.ensure()
    broker.lay_out(node, runtime, settings, broker.cluster_id())
    child = broker.child(node, runtime)
    allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys.as_uri()}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAVA_TOOL_OPTIONS", allowed)
        child.start()
    try:
        broker.wait_ready(node, lambda: child.exit_status() is None)
        yield TlsBroker(authority, address, passwords[access.ADMIN], plain, key)
    finally:
        server_process.stop_all([child], seconds=10.0)


def tls_settings(server: Path, ca: Path) -> dict[str, str]:
    """Return the settings by which a broker speaks TLS alone, and asks its clients for a certificate."""
    return {
        "listener.security.protocol.map": "CONTROLLER:SASL_SSL,CLIENT:SASL_SSL",
        "ssl.enabled.protocols": "TLSv1.3",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca),
        # For SASL_SSL the broker ignores the setting without a listener's name.
        "listener.name.client.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
    }


def _mechanisms(plain: Mapping[str, str], keys: Path) -> dict[str, str]:
    users = " ".join(f'user_{name}="{password}"' for name, password in plain.items())
    own, bearer = "listener.name.client", "listener.name.client.oauthbearer.sasl"
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER",
        f"{own}.scram-sha-256.sasl.jaas.config": f"{_MODULE}.scram.ScramLoginModule required;",
        f"{own}.plain.sasl.jaas.config": f"{_MODULE}.plain.PlainLoginModule required {users};",
        f"{bearer}.jaas.config": f"{_MODULE}.oauthbearer.OAuthBearerLoginModule required;",
        f"{bearer}.server.callback.handler.class": f"{_MODULE}.oauthbearer.OAuthBearerValidatorCallbackHandler",
        f"{bearer}.oauthbearer.jwks.endpoint.url": keys.as_uri(),
        f"{bearer}.oauthbearer.expected.audience": AUDIENCE,
        f"{bearer}.oauthbearer.expected.issuer": ISSUER,
    }


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (_base64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig", "x": x, "y": y}


def _encoded(document: Mapping[str, object]) -> str:
    return _base64(json.dumps(document).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
