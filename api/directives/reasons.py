"""Why a box refused, in words (protocol 9.15.4): `reasons.json`, name → zh, en; several names are joined by commas."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from api.directives.schemas import ReasonAnswer


def in_words(reason: str) -> tuple[ReasonAnswer, ...]:
    """The words for each name; a name that this version does not know stands for itself."""
    known = _catalogue()
    return tuple(
        ReasonAnswer(code=code, zh=known.get(code, {}).get("zh", code), en=known.get(code, {}).get("en", code))
        for code in reason.split(",")
        if code
    )


@cache
def _catalogue() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = json.loads(
        Path(__file__).with_name("reasons.json").read_text(encoding="utf-8")
    )
    return found
