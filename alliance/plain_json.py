"""Plain forms as JSON: bytes as 0x-hex, integers beyond 2^53 as decimal texts, no name twice (protocol 9, 10.1)."""

import json
import re
from dataclasses import dataclass

from alliance.errors import Malformed

_SAFE = 1 << 53
_MOST_DEPTH = 64
_BRACKET = re.compile(r"[\[\]{}]")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,39})")
_HEX = re.compile(r"0x([0-9a-fA-F]{2})*")
_BYTES = frozenset({"alliance", "problemDigest"})
_TEXTS = frozenset({"pack", "kind", "rule", "what"})


@dataclass(kw_only=True, eq=False)
class JsonWrong(Malformed):
    """A file or body is not the JSON that it should be: the place, what stands there, and what should."""

    file: str
    where: str
    got: str
    want: str


def parsed(data: bytes, *, source: str) -> object:
    """JSON as it stands, in UTF-8. Raises JsonWrong."""
    try:
        text = data.decode()
        _require_shallow(text)
        value: object = json.loads(text, object_pairs_hook=_without_doubles)
    except ValueError as error:
        raise JsonWrong(file=source, where="", got=str(error), want="JSON without doubled names") from error
    return value


def plain_of(value: object, *, source: str) -> object:
    """Parsed JSON with hex made bytes where bytes belong, decimal texts integers where no text belongs."""
    return _from_json(value, name="", source=source, where="$")


def to_json(value: object) -> object:
    """A plain form as JSON can hold it."""
    if isinstance(value, dict):
        return {name: to_json(v) for name, v in value.items()}
    if isinstance(value, list):
        return [to_json(v) for v in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and abs(value) > _SAFE else value


def _require_shallow(text: str) -> None:
    """Refuse nesting that no plan has, before the parser's own recursion does: libraries lift Python's limit."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _MOST_DEPTH:
            raise ValueError(f"more than {_MOST_DEPTH} brackets deep")


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"name {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def _from_json(value: object, *, name: str, source: str, where: str) -> object:
    if isinstance(value, dict):
        return {n: _from_json(v, name=n, source=source, where=f"{where}.{n}") for n, v in value.items()}
    if isinstance(value, list):
        return [_from_json(v, name=name, source=source, where=f"{where}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, str) or name in _TEXTS:
        return value
    if name in _BYTES and _HEX.fullmatch(value):
        return bytes.fromhex(value[2:])
    if name not in _BYTES and _INTEGER.fullmatch(value):
        return int(value)
    want = "0x-prefixed hex" if name in _BYTES else "integer"
    raise JsonWrong(file=source, where=where, got=value[:80], want=want)
