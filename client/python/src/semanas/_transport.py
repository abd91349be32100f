"""How the connection is set up: the arguments of the channel, and whom TLS trusts. It decides nothing about calls."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import grpc

from ._endpoint import Endpoint, pem
from ._options import ConnectionState, Credentials, Options
from ._version import __version__

# The largest answer that is read: a history of ten thousand employments with their movements stays below.
_ANSWER_BYTES_MAX = 32 * 1024 * 1024
# A connection with open calls that was quiet this long is pinged, so that one that was cut without a word is noticed. gRPC skips
# a ping when no call is open at that moment, as between two tries: often enough that the next one is soon.
_KEEPALIVE_INTERVAL_MS = 10_000
_KEEPALIVE_TIMEOUT_MS = 10_000
# gRPC refuses calls while it waits to connect again. Our own retries know when to try, so that it waits as short as it can.
_RECONNECT_MS = 100

_USER_AGENT = f"semanas-client-python/{__version__}"

# Where the authorities of the system stand when Python's own build does not know it.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

STATES = {
    grpc.ChannelConnectivity.IDLE: ConnectionState.IDLE,
    grpc.ChannelConnectivity.CONNECTING: ConnectionState.CONNECTING,
    grpc.ChannelConnectivity.READY: ConnectionState.READY,
    grpc.ChannelConnectivity.TRANSIENT_FAILURE: ConnectionState.FAILED,
}
"""gRPC's words for the state of a connection, and ours."""


def channel_arguments(endpoint: Endpoint, options: Options) -> list[tuple[str, int | str]]:
    """What gRPC is told of the connection."""
    agent = _USER_AGENT if options.user_agent is None else f"{options.user_agent} {_USER_AGENT}"
    arguments: list[tuple[str, int | str]] = [
        ("grpc.primary_user_agent", agent),
        # Nobody but us makes a call again.
        ("grpc.enable_retries", 0),
        ("grpc.max_receive_message_length", _ANSWER_BYTES_MAX),
        ("grpc.keepalive_time_ms", _KEEPALIVE_INTERVAL_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        # The answer to gRPC's own ping, which measures the line: while it waits for one, a minute by default, it sends no other.
        ("grpc.http2.ping_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        # A watch sends nothing after its request: without this gRPC would stop probing after two.
        ("grpc.http2.max_pings_without_data", 0),
        # The name misleads: it bounds how long one attempt to connect may take.
        ("grpc.min_reconnect_backoff_ms", round(options.connect_timeout * 1000)),
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MS),
        # By default clients of one process share connections, and with them the wait after a failure that another one has met.
        ("grpc.use_local_subchannel_pool", 1),
        # A server may not choose its clients' settings through DNS.
        ("grpc.service_config_disable_resolution", 1),
    ]
    if endpoint.is_loopback:
        # gRPC would send even 127.0.0.1 to the proxy that http_proxy names.
        arguments.append(("grpc.enable_http_proxy", 0))
    return arguments


def channel_credentials(credentials: Credentials, options: Options) -> grpc.ChannelCredentials:
    """Whom TLS trusts, and how the client shows who it is."""
    given = pem(options.ca_certificate_pem)
    system = system_authorities()
    # gRPC's built-in list cannot be added to: where there is no other, what is given stands alone.
    both = system + b"\n" + given if system is not None and given is not None else given or system
    return grpc.ssl_channel_credentials(
        root_certificates=both,
        private_key=pem(credentials.client_key_pem),
        certificate_chain=pem(credentials.client_certificate_pem),
    )


def system_authorities() -> bytes | None:
    """The authorities that this machine trusts, which a company may have added its own to; ``None`` = gRPC's built-in list, for
    machines without any and for those where ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` names another one.
    """
    if os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"):
        return None
    files = [ssl.get_default_verify_paths().cafile, *_BUNDLES]
    for file in files:
        if file is not None and Path(file).is_file():
            return Path(file).read_bytes()
    # Windows and macOS keep them in a store.
    stored = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, stored)).encode() or None
