"""Bodies about configurations of boxes and their answers."""

from typing import Annotated

from pydantic import Field

from api.wire import SAFE_INTEGER, Hex20, Hex32, HexBytes, Milliseconds, Wire
from oracle.configuration import Ending

MOST_ANSWERS = 100


class ToldBody(Wire):
    """A box's word on a configuration, under the EIP-712 signature `ConfigurationAnswer(…)`."""

    configuration: Hex32
    number: Annotated[int, Field(ge=1, le=SAFE_INTEGER)]
    outcome: Annotated[Ending, Field(strict=False)]
    t: Milliseconds
    reason: Annotated[str, Field(max_length=300)]
    alg: Annotated[int, Field(ge=1, le=255)]
    signature: HexBytes


class ToldBodies(Wire):
    """A box's answers; `device` is the one that signs them."""

    device: Hex20
    answers: Annotated[list[ToldBody], Field(max_length=MOST_ANSWERS)]


class ToldAnswer(Wire):
    """How many answers were taken, and the configurations that this service never took for the device's stations."""

    taken: int
    unknown: tuple[Hex32, ...]


class ConfigurationAnswer(Wire):
    """A configuration as it was signed, and what its box said of it last (protocol 9.20.7)."""

    digest: Hex32
    station: int
    number: Annotated[int, Field(ge=1, le=SAFE_INTEGER)]
    issued_at: Milliseconds
    until: Milliseconds
    trial_s: int
    patience_s: int
    values: dict[str, bool | int | str]
    configurer: Hex20
    message: HexBytes
    taken_at: Milliseconds
    fetched_at: Milliseconds | None
    outcome: Ending | None
    """1 confirmed, 2 refused, 3 rolled back; null while its box said nothing."""
    answered_at: Milliseconds | None
    """By the box's clock, as it signed it."""
    reason: str


class ConfigurationsTaken(Wire):
    """Configurations as they were taken, in the order in which they were sent."""

    items: tuple[ConfigurationAnswer, ...]
