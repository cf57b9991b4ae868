"""Certificates of a CA that is made for one test run, and TLS settings for a server that has one."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

_Key = ec.EllipticCurvePrivateKey


class Authority:
    """A CA whose files are in ``folder``: ``ca.pem``, and what it issues."""

    def __init__(self, folder: Path, name: str = "Example CA") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._certificate = self._signed(self._name, self._key, ca=True)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, password: bytes | None = None) -> tuple[Path, Path]:
        """Write a certificate for 127.0.0.1 and localhost, and its key; return both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), key)
        certificate, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(Encoding.PEM))
        kept = BestAvailableEncryption(password) if password else NoEncryption()
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kept))
        return certificate, key_file

    def server(self, *, wants_certificate: bool = False, says_why: bool = False) -> ssl.SSLContext:
        """Return the settings of a server with a certificate of this CA; perhaps its clients must have one too.

        ``says_why``: in TLS 1.2 a client learns of a refusal before it has sent anything, and so for certain.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue("server"))
        if wants_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.maximum_version = ssl.TLSVersion.TLSv1_2 if says_why else ssl.TLSVersion.MAXIMUM_SUPPORTED
            context.load_verify_locations(self.ca)
        return context

    def _signed(self, subject: x509.Name, key: _Key, *, ca: bool = False) -> x509.Certificate:
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        return (builder if ca else builder.add_extension(names, critical=False)).sign(self._key, hashes.SHA256())
