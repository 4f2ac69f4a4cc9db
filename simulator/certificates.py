"""The simulator's own CA, and the certificate of its https port.

Takes the state directory, gives a TLS context and the CA bundle for clients. The CA is kept for as
long as it is valid, so that clients that trust it continue to do so. The bundle also holds the
certificates that the system trusts, because a client configured with it uses no others.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import certifi
import trustme
from cryptography import x509

NAMES = ("localhost", "127.0.0.1", "::1", "management.localhost")
LEAST_LEFT = timedelta(days=7)


@dataclass(frozen=True)
class Certificates:
    """The server's TLS context and the file that clients trust."""

    server: ssl.SSLContext
    bundle: Path


def certificates(state_dir: Path, now: datetime, *, trust_system: bool = True) -> Certificates:
    """Return the directory's CA with a new leaf certificate; a new CA if none is valid at `now`.

    Without `trust_system` the bundle holds nothing but the CA. The system's certificates cost each
    client about 20 ms of CPU time for every connection that has a TLS context of its own.
    """
    ca = _kept(state_dir, now) or _made(state_dir)
    leaf = ca.issue_cert(*NAMES)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(context)
    bundle = state_dir / "ca-bundle.pem"
    own = (state_dir / "ca.pem").read_text()
    bundle.write_text(own + (Path(certifi.where()).read_text() if trust_system else ""))
    return Certificates(context, bundle.resolve())


def _kept(state_dir: Path, now: datetime) -> trustme.CA | None:
    certificate, key = state_dir / "ca.pem", state_dir / "ca-key.pem"
    if not (certificate.exists() and key.exists()):
        return None
    until = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    if until < now + LEAST_LEFT:
        return None
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())


def _made(state_dir: Path) -> trustme.CA:
    ca = trustme.CA(organization_name="Simulated Azure")
    ca.cert_pem.write_to_path(state_dir / "ca.pem")
    ca.private_key_pem.write_to_path(state_dir / "ca-key.pem")
    return ca
