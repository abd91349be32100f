"""Where the server is, and whether it may be spoken to in plain text. Opens no connection."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from ._errors import ConfigurationError
from ._options import Credentials, Options

Headers: TypeAlias = tuple[tuple[str, str | bytes], ...]
"""What is sent before a request."""

_DEFAULT_PORTS = {"https": 443, "http": 80}
_CERTIFICATE_MARK = b"-----BEGIN CERTIFICATE-----"
_KEY_MARK = b"PRIVATE KEY-----"


@dataclass(frozen=True)
class Endpoint:
    """A checked endpoint."""

    target: str
    """As gRPC wants it."""
    is_secure: bool
    is_loopback: bool


def parse(endpoint: str, credentials: Credentials, options: Options) -> Endpoint:
    """Checks the endpoint and whether the credentials and options fit it."""
    scheme, host, port = _split(endpoint)
    is_secure, is_loopback = scheme == "https", _is_loopback(host)
    if not is_secure and not is_loopback:
        if credentials.bearer_token is not None:
            raise ConfigurationError(f"refusing to send the bearer token unencrypted to {host}: use https://")
        if not options.allow_plaintext:
            raise ConfigurationError(
                f"refusing to send personal data unencrypted to {host}: use https://, or set allow_plaintext where the network "
                "itself encrypts, as a service mesh does"
            )
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    _check_credentials(credentials, options, where, is_secure=is_secure)
    return Endpoint(f"dns:///{where}", is_secure, is_loopback)


def pem(text: str | bytes | None) -> bytes | None:
    """PEM as bytes."""
    return text.encode() if isinstance(text, str) else text


def _split(endpoint: str) -> tuple[str, str, int]:
    malformed = ConfigurationError("the endpoint must look like https://host:port or http://127.0.0.1:port")
    if not isinstance(endpoint, str) or not endpoint.isascii() or any(c.isspace() for c in endpoint):
        raise malformed
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise malformed from None
    host = parts.hostname or ""
    if parts.scheme not in _DEFAULT_PORTS or not host or "%" in host or port == 0:
        raise malformed
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise malformed
    return parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    """Whether what is sent to ``host`` stays on this machine. A name other than ``localhost`` may point anywhere."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_credentials(credentials: Credentials, options: Options, where: str, *, is_secure: bool) -> None:
    token = credentials.bearer_token
    if isinstance(token, str):
        authorization(token)
    has_certificates = credentials.client_certificate_pem is not None or options.ca_certificate_pem is not None
    if has_certificates and not is_secure:
        raise ConfigurationError(f"certificates are of use over TLS only: write https://{where}")
    certificate, key = pem(credentials.client_certificate_pem), pem(credentials.client_key_pem)
    if (certificate is None) != (key is None):
        raise ConfigurationError("client_certificate_pem and client_key_pem belong together: give both")
    if certificate is not None and key is not None:
        if _CERTIFICATE_MARK not in certificate:
            raise ConfigurationError("client_certificate_pem is not a certificate in PEM")
        if _KEY_MARK not in key:
            raise ConfigurationError("client_key_pem is not a private key in PEM")
    authorities = pem(options.ca_certificate_pem)
    if authorities is not None and not _are_authorities(authorities):
        raise ConfigurationError("ca_certificate_pem holds no certificate in PEM")


def authorization(token: object) -> Headers:
    """The header for a token, ``None`` = none. A header's value is visible ASCII. The token is not shown, for it is a secret."""
    if token is None:
        return ()
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("the bearer token must be a string of visible ASCII without spaces")
    return (("authorization", f"Bearer {token}"),)


def _are_authorities(authorities: bytes) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return False
    return _CERTIFICATE_MARK in authorities
