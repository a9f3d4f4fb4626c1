"""Bodies about instructions; powers in W, more export positive; `record` is byte for byte what 9.8.6 checks."""

from typing import Annotated

from pydantic import Field

from alliance.instruction import MOST_DURATION_S, MOST_PRICE, MOST_TARGET_W, MOST_WEIGHT, Bound, Method
from api.wire import SAFE_INTEGER, Cents, Hex32, Milliseconds, Wire

Number = Annotated[int, Field(ge=1, le=(1 << 31) - 1)]
Region = Annotated[int, Field(ge=100_000, le=999_999)]


class TermsBody(Wire):
    """A station's weight and price in one instruction, in place of what its rating and its owner's profile say."""

    station: Number
    weight: Annotated[int, Field(ge=1, le=MOST_WEIGHT)] | None = None
    price: Annotated[int, Field(ge=-MOST_PRICE, le=MOST_PRICE)] | None = None
    """Cents per MWh."""


class InstructionBody(Wire):
    """A target for a region (GB/T 2260; its zeros stand for all below), for some stations, or for all."""

    target_w: Annotated[int, Field(ge=-MOST_TARGET_W, le=MOST_TARGET_W)]
    method: Annotated[Method, Field(strict=False)] = Method.FAIR
    duration_s: Annotated[int, Field(ge=1, le=MOST_DURATION_S)] = 900
    region: Region | None = None
    stations: Annotated[list[Number], Field(min_length=1, max_length=100_000)] | None = None
    terms: Annotated[list[TermsBody], Field(max_length=100_000)] | None = None
    parent: Hex32 | None = None
    """The schedule's document or the instruction that this one carries out."""


class RecordRow(Wire):
    """What a station could give, what it was told to give, and why no more."""

    station: int
    cap_up_w: int
    cap_up_by: Bound
    cap_down_w: int
    cap_down_by: Bound
    weight: int
    price: int
    last_turn: int
    given_w: int
    bound_by: Bound
    turn: bool


class RecordAnswer(Wire):
    """The record: all that the split was made from, and the split."""

    v: int
    id: str
    call: int
    issued_ms: int
    duration_s: int
    stale_after_ms: int
    target_w: int
    method: Method
    parent: Hex32 | None
    stations: tuple[RecordRow, ...]
    shortfall_w: int
    digest: Hex32
    seed: Hex32


class InstructionAnswer(Wire):
    """An instruction as it was made."""

    call: int
    region: int | None
    cost_cents_per_hour: Cents
    record: RecordAnswer


class StateAnswer(Wire):
    """The ratings and the measured state that a station's caps follow from (protocol 9.8.2)."""

    station: int
    charge_power_w: int
    discharge_power_w: int
    capacity_wh: int
    soc_min_bp: int
    soc_max_bp: int
    eta_c_ppm: int
    eta_d_ppm: int
    pcc_import_w: int
    pcc_export_w: int
    t_ms: Milliseconds
    soc_bp: int
    battery_power_w: int
    power_w: int


class ObeyedAnswer(Wire):
    """How boxes obey an instruction (protocol 9.15.8): directives by standing; `promisedW` + `missingW` = target."""

    sent: int
    waiting: int
    accepted: int
    refused: int
    done: int
    superseded: int
    unanswered: int
    promised_w: int
    done_w: int
    missing_w: int


class InstructionDetail(InstructionAnswer):
    """An instruction with the states that the asker may see: its own stations', or all."""

    states: tuple[StateAnswer, ...]
    obeyed: ObeyedAnswer


class InstructionHeading(Wire):
    """An instruction in a list."""

    call: int
    issued_at: Milliseconds
    region: int | None
    method: Method
    target_w: int
    shortfall_w: int
    stations: int
    excluded: int
    digest: Hex32
    parent: Hex32 | None


class FairnessRowAnswer(Wire):
    """What a station's calls come to (protocol 9.8.7)."""

    station: int
    asked: int
    able: int
    called: int
    turns: int
    available_wh: int
    given_wh: int
    given_bp: int
    millicalls_per_mw: int


class FairnessAnswer(Wire):
    """The fairness report over the instructions issued in a span."""

    from_: Annotated[int, Field(ge=0, le=SAFE_INTEGER)]
    to: Annotated[int, Field(ge=0, le=SAFE_INTEGER)]
    spread_bp: int
    rows: tuple[FairnessRowAnswer, ...]
