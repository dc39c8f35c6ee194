"""Who asks M-Pesa for a transaction's status and for reversals: a name, and its sealed password.

Safaricom calls them the initiator (an API user of the shortcode) and the security credential: its
password, encrypted with RSA PKCS#1 v1.5 for Safaricom's public certificate, in base64.
"""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate
from environs import Env, EnvError

NAME, CREDENTIAL = "DARAJA_INITIATOR_NAME", "DARAJA_SECURITY_CREDENTIAL"
PASSWORD, CERTIFICATE = "DARAJA_INITIATOR_PASSWORD", "DARAJA_CERTIFICATE"
NEEDED = f"Set {NAME} and {CREDENTIAL} (or {PASSWORD} and {CERTIFICATE})."


@dataclass(frozen=True, kw_only=True)
class Initiator:
    """An API user of the shortcode, and its security credential as it is sent."""

    name: str
    credential: str = field(repr=False)


def load(env: Env) -> Initiator | None:
    """The initiator, or None where nothing names one. Raises EnvError for half of one."""
    name = _text(env, NAME)
    credential, password, certificate = (
        _text(env, setting) for setting in (CREDENTIAL, PASSWORD, CERTIFICATE)
    )
    if not (name or credential or password or certificate):
        return None
    if not name or not (credential or (password and certificate)):
        raise EnvError(f"Only a part of M-Pesa's initiator is set. {NEEDED}")
    if not credential:
        credential = sealed(password, certificate_key(Path(certificate)))
    return Initiator(name=name, credential=credential)


def certificate_key(file: Path) -> RSAPublicKey:
    """The public key in Safaricom's certificate (PEM or DER). Raises EnvError."""
    try:
        content = file.read_bytes()
        is_text = b"-----BEGIN" in content
        certificate = (load_pem_x509_certificate if is_text else load_der_x509_certificate)(content)
        key = certificate.public_key()
    except (OSError, ValueError) as error:
        raise EnvError(f"{CERTIFICATE}: {file} is no certificate that can be read") from error
    if not isinstance(key, RSAPublicKey):
        raise EnvError(f"{CERTIFICATE}: {file} holds no RSA key")
    return key


def sealed(password: str, key: RSAPublicKey) -> str:
    """The security credential: only Safaricom reads the password out of it."""
    return base64.b64encode(key.encrypt(password.encode(), PKCS1v15())).decode()


def _text(env: Env, name: str) -> str:
    text: str = env.str(name, "")
    return text.strip()
