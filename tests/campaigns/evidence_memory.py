"""What every case of a world shares is computed once: pure functions of the documents' bytes, remembered by their input.

A day's plan, certificate and statements are read and checked by each of thousands of audits. Nothing else is remembered:
evidence, log, chain and settlement are computed anew in each case, and a changed byte is another input.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alliance import certificate, day, schedule
from oracle import cbor, rows, statement_document

_KEPT = 400

Function = Callable[..., Any]


class _Memory:
    """Results by input; the input itself is kept, so that an object's identity names it for good."""

    def __init__(self) -> None:
        self._known: OrderedDict[object, tuple[Any, tuple[object, ...]]] = OrderedDict()
        self._made: dict[int, int] = {}
        """Identity of each remembered result (and of a document's content in it) → how many entries hold it."""

    def of(self, function: Function, arguments: tuple[object, ...], named: dict[str, object]) -> Any:
        """The function's result, remembered when its inputs are values or results that are remembered themselves."""
        values = (*arguments, *(named[name] for name in sorted(named)))
        parts = [self._part(value) for value in values]
        if None in parts:
            return function(*arguments, **named)
        key = (function, tuple(sorted(named)), tuple(parts))
        if key not in self._known:
            self._keep(key, function(*arguments, **named), values)
        self._known.move_to_end(key)
        return self._known[key][0]

    def _part(self, value: object) -> object:
        if isinstance(value, bytes | int | str | None):
            return (type(value), value)
        return id(value) if id(value) in self._made else None

    def _keep(self, key: object, result: Any, values: tuple[object, ...]) -> None:
        self._known[key] = (result, values)
        for one in _inside(result):
            self._made[id(one)] = self._made.get(id(one), 0) + 1
        while len(self._known) > _KEPT:
            _, (gone, _values) = self._known.popitem(last=False)
            for one in _inside(gone):
                self._made[id(one)] -= 1
                if not self._made[id(one)]:
                    del self._made[id(one)]


def _inside(result: Any) -> list[object]:
    """The objects by which a result's parts are asked about again: itself and the maps in it."""
    found, waiting = [], [result]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, bytes | int | str | bool | None):
            found.append(part)
        if isinstance(part, dict):
            waiting += [value for value in part.values() if isinstance(value, dict)]
    return found


_SHORT = 4_000
"""Blocks of fewer bytes are evidence, entries and manifests: they are decoded anew each time."""
_FUNCTIONS: tuple[Function, ...] = (
    cbor.decode, statement_document.from_plain, certificate.certificate_from_plain,
    certificate.check, schedule.schedule_from_plain, day.rule_document, rows.entry_of,
)  # fmt: skip


@contextmanager
def remembering() -> Iterator[None]:
    """While inside, the documents' functions remember, wherever they are called from."""
    memory, before = _Memory(), []
    for function in _FUNCTIONS:

        def remembered(*arguments: object, _of: Function = function, **named: object) -> Any:
            if isinstance(arguments[0], bytes) and len(arguments[0]) < _SHORT:
                return _of(*arguments, **named)
            return memory.of(_of, arguments, named)

        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").split(".")[0] not in ("alliance", "oracle", "audit"):
                continue
            for name in [name for name, value in vars(module).items() if value is function]:
                before.append((module, name, function))
                setattr(module, name, remembered)
    try:
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)
