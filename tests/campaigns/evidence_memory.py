"""What every case of a world shares is computed once: pure functions, remembered by their whole input.

A day's plan, certificate and statements, its blocks' headers, events, signatures and readings are read and checked by
each of thousands of audits, and of the same inputs the same statement follows. What an audit makes of them (log, streams,
keys, state, quantities, every comparison) is computed anew in each case, and a changed byte is another input. What was
refused is never remembered.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache
from typing import Any

from alliance import certificate, day, schedule, settlement
from alliance.identity import Address, Digest
from alliance.settlement import SettlementInputs
from chain import events, proofs, rpc
from oracle import cbor, contents, rows, settlement_tree, signature, statement_document
from oracle.signers import Signers

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
        if isinstance(value, SettlementInputs):
            return tuple(_hashed(getattr(value, field.name)) for field in fields(value))
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


def _hashed(value: object) -> object:
    """A value by which an input is known: of a map its keys in order, and each thing in it once."""
    if not isinstance(value, Mapping):
        return value
    places = {id(one): at for at, one in enumerate({id(one): one for one in value.values()}.values())}
    distinct = {id(one): one for one in value.values()}
    return tuple((key, places[id(one)]) for key, one in sorted(value.items())), tuple(distinct.values())


_SHORT = 4_000
"""Blocks of fewer bytes are evidence, entries and manifests: they are decoded anew each time."""
_FUNCTIONS: tuple[Function, ...] = (
    cbor.decode, statement_document.from_plain, certificate.certificate_from_plain,
    certificate.check, schedule.schedule_from_plain, day.rule_document, rows.entry_of, settlement.settle,
    settlement.restated, settlement.correct, settlement.apply_correction, settlement_tree.statement_root,
    statement_document.encode,
)  # fmt: skip


_BY_VALUE: tuple[tuple[Function, int], ...] = (
    (signature._recovered, 20_000), (contents.checked, 3_000),
)  # fmt: skip
"""Functions of values, and so many of their results that are kept."""
_BY_IDENTITY: tuple[tuple[Function, int], ...] = (
    (rpc._header, 3_000), (proofs.check_header, 3_000), (rpc._log, 3_000), (events.decode, 3_000),
)  # fmt: skip
"""Functions of one object that nobody changes (a node's answer, or what was made of it) and of numbers."""


def _by_identity(function: Function, most: int) -> Function:
    """The function, its results kept by the object itself, which is kept with them."""
    known: OrderedDict[object, tuple[object, Any]] = OrderedDict()

    def remembered(one: object, **named: object) -> Any:
        key = (id(one), *named.values())
        if key not in known:
            known[key] = (one, function(one, **named))
            if len(known) > most:
                known.popitem(last=False)
        return known[key][1]

    return remembered


def _documents(memory: _Memory, function: Function) -> Function:
    def remembered(*arguments: object, **named: object) -> Any:
        if isinstance(arguments[0], bytes) and len(arguments[0]) < _SHORT:
            return function(*arguments, **named)
        return memory.of(function, arguments, named)

    return remembered


@contextmanager
def _signers_kept(most: int = 20_000) -> Iterator[None]:
    """While inside, a signature that a batch proved is not assumed and proved again."""
    known: OrderedDict[tuple[Digest, bytes], Address] = OrderedDict()
    of, prove = Signers.of, Signers.prove

    def remembered(self: Signers, device: Address, digest: Digest, signed: bytes) -> Address:
        found = known.get((digest, signed))
        return of(self, device, digest, signed) if found is None else found

    def proved(self: Signers) -> None:
        pending = self._pending
        prove(self)
        known.update(((digest, signed), key.address) for digest, signed, key in pending)
        while len(known) > most:
            known.popitem(last=False)

    Signers.of, Signers.prove = remembered, proved  # type: ignore[method-assign]
    try:
        yield
    finally:
        Signers.of, Signers.prove = of, prove  # type: ignore[method-assign]


@contextmanager
def remembering() -> Iterator[None]:
    """While inside, these functions remember, wherever they are called from."""
    with _signers_kept(), _functions_kept():
        yield


@contextmanager
def _functions_kept() -> Iterator[None]:
    memory, before = _Memory(), []
    made = [(function, _documents(memory, function)) for function in _FUNCTIONS]
    made += [(function, lru_cache(most)(function)) for function, most in _BY_VALUE]
    made += [(function, _by_identity(function, most)) for function, most in _BY_IDENTITY]
    for function, remembered in made:
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").split(".")[0] not in ("alliance", "oracle", "audit", "chain"):
                continue
            for name in [name for name, value in vars(module).items() if value is function]:
                before.append((module, name, function))
                setattr(module, name, remembered)
    try:
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)
