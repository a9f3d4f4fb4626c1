"""A disk rebuilt from what a traced process wrote and synced: strict POSIX, so that only what was synced is sure.

Contents are sure after fsync or fdatasync of the file, names after fsync of their folder. What is not sure may be on
the disk or not, in any part of 512 bytes: an image either drops all of it or keeps a random part.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SYSCALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,unlink,rename,renameat,renameat2,mkdir"
_SECTOR = 512
_CALL = re.compile(r"^\d+\s+(\w+)\((.*)\)\s+= (-?\d+)(?:<([^>]*)>)?")
_FD = re.compile(r"^\d+<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(frozen=True)
class Event:
    """One call that changed or synced something below the traced folder."""

    call: str
    path: str
    data: bytes = b""
    offset: int = 0
    to: str = ""
    truncates: bool = False


@dataclass
class _File:
    sure: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, data), or (size, None) for a truncation."""
    end: int = 0


class Disk:
    """The state of the traced folder after some events."""

    def __init__(self) -> None:
        self._now: dict[str, _File] = {}
        self._sure: dict[str, _File] = {}
        self._names: list[tuple[str, str, _File]] = []
        """Changes of names not synced yet: (old or "", new or "", the file)."""

    def apply(self, event: Event) -> None:
        match event.call:
            case "openat":
                if event.path not in self._now:
                    self._now[event.path] = _File()
                    self._names.append(("", event.path, self._now[event.path]))
                elif event.truncates:
                    self._cut(self._now[event.path], 0)
            case "write":
                file = self._now[event.path]
                self._put(file, file.end, event.data)
            case "pwrite64":
                self._put(self._now[event.path], event.offset, event.data)
            case "ftruncate":
                self._cut(self._now[event.path], event.offset)
            case "fsync" | "fdatasync":
                self._sync(event.path)
            case "unlink":
                self._names.append((event.path, "", self._now.pop(event.path)))
            case "rename":
                self._now[event.to] = self._now.pop(event.path)
                self._names.append((event.path, event.to, self._now[event.to]))

    def image(self, folder: Path, chance: random.Random | None) -> None:
        """Write what a power cut leaves: without chance all that is unsure is gone, with it a random part stays."""
        names = dict(self._sure)
        if chance is not None:
            for old, new, file in self._names[: chance.randint(0, len(self._names))]:
                names.pop(old, None)
                if new:
                    names[new] = file
        for name, file in names.items():
            content = bytearray(file.sure)
            for at, data in file.pending if chance is not None else []:
                if chance is not None and chance.random() < 0.5:
                    _overlay(content, at, data if data is None else _torn(at, data, chance))
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)

    def _sync(self, path: str) -> None:
        if path == ".":
            self._sure, self._names = dict(self._now), []
            return
        file = self._now[path]
        for at, data in file.pending:
            _overlay(file.sure, at, data)
        file.pending.clear()

    def _put(self, file: _File, at: int, data: bytes) -> None:
        file.pending.append((at, data))
        file.end = max(file.end, at + len(data))

    def _cut(self, file: _File, size: int) -> None:
        file.pending.append((size, None))
        file.end = size


def _overlay(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        content[:] = content[:at].ljust(at, b"\0")
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _torn(at: int, data: bytes, chance: random.Random) -> bytes:
    """The beginning of a write, up to a sector's end; mostly all of it."""
    if chance.random() < 0.7:
        return data
    ends = list(range(_SECTOR - at % _SECTOR, len(data), _SECTOR))
    return data[: chance.choice(ends)] if ends else data


def events(trace: Path, folder: Path, told: Path) -> Iterator[Event]:
    """The events of a strace log (`-f -y -xx`), paths relative to the folder; writes to `told` have the path `TOLD`."""
    for line in trace.read_text().splitlines():
        match = _CALL.match(line)
        if match is None or int(match[3]) < 0:
            continue
        call, arguments = match[1], match[2]
        event = _event("rename" if call.startswith("rename") else call, arguments, match[4])
        if event is None:
            continue
        if Path(event.path) == told:
            if event.call == "write":
                yield Event("told", "TOLD", data=event.data)
        elif Path(event.path) == folder or folder in Path(event.path).parents:
            yield Event(
                event.call, str(Path(event.path).relative_to(folder)), event.data, event.offset,
                str(Path(event.to).relative_to(folder)) if event.to else "", event.truncates,
            )  # fmt: skip


def _event(call: str, arguments: str, returned: str | None) -> Event | None:
    texts = [bytes.fromhex(m[1].replace("\\x", "")) for m in _TEXT.finditer(arguments)]
    assert not any(m[2] for m in _TEXT.finditer(arguments)), "strace cut a buffer short"
    fd = _FD.match(arguments)
    place = _path(fd[1]) if fd else ""
    match call:
        case "openat":
            creates = "O_CREAT" in arguments
            path = _path(returned) if returned else texts[0].decode()
            return Event(call, path, truncates="O_TRUNC" in arguments) if creates else None
        case "write":
            return Event(call, place, data=texts[0])
        case "pwrite64":
            return Event(call, place, data=texts[0], offset=int(arguments.rsplit(", ", 1)[1]))
        case "ftruncate":
            return Event(call, place, offset=int(arguments.rsplit(", ", 1)[1]))
        case "fsync" | "fdatasync":
            return Event(call, place)
        case "unlink":
            return Event(call, texts[0].decode())
        case "rename":
            return Event(call, texts[0].decode(), to=texts[1].decode())
    return None


def _path(shown: str) -> str:
    return bytes.fromhex(shown.replace("\\x", "")).decode() if shown.startswith("\\x") else shown
