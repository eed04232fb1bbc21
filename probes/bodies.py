"""Undoes the content coding of a body, and never makes more of it than was asked for."""

import re
import zlib
from typing import Protocol

from probes.net import Failure
from uptimed.core.observations import Cause

try:
    import brotli
except ImportError:  # not ours to need: it is never asked for, but some servers send it anyway
    brotli = None

_BOMB = 500  # times: no page of anyone shrinks like that, while deflate can make 1,030 of one
_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.ASCII | re.IGNORECASE)


class Decoder(Protocol):
    """Makes bytes of coded bytes, at most so many."""

    def decode(self, coded: bytes, limit: int) -> bytes:
        """Return at most *limit* more bytes. Raise ValueError where the coding is broken."""
        ...

    def waiting(self) -> int:
        """Return how many coded bytes were taken in and not looked at, since it was enough."""
        ...


class _Plain:
    def decode(self, coded: bytes, limit: int) -> bytes:
        return coded[:limit]

    def waiting(self) -> int:
        return 0


class _Deflate:
    """Both gzip and zlib, told apart by their heads, and the raw deflate that some servers send."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS) if gzip else None

    def decode(self, coded: bytes, limit: int) -> bytes:
        if self._inner is None:
            raw = coded[:1] and coded[0] & 0x0F != zlib.DEFLATED
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
        try:
            decoded = self._inner.decompress(self._inner.unconsumed_tail + coded, limit)
            while self._gzip and self._inner.eof and self._inner.unused_data[:2] == b"\x1f\x8b":
                rest = self._inner.unused_data  # gzip files may follow each other
                self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)
                decoded += self._inner.decompress(rest, limit - len(decoded) or 1)
                if len(decoded) >= limit:
                    break
        except zlib.error as error:
            raise ValueError(str(error)) from error
        return decoded[:limit]

    def waiting(self) -> int:
        inner = self._inner
        return len(inner.unconsumed_tail) + len(inner.unused_data) if inner is not None else 0


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    def decode(self, coded: bytes, limit: int) -> bytes:
        try:
            decoded: bytes = self._inner.process(coded, output_buffer_limit=limit)
        except brotli.error as error:
            raise ValueError(str(error)) from error
        return decoded[:limit]

    def waiting(self) -> int:
        return 0


def _decoder(coding: str) -> Decoder:
    match coding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Deflate(gzip=True)
        case "deflate":
            return _Deflate(gzip=False)
        case "br" if brotli is not None:
            return _Brotli()
        case _:
            raise Failure(Cause.BODY_CODING, f"content coding {coding!r}, which was not asked for")


class Body:
    """A body as it comes in, decoded, up to *limit* bytes.

    *cut* says that there may be more of it than was kept.
    """

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding
        self._decoder: Decoder | None = None
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = self._coded = 0
        self.cut = False

    def feed(self, coded: bytes) -> bool:
        """Take in *coded*; return whether more may come. Raise `Failure` of BODY_CODING."""
        self._coded += len(coded)
        if self._decoder is None:
            self._decoder = _decoder(self._coding)
        room = self._limit - self._size
        try:
            decoded = self._decoder.decode(coded, room + 1)
        except ValueError as error:
            detail = f"the {self._coding} of the body is broken: {error}"
            raise Failure(Cause.BODY_CODING, detail) from error
        self._parts.append(decoded[:room])
        self._size += min(len(decoded), room)
        self.cut = len(decoded) > room
        used = self._coded - self._decoder.waiting()
        if self.cut and used * _BOMB < self._size:
            detail = f"{used} bytes of {self._coding} became more than {self._size}: a bomb"
            raise Failure(Cause.BODY_CODING, detail)
        return not self.cut

    def bytes(self) -> bytes:
        """Return what was kept."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def text_of(body: bytes, content_type: str) -> str:
    """Return *body* as text, in the charset it says it has; what is broken in it is replaced."""
    charset = _CHARSET.search(content_type)
    try:
        return body.decode(charset[1] if charset else "utf-8", "replace")
    except (LookupError, ValueError):  # no such charset, or none that can decode
        return body.decode("utf-8", "replace")
