"""Compiled contracts as checked in (protocol 7): interface, creation code and runtime code of each, by name."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alliance.errors import Malformed, Missing

FOLDER = Path(__file__).resolve().parents[1] / "contracts" / "artifacts"
"""Where the artifacts stand, in the repository and in an installed tree alike."""


@dataclass(kw_only=True, eq=False)
class ArtifactMissing(Missing):
    """There is no compiled contract of that name."""

    name: str
    folder: str


@dataclass(kw_only=True, eq=False)
class ArtifactMalformed(Malformed):
    """An artifact file is not what `make contracts` writes."""

    name: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract; `abi` is the JSON interface as the compiler wrote it."""

    name: str
    abi: tuple[dict[str, Any], ...]
    creation_code: bytes
    runtime_code: bytes
    """Immutable values stand as zeros."""
    immutables: tuple[tuple[int, int], ...]
    """Where the immutable values stand in the runtime code: (first byte, length), ascending."""

    def signatures(self, kind: str) -> dict[str, str]:
        """Names and argument types of its functions, events or errors: {"admit": "(address)", …}."""
        return {one["name"]: _types(one["inputs"]) for one in self.abi if one["type"] == kind}

    @property
    def constructor(self) -> str:
        """Argument types of the constructor."""
        found = [one for one in self.abi if one["type"] == "constructor"]
        return _types(found[0]["inputs"]) if found else "()"


@lru_cache(maxsize=64)
def load(name: str, folder: Path = FOLDER) -> Artifact:
    """The artifact of a contract or interface. Raises ArtifactMissing or ArtifactMalformed."""
    try:
        value = json.loads((folder / f"{name}.json").read_text())
    except FileNotFoundError:
        raise ArtifactMissing(name=name, folder=str(folder)) from None
    except ValueError:
        raise ArtifactMalformed(name=name, field="") from None
    return Artifact(
        name=name,
        abi=tuple(_field(name, value, "abi")),
        creation_code=_code(name, value, "bytecode"),
        runtime_code=_code(name, value, "deployedBytecode"),
        immutables=_immutables(value.get("immutableReferences", {})),
    )


def names(folder: Path = FOLDER) -> list[str]:
    """Names of all artifacts, ascending."""
    return sorted(path.stem for path in folder.glob("*.json"))


def _types(inputs: list[dict[str, Any]]) -> str:
    return "(" + ",".join(map(_type, inputs)) + ")"


def _type(one: dict[str, Any]) -> str:
    text: str = one["type"]
    return _types(one["components"]) + text.removeprefix("tuple") if text.startswith("tuple") else text


def _immutables(references: dict[str, list[dict[str, int]]]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((one["start"], one["length"]) for places in references.values() for one in places))


def _field(name: str, value: Any, field: str) -> Any:
    if not isinstance(value, dict) or field not in value:
        raise ArtifactMalformed(name=name, field=field)
    return value[field]


def _code(name: str, value: Any, field: str) -> bytes:
    text = _field(name, value, field)
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise ArtifactMalformed(name=name, field=field) from None
