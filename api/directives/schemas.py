"""Bodies about directives and answers; powers in W at the battery's AC side, discharge positive."""

from typing import Annotated

from pydantic import Field

from alliance.obedience import Outcome, Standing
from api.wire import SAFE_INTEGER, Hex20, Hex32, HexBytes, Milliseconds, Wire

MOST_ANSWERS = 1_000


class SaidBody(Wire):
    """A box's word on a directive, under the EIP-712 signature `Answer(…)`."""

    directive: Hex32
    outcome: Annotated[Outcome, Field(strict=False)]
    t: Milliseconds
    reason: Annotated[str, Field(max_length=300)]
    alg: Annotated[int, Field(ge=1, le=255)]
    signature: HexBytes


class SaidBodies(Wire):
    """A box's answers; `device` is the one that signs them."""

    device: Hex20
    answers: Annotated[list[SaidBody], Field(max_length=MOST_ANSWERS)]


class HeardAnswer(Wire):
    """How many answers were taken, and the directives that this service never took."""

    taken: int
    unknown: tuple[Hex32, ...]


class ReasonAnswer(Wire):
    """Why a box refused, by its stable name, in both languages."""

    code: str
    zh: str
    en: str


class DirectiveAnswer(Wire):
    """A directive and where it stands (protocol 9.15.7)."""

    digest: Hex32
    station: int
    number: Annotated[int, Field(ge=1, le=SAFE_INTEGER)]
    kind: str
    """`instruction` or `envelope`."""
    service: str | None
    """Of an instruction: `dispatch` or `agc`."""
    power_w: int | None
    """Of an instruction."""
    droop: bool | None
    """Of an envelope: whether it holds a droop."""
    reserve_up_w: int | None
    reserve_down_w: int | None
    issued_at: Milliseconds
    from_: Milliseconds
    until: Milliseconds
    plan: Hex32
    call: int | None
    """The instruction that it carries out."""
    given_w: int | None
    """What it gives of that instruction's target."""
    dispatcher: Hex20
    taken_at: Milliseconds
    fetched_at: Milliseconds | None
    standing: Standing
    reasons: tuple[ReasonAnswer, ...]
    """Why the box refused; empty otherwise."""
    decided_at: Milliseconds | None
    """By the box's clock, as it signed it."""
    ended_at: Milliseconds | None
    escalated_at: Milliseconds | None
    """Since when the next word was overdue, for good; null where none ever was."""


class DirectivesTaken(Wire):
    """Directives as they were taken, in the order in which they were sent."""

    items: tuple[DirectiveAnswer, ...]


class SignedAnswer(Wire):
    """A box's word as it signed it."""

    outcome: Outcome
    t: Milliseconds
    reason: str
    device: Hex20
    signer: Hex20
    alg: int
    signature: HexBytes
    heard_at: Milliseconds


class DirectiveDetail(DirectiveAnswer):
    """A directive with the dispatcher's message and every answer, so that anyone who may see it can check both."""

    message: HexBytes
    answers: tuple[SignedAnswer, ...]
