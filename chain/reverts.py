"""Why a call reverted (protocol 7): the contract's custom error by name, with its arguments."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from alliance.errors import Refused
from alliance.identity import to_hex
from chain import abi, artifacts
from chain.rpc import RpcRefused

_BUILT_IN = {
    abi.selector("Error(string)"): ("Error", "(bytes)"),
    abi.selector("Panic(uint256)"): ("Panic", "(uint256)"),
}


@dataclass(kw_only=True, eq=False)
class Reverted(Refused):
    """A contract refused a call; `error` is its custom error's name and `values` that error's arguments in order."""

    error: str
    values: tuple[object, ...]
    data: bytes

    def __str__(self) -> str:
        return f"{self.code}: {described(self)}"


def described(reverted: Reverted) -> str:
    """The error as it would be written: LogEpochWrong(5, 4)."""
    return f"{reverted.error}({', '.join(map(_shown, reverted.values))})"


def from_refusal(refused: RpcRefused) -> Reverted | None:
    """The revert behind a node's refusal; None when the node refused for another reason."""
    if refused.data:
        return decode(refused.data)
    if "revert" in refused.message:
        return Reverted(error="Unexplained", values=(refused.message,), data=b"")
    return None


def decode(data: bytes) -> Reverted:
    """Revert data as a named error; an unknown one keeps its selector as its name."""
    name, types = _errors().get(data[:4], ("0x" + data[:4].hex(), ""))
    try:
        values: tuple[object, ...] = abi.decode(types, data[4:]) if types else (data[4:],)
    except abi.AbiMalformed:
        name, values = "0x" + data[:4].hex(), (data[4:],)
    if name == "Error" and isinstance(values[0], bytes):
        values = (values[0].decode(errors="replace"),)
    return Reverted(error=name, values=values, data=data)


@lru_cache(maxsize=1)
def _errors() -> dict[bytes, tuple[str, str]]:
    return _BUILT_IN | {abi.selector(name + types): (name, types) for name, types in _custom_errors()}


def _custom_errors() -> Iterator[tuple[str, str]]:
    for artifact in map(artifacts.load, artifacts.names()):
        yield from artifact.signatures("error").items()


def _shown(value: object) -> str:
    return to_hex(value) if isinstance(value, bytes) else str(value)
