"""Pages and windows of lists (protocol 10.3): opaque cursors, half-open `from` and `to` in UTC milliseconds."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query

from alliance.errors import Malformed
from api.wire import SAFE_INTEGER
from oracle import cbor

MAX_PAGE = 500
DEFAULT_PAGE = 100

T = TypeVar("T")
Key = tuple[int | str | bytes, ...]
"""Where a page ends: the sort key of its last item."""


@dataclass(kw_only=True, eq=False)
class BadCursor(Malformed):
    """A cursor did not come from this list."""

    cursor: str


@dataclass(kw_only=True, eq=False)
class WindowEmpty(Malformed):
    """`from` is not before `to`."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page is wanted: at most `limit` items that follow `cursor`."""

    limit: int
    cursor: str | None

    def after(self, *kinds: type) -> Key | None:
        """The key behind which the page begins, of these types; None on the first page. Raises BadCursor."""
        if self.cursor is None:
            return None
        key = _decode(self.cursor)
        if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
            raise BadCursor(cursor=self.cursor[:80])
        return tuple(key)

    def cut(self, rows: Sequence[T], key: Callable[[T], Key]) -> tuple[tuple[T, ...], str | None]:
        """The page out of up to `limit + 1` rows, and the next page's cursor if there is one."""
        page = tuple(rows[: self.limit])
        return page, encode(key(page[-1])) if len(rows) > self.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open span of time: from_ms ≤ t < to_ms."""

    from_ms: int
    to_ms: int


def encode(key: Key) -> str:
    """A cursor."""
    return base64.urlsafe_b64encode(cbor.encode(list(key))).decode().rstrip("=")


def paging(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="items a page")] = DEFAULT_PAGE,
    cursor: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
) -> Paging:
    """The page that a request asks for."""
    return Paging(limit=limit, cursor=cursor)


def window(
    from_ms: Annotated[int, Query(alias="from", ge=0, le=SAFE_INTEGER, description="UTC ms, included")] = 0,
    to_ms: Annotated[int, Query(alias="to", ge=0, le=SAFE_INTEGER, description="UTC ms, excluded")] = SAFE_INTEGER,
) -> Window:
    """The span that a request asks for. Raises WindowEmpty."""
    if from_ms >= to_ms:
        raise WindowEmpty(from_ms=from_ms, to_ms=to_ms)
    return Window(from_ms=from_ms, to_ms=to_ms)


PagingDep = Annotated[Paging, Depends(paging)]
WindowDep = Annotated[Window, Depends(window)]


def _decode(cursor: str) -> object:
    try:
        return cbor.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, Malformed):
        raise BadCursor(cursor=cursor[:80]) from None
