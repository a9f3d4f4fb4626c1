"""The error tree: four base errors; each concrete error stands beside the rule that raises it.

AllianceError
 ├─ Malformed    the bytes or fields cannot be read as what they claim to be
 ├─ Refused      well formed, but a rule forbids it
 ├─ Conflicting  contradicts something that already stands
 └─ Missing      something that is needed is not there, or not yet

A concrete error is a `@dataclass(kw_only=True, eq=False)` whose fields are its facts, with units in their names.
"""

from dataclasses import fields, is_dataclass


class AllianceError(Exception):
    """Root of every error that a rule of the platform raises."""

    @property
    def code(self) -> str:
        """Stable machine name: the class name in snake case."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))

    @property
    def facts(self) -> dict[str, object]:
        """The error's numbers and names, in the order in which they were declared."""
        names: list[str] = [f.name for f in fields(self)] if is_dataclass(self) else []
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_shown(value)}" for name, value in self.facts.items())
        return f"{self.code}: {shown}" if shown else self.code


class Malformed(AllianceError):
    """The bytes or fields cannot be read as what they claim to be."""


class Refused(AllianceError):
    """Well formed, but a rule forbids it."""


class Conflicting(AllianceError):
    """Contradicts something that already stands."""


class Missing(AllianceError):
    """Something that is needed is not there, or not yet."""


def _shown(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
