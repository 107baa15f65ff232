"""What a server shows to clients and whom it believes, as TlsHelper.buildSslContext:80 has it.

Two differences, since OpenSSL is asked and not Netty: a client's certificate that must be there is also verified, and
the test mode's own certificate is one of ECDSA.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from tempfile import NamedTemporaryFile

from rocketpy.config.tls import TlsConfig
from rocketpy.errors import ConfigError

_ASKED = {"optional": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}


def server_context(config: TlsConfig) -> ssl.SSLContext:
    """For connections that come in. Raises ConfigError that names the file or the package that is missing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if config.test_mode:
        _load_made_up(context)
        return context
    if not config.server_cert_path or not config.server_key_path:
        raise ConfigError("tls.server.certPath and tls.server.keyPath must be set when tls.test.mode.enable=false")
    _load(context, config.server_cert_path, config.server_key_path, config.server_key_password)
    asked = _ASKED.get(config.need_client_auth.strip().lower())
    if asked is not None and (config.auth_client or asked is ssl.CERT_REQUIRED):
        _trust(context, config.server_trust_path)
        context.verify_mode = asked
    return context


def client_context(config: TlsConfig) -> ssl.SSLContext:
    """For connections to other servers; their names are not compared, as by Java. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if config.test_mode or not config.auth_server:
        context.verify_mode = ssl.CERT_NONE
    else:
        _trust(context, config.client_trust_path)
    if not config.test_mode and config.client_cert_path and config.client_key_path:
        _load(context, config.client_cert_path, config.client_key_path, config.client_key_password)
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str, password: str | None) -> None:
    for path in (certificate, key):
        _readable(path)
    try:
        context.load_cert_chain(certificate, key, password or "")  # no password would ask at the terminal
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"certificate {certificate} with key {key}: {error}") from error


def _trust(context: ssl.SSLContext, path: str | None) -> None:
    if not path:
        context.load_default_certs()
        return
    _readable(path)
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"trusted certificates {path}: {error}") from error


def _readable(path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _load_made_up(context: ssl.SSLContext) -> None:
    """A certificate of this process, which nobody need believe (SelfSignedCertificate of Netty)."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise ConfigError(
            "tls.test.mode.enable=true makes up a certificate, which takes the package cryptography: "
            "pip install 'rocketpy-mq[tls]', or set it to false and name tls.server.certPath and tls.server.keyPath"
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with NamedTemporaryFile(suffix=".pem") as file:  # OpenSSL reads files only; nobody else may read this one
        file.write(text)
        file.flush()
        context.load_cert_chain(file.name)
