"""Where reduced cell data stay (protocol 9.22.7): a file a day in the state folder, the oldest go past a bound."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.health.diagnosis.reduction import Record

FOLDER = "cells"
_LOCAL = timedelta(hours=8)


class CellFiles:
    """JSON lines, one file a local day. A full disk loses records, never the box: OSError is the caller's to count."""

    def __init__(self, state: Path, *, most_bytes: int) -> None:
        self._folder, self._most = state / FOLDER, most_bytes

    def write(self, series: str, records: Sequence[Record], *, t_ms: int) -> int:
        """Append records of a look; returns the bytes written. Raises OSError."""
        if not records:
            return 0
        lines = "".join(
            json.dumps({"series": series, **record}, separators=(",", ":"), ensure_ascii=False) + "\n"
            for record in records
        )  # fmt: skip
        day = (datetime.fromtimestamp(t_ms / 1_000, UTC) + _LOCAL).date().isoformat()
        self._folder.mkdir(exist_ok=True, mode=0o700)
        path = self._folder / f"{day}.jsonl"
        fresh = not path.exists()
        with path.open("a", encoding="utf-8") as file:
            file.write(lines)
        if fresh or path.stat().st_size > self._most // 2:
            self._give_up()
        return len(lines.encode())

    def _give_up(self) -> None:
        """Remove the oldest days until the rest fits; the day being written goes last, and then begins anew."""
        files = sorted(self._folder.glob("*.jsonl"))
        size = sum(path.stat().st_size for path in files)
        for path in files:
            if size <= self._most:
                return
            size -= path.stat().st_size
            path.unlink()
