"""The box's log (protocol 10.2): events as JSON lines on standard error. A full disk behind it stops no round."""

import logging
import sys
from contextlib import suppress
from typing import TextIO

import structlog


class Unfailing:
    """A stream of text whose failures are swallowed: what cannot be said is lost, and the box goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write as far as it goes."""
        with suppress(OSError, ValueError):  # ValueError: closed
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        """Send on what was written, as far as it goes."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def speak(level: str) -> None:
    """Say events from a level on; the Modbus library stays silent, because its failures are events of ours."""
    logging.getLogger("pymodbus").addHandler(logging.NullHandler())
    logging.getLogger("pymodbus").propagate = False
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(Unfailing(sys.stderr)),  # type: ignore[arg-type]  # writes and flushes
    )
