"""Plain forms in JSON files (`alliance.plain_json`)."""

from pathlib import Path

from alliance.plain_json import parsed, plain_of


def read_json(path: Path) -> object:
    """What a JSON file holds, as it is written. Raises JsonWrong or OSError."""
    return parsed(path.read_bytes(), source=str(path))


def read_plain(path: Path) -> object:
    """The plain form in a JSON file. Raises JsonWrong or OSError."""
    return plain_of(read_json(path), source=str(path))
