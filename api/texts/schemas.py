"""Bodies about texts."""

from pydantic import Field

from api.wire import Hex32, Wire


class TextBody(Wire):
    """A text for all to read."""

    text: str = Field(min_length=1, max_length=4_000)


class TextAnswer(Wire):
    """A text and the SHA-256 of its UTF-8, which is what stands on chain."""

    hash: Hex32
    text: str | None
    """Null when nobody filed it."""
