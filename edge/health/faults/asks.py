"""What a person asks of a running box (protocol 10.16.7): acknowledge, reset; a file each in the state folder.

The command writes beside the box, which holds the folder; the box takes each file in its next round, once. A file that
is none is removed and counted.
"""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = "alarm-asks"
_LONGEST = 1_000


class Verb(StrEnum):
    """What may be asked."""

    ACK = "ack"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request about one alarm."""

    verb: Verb
    number: int
    by: str


def ask(state: Path, asked: Ask) -> None:
    """Put a request down for the box, whole or not at all. Raises OSError."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{uuid.uuid4().hex}"
    beside = folder / f"{name}.part"
    with beside.open("w", encoding="utf-8") as stream:
        json.dump({"verb": asked.verb, "number": asked.number, "by": asked.by}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(folder / f"{name}.json")


def taken(state: Path) -> Iterator[Ask | None]:
    """Take every request that waits, oldest first, once; None for a file that is none."""
    try:
        waiting = sorted((state / FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    except OSError:
        return
    for path in waiting:
        text = b""
        with suppress(OSError), path.open("rb") as stream:  # one that cannot be read is no request
            text = stream.read(_LONGEST + 1)
        try:
            path.unlink()
        except OSError:
            continue  # one that stays would be obeyed in every round
        yield _read(text)


def _read(text: bytes) -> Ask | None:
    try:
        value = json.loads(text)
        return Ask(verb=Verb(value["verb"]), number=int(value["number"]), by=str(value["by"])[:80])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
