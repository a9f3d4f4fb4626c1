"""The contract ABI by hand (protocol 7): canonical encoding, strict decoding, of the few types that our contracts use.

Words (`uint8`…`uint256`, `int8`…`int256`, `address`, `bool`, `bytes1`…`bytes32`), `bytes`, `T[]` and tuples `(T,…)`. In
Python: integers, `bytes`, booleans, and sequences for arrays and tuples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from alliance.errors import Malformed
from oracle.hashing import keccak256

_WORD = 32


@dataclass(kw_only=True, eq=False)
class AbiTypeUnknown(Malformed):
    """A type is none of those that this codec knows."""

    abi_type: str


@dataclass(kw_only=True, eq=False)
class AbiValueWrong(Malformed):
    """A value does not fit its ABI type."""

    abi_type: str
    value: str


@dataclass(kw_only=True, eq=False)
class AbiMalformed(Malformed):
    """Bytes are not the canonical encoding of the types that they should hold."""

    abi_type: str
    why: str
    at_byte: int


@dataclass(frozen=True, slots=True)
class _Type:
    """One parsed type; `parts` are a tuple's members or an array's single item type."""

    text: str
    kind: str
    bits: int = 0
    parts: tuple["_Type", ...] = ()

    @property
    def dynamic(self) -> bool:
        """Whether the value stands in the tail, behind an offset."""
        return self.kind in ("bytes", "array") or any(part.dynamic for part in self.parts if self.kind == "tuple")

    @property
    def head_size(self) -> int:
        """Bytes in the head: the value itself when static, else its offset."""
        if self.dynamic or self.kind != "tuple":
            return _WORD
        return sum(part.head_size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Function:
    """A contract's function: how it is called and what it returns; types as ABI text."""

    name: str
    inputs: str = "()"
    outputs: str = "()"
    selector: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "selector", selector(self.name + self.inputs))

    def encode(self, *values: object) -> bytes:
        """Call data: the selector, then the arguments. Raises AbiValueWrong."""
        return self.selector + encode(self.inputs, values)

    def decode(self, answer: bytes) -> tuple[Any, ...]:
        """What a call returned. Raises AbiMalformed."""
        return decode(self.outputs, answer)

    def decode_call(self, data: bytes) -> tuple[Any, ...]:
        """The arguments in call data. Raises AbiMalformed."""
        if data[:4] != self.selector:
            raise AbiMalformed(abi_type=self.name + self.inputs, why="another selector", at_byte=0)
        return decode(self.inputs, data[4:])


def selector(signature: str) -> bytes:
    """First four bytes of the Keccak-256 of a function's or error's signature."""
    return keccak256(signature.encode())[:4]


def encode(types: str, values: Sequence[object]) -> bytes:
    """Encode values as the tuple `types`, such as "(uint48,bytes32[])". Raises AbiTypeUnknown or AbiValueWrong."""
    return _encode(_parse(types), values)


def decode(types: str, data: bytes) -> tuple[Any, ...]:
    """Decode exactly the canonical encoding of the tuple `types`. Raises AbiTypeUnknown or AbiMalformed."""
    tree = _parse(types)
    values: tuple[Any, ...] = _decode(tree, data, 0)
    if _encode(tree, values) != data:
        raise AbiMalformed(abi_type=types, why="not canonical", at_byte=0)
    return values


@lru_cache(maxsize=512)
def _parse(text: str) -> _Type:
    if text.endswith("[]"):
        return _Type(text, "array", parts=(_parse(text[:-2]),))
    if text.startswith("(") and text.endswith(")"):
        return _Type(text, "tuple", parts=tuple(map(_parse, _members(text[1:-1]))))
    if text in ("address", "bool", "bytes"):
        return _Type(text, text, bits={"address": 160, "bool": 1, "bytes": 0}[text])
    for kind, unit, most in (("uint", 8, 256), ("int", 8, 256), ("bytes", 1, 32)):
        size = text.removeprefix(kind)
        if size != text and size.isdecimal() and 0 < int(size) <= most and int(size) % unit == 0:
            return _Type(text, "word" if kind == "bytes" else kind, bits=int(size) * (8 if kind == "bytes" else 1))
    raise AbiTypeUnknown(abi_type=text)


def _members(text: str) -> list[str]:
    members, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            members.append(text[start:at])
            start = at + 1
    return [*members, text[start:]] if text else []


def _encode(tree: _Type, value: object) -> bytes:
    if tree.kind == "tuple":
        return _encode_row(tree.parts, _row(tree, value, len(tree.parts)))
    if tree.kind == "array":
        row = _row(tree, value, None)
        return len(row).to_bytes(_WORD, "big") + _encode_row(tree.parts * len(row), row)
    if tree.kind == "bytes":
        raw = _bytes(tree, value, None)
        return len(raw).to_bytes(_WORD, "big") + raw + bytes(-len(raw) % _WORD)
    return _encode_word(tree, value)


def _encode_row(types: Sequence[_Type], values: Sequence[object]) -> bytes:
    heads, tails, offset = b"", b"", sum(part.head_size for part in types)
    for part, value in zip(types, values, strict=True):
        raw = _encode(part, value)
        if part.dynamic:
            heads += (offset + len(tails)).to_bytes(_WORD, "big")
            tails += raw
        else:
            heads += raw
    return heads + tails


def _encode_word(tree: _Type, value: object) -> bytes:
    match tree.kind:
        case "word":
            return _bytes(tree, value, tree.bits // 8).ljust(_WORD, b"\0")
        case "address":
            return _bytes(tree, value, 20).rjust(_WORD, b"\0")
        case "bool":
            if not isinstance(value, bool):
                raise AbiValueWrong(abi_type=tree.text, value=repr(value))
            return int(value).to_bytes(_WORD, "big")
        case _:
            return _encode_int(tree, value)


def _encode_int(tree: _Type, value: object) -> bytes:
    signed = tree.kind == "int"
    low, high = (-(1 << tree.bits - 1), 1 << tree.bits - 1) if signed else (0, 1 << tree.bits)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < high:
        raise AbiValueWrong(abi_type=tree.text, value=repr(value))
    return value.to_bytes(_WORD, "big", signed=signed)


def _decode(tree: _Type, data: bytes, at: int) -> Any:
    if tree.kind == "tuple":
        return _decode_row(tree.parts, data, at)
    if tree.kind == "array":
        count = _length(tree, data, at, tree.parts[0].head_size)
        return _decode_row(tree.parts * count, data, at + _WORD)
    if tree.kind == "bytes":
        size = _length(tree, data, at, 1)
        return data[at + _WORD : at + _WORD + size]
    return _decode_word(tree, data, at)


def _decode_row(types: Sequence[_Type], data: bytes, base: int) -> tuple[Any, ...]:
    values, at = [], base
    for part in types:
        place = base + _offset(part, data, at) if part.dynamic else at
        values.append(_decode(part, data, place))
        at += part.head_size
    return tuple(values)


def _decode_word(tree: _Type, data: bytes, at: int) -> object:
    raw = data[at : at + _WORD]
    if len(raw) != _WORD:
        raise AbiMalformed(abi_type=tree.text, why="bytes end too early", at_byte=at)
    match tree.kind:
        case "word":
            return raw[: tree.bits // 8]
        case "address":
            return raw[12:]
        case "bool":
            return bool(raw[-1])
        case _:
            return _decode_int(tree, raw, at)


def _decode_int(tree: _Type, raw: bytes, at: int) -> int:
    value = int.from_bytes(raw, "big", signed=tree.kind == "int")
    if not -(1 << tree.bits - 1) <= value < 1 << (tree.bits - (tree.kind == "int")):
        raise AbiMalformed(abi_type=tree.text, why="outside its range", at_byte=at)
    return value


def _offset(tree: _Type, data: bytes, at: int) -> int:
    offset = int.from_bytes(data[at : at + _WORD], "big")
    if at + _WORD > len(data) or offset > len(data):
        raise AbiMalformed(abi_type=tree.text, why="offset outside the bytes", at_byte=at)
    return offset


def _length(tree: _Type, data: bytes, at: int, unit: int) -> int:
    count = int.from_bytes(data[at : at + _WORD], "big")
    if at + _WORD > len(data) or count * unit > len(data) - at - _WORD:
        raise AbiMalformed(abi_type=tree.text, why="length outside the bytes", at_byte=at)
    return count


def _row(tree: _Type, value: object, size: int | None) -> Sequence[object]:
    if not isinstance(value, (tuple, list)) or (size is not None and len(value) != size):
        raise AbiValueWrong(abi_type=tree.text, value=repr(value)[:80])
    return value


def _bytes(tree: _Type, value: object, size: int | None) -> bytes:
    if not isinstance(value, bytes) or (size is not None and len(value) != size):
        raise AbiValueWrong(abi_type=tree.text, value=repr(value)[:80])
    return value
