"""TLS as every probe needs it: whom to trust, the peer's certificate, and what went wrong.

The certificate is taken from the very handshake that is being timed, also from one that failed: a
certificate that has expired or that nobody trusts still says until when it is valid.
"""

import asyncio
import functools
import hashlib
import ssl
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

from cryptography import x509
from cryptography.x509.oid import NameOID
from typing_extensions import override

from probes.net import Failure
from uptimed.core.observations import Cause, Certificate, Instant
from uptimed.core.targets import TlsOptions

_CONTEXT_LIFE_S = 3600.0  # a renewed trust store or client certificate is seen within the hour
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODING_DER = 2  # of the certificates in `_ssl`

# Reasons of OpenSSL's verification, by their numbers in its x509_vfy.h.
_NOT_YET_VALID = 9
_EXPIRED = 10
_NAME_DIFFERS = frozenset({62, 63, 64})  # host, e-mail, address


class HandshakeWatch(Protocol):
    """Is told how a handshake goes."""

    def handshake_began(self) -> None:
        """The connection stands, TLS begins."""
        ...

    def handshake_ended(self, der: bytes | None) -> None:
        """TLS stands or has failed; *der* is the peer's certificate, where it showed one."""
        ...


watching: ContextVar[HandshakeWatch | None] = ContextVar("watching", default=None)
"""Who is told of the handshakes that the current task makes."""


class _WatchedTls(ssl.SSLObject):
    """A TLS connection that tells whoever is watching when its handshake begins and ends."""

    _watch: HandshakeWatch | None = None
    _began = False

    @override
    def do_handshake(self) -> None:
        if not self._began:
            self._began = True
            self._watch = watching.get()
            if self._watch is not None:
                self._watch.handshake_began()
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError:
            if self._watch is not None:
                self._watch.handshake_ended(self._unverified_leaf())
            raise
        if self._watch is not None:
            self._watch.handshake_ended(self.getpeercert(binary_form=True))

    def _unverified_leaf(self) -> bytes | None:
        """Return the certificate that was refused.

        `getpeercert` has none then. The chain is public since Python 3.13; before, only the object
        inside has it, and no second connection is needed.
        """
        inner = getattr(self, "_sslobj", None)
        chain = inner.get_unverified_chain() if inner is not None else None
        if not chain:
            return None
        leaf = chain[0].public_bytes(_ENCODING_DER)
        return leaf if isinstance(leaf, bytes) else None


class TlsContexts:
    """One context for each way of trusting: making one of the system's store takes 35 ms.

    *alpn* is what the connections say that they will speak.
    """

    def __init__(self, alpn: Sequence[str] = ()) -> None:
        self._alpn = alpn
        self._made: dict[TlsOptions, tuple[float, ssl.SSLContext]] = {}
        self._making = asyncio.Lock()

    async def get(self, options: TlsOptions) -> ssl.SSLContext:
        """Return the context of *options*, made in a thread. Raise `Failure` of LOCAL_TRUST."""
        fresh = self._fresh(options)
        if fresh is not None:
            return fresh
        async with self._making:
            fresh = self._fresh(options)
            if fresh is None:
                fresh = await self._make(options)
            return fresh

    def _fresh(self, options: TlsOptions) -> ssl.SSLContext | None:
        made = self._made.get(options)
        return made[1] if made is not None and monotonic() - made[0] < _CONTEXT_LIFE_S else None

    async def _make(self, options: TlsOptions) -> ssl.SSLContext:
        try:
            context = await asyncio.to_thread(context_of, options)
        except OSError as error:
            raise Failure(Cause.LOCAL_TRUST, _problem(options, error)) from error
        if self._alpn:
            context.set_alpn_protocols(self._alpn)
        self._made[options] = (monotonic(), context)
        return context


def context_of(options: TlsOptions) -> ssl.SSLContext:
    """Return a new context. Raise OSError (of which SSLError is one) where a file is no good."""
    if options.verify:
        context = ssl.create_default_context(cafile=options.ca_file or None)
        if not _trusts_anyone(context):
            raise OSError("there is no certificate in it")
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.client_certificate:
        context.load_cert_chain(options.client_certificate, options.client_key or None)
    context.sslobject_class = _WatchedTls
    return context


def _trusts_anyone(context: ssl.SSLContext) -> bool:
    """Return whether there is a certificate to trust; a folder of them is read when needed."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath or ""
    return folder != "" and any(Path(folder).iterdir())


def _problem(options: TlsOptions, error: OSError) -> str:
    files = [options.ca_file, options.client_certificate, options.client_key]
    named = ", ".join(name for name in files if name) or "the system's trust store"
    return f"cannot load {named}: {error.strerror or error}"


@functools.lru_cache(maxsize=4096)
def certificate_of(der: bytes) -> Certificate | None:
    """Return what *der* says, or None where it cannot be read."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        return Certificate(
            not_after=_instant(parsed.not_valid_after_utc),
            not_before=_instant(parsed.not_valid_before_utc),
            subject=_name(parsed.subject),
            issuer=_name(parsed.issuer),
            sha256=hashlib.sha256(der).hexdigest(),
        )
    except ValueError:
        return None


def _instant(moment: datetime) -> Instant:
    return Instant((moment - _EPOCH) // timedelta(microseconds=1))


def _name(name: x509.Name) -> str:
    """Return the common name, or the whole name where there is none."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def failure_of_tls(error: ssl.SSLError, host: str, der: bytes | None) -> Failure:
    """Return what a failed handshake with *host* means; *der* is the certificate it showed."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        return Failure(Cause.TLS_FAILED, f"{host}: TLS failed: {reason}")
    certificate = certificate_of(der) if der else None
    if error.verify_code == _EXPIRED:
        return Failure(Cause.TLS_EXPIRED, f"{host}: {_expiry(certificate)}")
    if error.verify_code == _NOT_YET_VALID:
        return Failure(Cause.TLS_EXPIRED, f"{host}: the certificate is not valid yet")
    if error.verify_code in _NAME_DIFFERS:
        shown = f", it is for {certificate.subject}" if certificate else ""
        return Failure(Cause.TLS_NAME, f"the certificate is not for {host}{shown}")
    return Failure(Cause.TLS_UNTRUSTED, f"{host}: certificate not trusted: {error.verify_message}")


def _expiry(certificate: Certificate | None) -> str:
    if certificate is None:
        return "the certificate has expired"
    day = (_EPOCH + timedelta(microseconds=certificate.not_after)).date()
    return f"the certificate, or one that it rests on, has expired (its own last day: {day})"
