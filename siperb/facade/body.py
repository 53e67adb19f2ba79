"""The body of an answer, in pieces: decoded, and cut off where it is too large."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from siperb.core.wire import MAX_BODY, Request
from siperb.errors import APIResponseError

PIECE = 2**20  # bytes that are decoded at a time


class Body:
    """The body of an answer, taken in pieces: decoded, and refused (`APIResponseError`) when over `limit` bytes.

    The libraries' own decoders make megabytes of one piece before anybody can say stop (aiohttp before 3.13.3,
    urllib3 before 2.6). encoding: a ``Content-Encoding`` that is still to be undone.
    """

    def __init__(
        self, request: Request, encoding: str | None, limit: int = MAX_BODY, request_id: str | None = None
    ) -> None:
        self._limit = limit
        self._request = request
        self._request_id = request_id
        said = re.split(r"[\s,]+", encoding.lower()) if encoding else []
        names = [name for name in said if name not in ("", "identity")]
        self._is_readable = len(names) <= 2 and {*names} <= {"gzip", "x-gzip", "deflate"}
        self._decoders = [_Decoder(name) for name in reversed(names)]
        self._sizes = [0] * (len(names) + 1)
        self._pieces: list[bytes] = []

    def take(self, chunk: bytes) -> None:
        if self._is_readable or not chunk:
            try:
                return self._keep(chunk, self._decoders)
            except zlib.error:
                pass
        raise self._unreadable()

    def _keep(self, chunk: bytes, decoders: list[_Decoder]) -> None:
        self._sizes[len(decoders)] += len(chunk)
        if self._sizes[len(decoders)] > self._limit:
            raise self._unusable(f"more than {self._limit // 2**20} MiB: check the base_url")
        if not decoders:
            self._pieces.append(chunk)
            return
        for piece in decoders[0].pieces(chunk):
            self._keep(piece, decoders[1:])

    def whole(self) -> bytes:
        """All of it, when all has been taken."""
        if any(decoder.is_cut for decoder in self._decoders):
            raise self._unreadable()
        return b"".join(self._pieces)

    def _unreadable(self) -> APIResponseError:
        return self._unusable("in an encoding that cannot be undone: check for a faulty proxy")

    def _unusable(self, how: str) -> APIResponseError:
        where = f"{self._request.method} {self._request.path_template}"
        error = APIResponseError(f"{where} answered {how}.", self._request_id)
        error.maybe_done = True
        return error


class _Decoder:
    """Of gzip, in one or more members, and of deflate, with the header of zlib (RFC 9110) or without, as some send it.

    What follows the end, and is no member, counts for nothing.
    """

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding != "deflate"
        self._inflater = zlib.decompressobj(wbits=31) if self._is_gzip else None
        self._head = b""
        self._has_begun = self._has_ended = self._is_inside = False

    @property
    def is_cut(self) -> bool:
        return self._has_begun and (self._is_inside or not self._has_ended)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        self._has_begun = self._has_begun or bool(chunk)
        if self._inflater is None:
            self._head = chunk = self._head + chunk
            if len(chunk) < 2:
                return
            has_header = chunk[0] & 15 == zlib.DEFLATED and int.from_bytes(chunk[:2], "big") % 31 == 0
            self._inflater = zlib.decompressobj(wbits=15 if has_header else -15)
        piece = b""
        while chunk or len(piece) == PIECE:
            try:
                piece = self._inflater.decompress(chunk, PIECE)
            except zlib.error:
                if self._has_ended and not self._is_inside:
                    return
                raise
            chunk = self._inflater.unconsumed_tail
            self._is_inside = self._is_inside or bool(piece)
            if self._inflater.eof:
                self._has_ended, self._is_inside = True, False
                chunk = self._inflater.unused_data if self._is_gzip else b""
                self._inflater = zlib.decompressobj(wbits=31)
            yield piece
