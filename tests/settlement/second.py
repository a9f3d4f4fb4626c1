"""The second implementation as a process: questions in, answers out, over a pipe to Node (`second.mjs`)."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from oracle.cbor import encode

PROGRAM = Path(__file__).with_name("second.mjs")


class Second:
    """The program while it runs; `ask` takes questions and gives its answers in their order."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["node", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "Second":
        assert self._line() == "ready"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def ask(self, question: dict[str, Any]) -> Any:
        """The answer to one question."""
        raw = encode(question)
        assert self._process.stdin is not None
        self._process.stdin.write(len(raw).to_bytes(4, "big") + raw)
        self._process.stdin.flush()
        return json.loads(self._line())

    def ask_all(self, questions: Sequence[dict[str, Any]]) -> list[Any]:
        """The answers to several questions."""
        return [self.ask(question) for question in questions]

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the second implementation ended with {self._process.wait()}")
        return line.decode().rstrip("\n")
