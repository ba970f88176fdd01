"""A certificate of our own: browsers give the camera to encrypted pages only."""

import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["make_certificate", "temporary_certificate"]

# Phones refuse certificates of servers that are valid for longer than 825 days.
VALID_DAYS: Final = 365


def make_certificate(addresses: Sequence[str]) -> tuple[bytes, bytes]:
    """Return a new self-signed certificate and its key, both PEM.

    Parameters
    ----------
    addresses : sequence of str
        IP addresses and host names it is valid for, beside localhost and this machine's name.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Pomona on this network")])
    now = datetime.now(UTC)
    known = dict.fromkeys(["localhost", "127.0.0.1", "::1", socket.gethostname(), *addresses])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A phone's clock may be behind.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in known if host]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


@contextmanager
def temporary_certificate(addresses: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Give the files of a new certificate and its key, removed when the block is left."""
    certificate, key = make_certificate(addresses)
    with tempfile.TemporaryDirectory(prefix="pomona-tls-") as folder:
        paths = Path(folder) / "cert.pem", Path(folder) / "key.pem"
        for path, content in zip(paths, (certificate, key), strict=True):
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(content)
        yield paths


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
