"""The body of an answer, in pieces: decoded, and cut off where it is too large."""

from __future__ import annotations

import zlib

from siperb.core.wire import Request
from siperb.errors import APIResponseError

MEMBER = b"\x1f\x8b"  # the beginning of one, in gzip
PIECE = 2**20  # bytes that are decoded at a time


class Body:
    """The body of an answer, taken in pieces: as it is or in gzip, and refused (`APIResponseError`) over `limit` bytes.

    The libraries' own decoders make megabytes of one piece before anybody can say stop, and take members without end.
    encoding: a ``Content-Encoding`` that is still to be undone. limit: that of the request, if not given.
    """

    def __init__(
        self, request: Request, encoding: str | None, limit: int | None = None, request_id: str | None = None
    ) -> None:
        self._request, self._request_id = request, request_id
        self._limit = request.limit if limit is None else limit
        coding = (encoding or "identity").strip().lower()
        self._inflater = zlib.decompressobj(wbits=31) if coding in ("gzip", "x-gzip") else None
        self._is_readable = self._inflater is not None or coding == "identity"
        self._has_begun = False
        self._size = 0
        self._rest = b""  # behind the end: whatever it is, it counts for nothing
        self._pieces: list[bytes] = []

    def take(self, chunk: bytes) -> None:
        if not chunk:
            return
        self._has_begun = True
        if self._inflater is None:
            if not self._is_readable:
                raise self._unreadable()
            self._keep(chunk)
            return
        try:
            while chunk and not self._inflater.eof:
                self._keep(self._inflater.decompress(chunk, PIECE))
                chunk = self._inflater.unconsumed_tail
        except zlib.error:
            self._rest = MEMBER
        if self._inflater.eof:
            self._rest = (self._rest + (self._inflater.unused_data or chunk))[:2]
        if self._rest == MEMBER:  # another one, or none at all
            raise self._unreadable()

    def whole(self) -> bytes:
        """All of it, when all has been taken."""
        if self._inflater and self._has_begun and not self._inflater.eof:
            raise self._unreadable()
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            size = f"{self._limit // 2**20} MiB" if self._limit >= 2**20 else f"{self._limit // 2**10} KiB"
            raise self._unusable(f"more than {size}: check the base_url")
        self._pieces.append(piece)

    def _unreadable(self) -> APIResponseError:
        return self._unusable("in an encoding that cannot be undone: check for a faulty proxy")

    def _unusable(self, how: str) -> APIResponseError:
        where = f"{self._request.method} {self._request.path_template}"
        error = APIResponseError(f"{where} answered {how}.", self._request_id)
        error.maybe_done = True
        return error
