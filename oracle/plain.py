"""Strict reading of decoded CBOR or JSON: each field by name, type and range; nothing left over (protocol 1.4)."""

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Malformed
from oracle.cbor import Cid


@dataclass(kw_only=True, eq=False)
class PlainMalformed(Malformed):
    """A field is missing, unknown, of the wrong type, or outside its limits."""

    where: str
    field: str
    want: str
    got: str


class Fields:
    """One map, read field by field; `finish` refuses what was not asked for."""

    def __init__(self, value: object, *, where: str) -> None:
        if not isinstance(value, dict):
            raise PlainMalformed(where=where, field="", want="map", got=type(value).__name__)
        self._left = dict(value)
        self._where = where

    def int(self, name: builtins.str, *, low: builtins.int = 0, high: builtins.int = (1 << 63) - 1) -> builtins.int:
        """An integer inside [low, high]."""
        value = self._take(name)
        if isinstance(value, builtins.bool) or not isinstance(value, builtins.int) or not low <= value <= high:
            raise self._wrong(name, f"integer {low}…{high}", value)
        return value

    def bytes(self, name: builtins.str, *, size: builtins.int | None = None) -> builtins.bytes:
        """A byte string, of `size` bytes if given."""
        value = self._take(name)
        if not isinstance(value, builtins.bytes) or (size is not None and len(value) != size):
            raise self._wrong(name, f"{'any number of' if size is None else size} bytes", value)
        return value

    def str(self, name: builtins.str) -> builtins.str:
        """A text."""
        value = self._take(name)
        if not isinstance(value, builtins.str):
            raise self._wrong(name, "text", value)
        return value

    def bool(self, name: builtins.str) -> builtins.bool:
        """True or false."""
        value = self._take(name)
        if not isinstance(value, builtins.bool):
            raise self._wrong(name, "true or false", value)
        return value

    def choice(self, name: builtins.str, options: Sequence[builtins.str]) -> builtins.str:
        """One of a few texts."""
        value = self._take(name)
        if not isinstance(value, builtins.str) or value not in options:
            raise self._wrong(name, "one of " + ", ".join(options), value)
        return value

    def list(self, name: builtins.str) -> builtins.list[object]:
        """A list."""
        value = self._take(name)
        if not isinstance(value, builtins.list):
            raise self._wrong(name, "list", value)
        return value

    def cid(self, name: builtins.str) -> Cid:
        """A link."""
        value = self._take(name)
        if not isinstance(value, Cid):
            raise self._wrong(name, "link", value)
        return value

    def optional(self, name: builtins.str) -> builtins.bool:
        """Whether a nullable field has a value; a null is taken as read."""
        if name in self._left and self._left[name] is None:
            del self._left[name]
            return False
        return True

    def map(self, name: builtins.str) -> "Fields":
        """A map inside this one."""
        return Fields(self._take(name), where=f"{self._where}.{name}")

    def any(self, name: builtins.str) -> object:
        """A value that its own reader will check."""
        return self._take(name)

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._left:
            name = min(self._left)
            raise self._wrong(name, "no such field", self._left[name])

    def _take(self, name: builtins.str) -> object:
        if name not in self._left:
            raise PlainMalformed(where=self._where, field=name, want="a value", got="nothing")
        return self._left.pop(name)

    def _wrong(self, name: builtins.str, want: builtins.str, got: object) -> PlainMalformed:
        shown = got.hex() if isinstance(got, bytes) else str(got)
        return PlainMalformed(where=self._where, field=name, want=want, got=shown[:80])
