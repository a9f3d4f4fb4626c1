"""How deep the frequency falls after a loss of generation: the swing equation in whole numbers (protocol 9.18.2).

    (2 H S / f0) · dy/dt = L − Σ P_k(t) − D · y,    y = f0 − f

H the inertia constant and S its base (after the loss), L the lost power, D = load · damping what the load gives way by.
Each primary response P_k follows held · min(1, max(0, y(t − lag) − dead band) / (f0 · droop)), no faster than all that
is held in `rise_ms`. See Kundur, Power System Stability and Control (1994), 11.1, and Anderson and Mirheydar, A
low-order system frequency response model (1990); the gradient at the start is f0 · L / (2 H S), f0 included.

Steps are of a millisecond, with powers taken at each step's beginning and responses rounded down: up to the first dip
the true frequency never lies below the one found here, because every power that stops the fall can only have grown
within the step. Depths are in nHz, shares in parts per billion.
"""

from dataclasses import dataclass

from alliance.fleetplan import MILLION, require_within

STEP_MS = 1
HORIZON_MS = 30_000
"""So long a swing is followed; what comes later is the quasi-steady deviation's."""
MOST_DEPTH_MHZ = 5_000
"""A frequency that fell further has collapsed."""
MOST_POWER_W = 10**13
_NHZ = 1_000_000
"""In a mHz."""
_WHOLE = 10**9
_FULL_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How a primary response answers; GB/T 40595-2021 asks of storage a lag of 1 s and a rise of 3 s at most."""

    deadband_mhz: int
    droop_bp: int
    """The share of f0, in basis points, over which all that is held is given (9.14.1 with Pn = what is held)."""
    lag_ms: int
    """Dead time between frequency and answer."""
    rise_ms: int
    """From nothing to all that is held, at the fastest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A response and the power that stands behind it, W."""

    response: Response
    power_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A synchronous area in a period, as it stands after its largest loss."""

    nominal_mhz: int
    base_w: int
    """S: the rated power to which the inertia constant refers."""
    inertia_ms: int
    """H of what is left running: stored energy over S."""
    load_w: int
    damping_ppm_per_hz: int
    """Share by which the load gives way for each Hz."""
    loss_w: int
    others: tuple[Held, ...]
    """Primary responses that are there anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """What the frequency does after a loss. Frequencies are rounded down, the gradient up."""

    rocof_mhz_per_s: int
    """Fall a second at the very start (RoCoF), as a magnitude."""
    nadir_mhz: int
    """Lowest within `HORIZON_MS`; f0 − 5 Hz: collapsed."""
    nadir_ms: int
    """When, after the loss."""
    steady_mhz: int
    """Quasi-steady: where responses and damping carry the whole loss; f0 − 5 Hz if they cannot."""
    first_mhz: int
    """From lowest to highest in the first third of `HORIZON_MS`."""
    last_mhz: int
    """The same in its last third: a swing that is not much smaller then is not damped."""


def validate_response(name: str, response: Response) -> None:
    """Raises FieldWrong."""
    require_within(f"{name}.deadband_mhz", response.deadband_mhz, 0, MOST_DEPTH_MHZ)
    require_within(f"{name}.droop_bp", response.droop_bp, 1, _FULL_BP)
    require_within(f"{name}.lag_ms", response.lag_ms, 0, HORIZON_MS)
    require_within(f"{name}.rise_ms", response.rise_ms, 1, 600_000)


def rocof_mhz_per_s(loss: Loss) -> int:
    """f0 · L / (2 H S), rounded up: the fall before anything answers."""
    return -(-loss.nominal_mhz * loss.loss_w * 1000 // (2 * loss.inertia_ms * loss.base_w))


def swing(loss: Loss, own: Held) -> Swing:
    """Follow the frequency for `HORIZON_MS`, with all that answers."""
    depths = _fall(loss, (own, *loss.others), most_nhz=MOST_DEPTH_MHZ * _NHZ, first_dip=False)
    third = len(depths) // 3
    return Swing(
        rocof_mhz_per_s=rocof_mhz_per_s(loss),
        nadir_mhz=_frequency(loss, max(depths)),
        nadir_ms=depths.index(max(depths)) * STEP_MS,
        steady_mhz=_frequency(loss, steady_nhz(loss, own)),
        first_mhz=(max(depths[:third]) - min(depths[:third])) // _NHZ,
        last_mhz=(max(depths[-third:]) - min(depths[-third:])) // _NHZ,
    )


def arrested(loss: Loss, own: Held, *, limit_mhz: int) -> bool:
    """Whether first dip and quasi-steady frequency stay at the limit or above: the more is held, the likelier.

    That grows with what is held, for where a fall is slower each answer comes at a lesser depth (9.18.3).
    """
    most_nhz = (loss.nominal_mhz - limit_mhz) * _NHZ
    if steady_nhz(loss, own) > most_nhz:
        return False
    return max(_fall(loss, (own, *loss.others), most_nhz=most_nhz, first_dip=True)) <= most_nhz


def steady_nhz(loss: Loss, own: Held) -> int:
    """The least depth, nHz, at which responses and damping carry the loss; a collapse's where none does."""
    low, high = 0, MOST_DEPTH_MHZ * _NHZ
    while low < high:
        middle = (low + high) // 2
        if _given_w(loss, (own, *loss.others), middle) >= loss.loss_w:
            high = middle
        else:
            low = middle + 1
    return high


def _given_w(loss: Loss, responses: tuple[Held, ...], depth_nhz: int) -> int:
    """What responses and load give at a depth that lasts, W, rounded down."""
    given = loss.load_w * loss.damping_ppm_per_hz * depth_nhz // (MILLION * _WHOLE)
    for held in responses:
        given += held.power_w * _asked(depth_nhz, *_band(loss, held.response)) // _WHOLE
    return given


def _band(loss: Loss, response: Response) -> tuple[int, int]:
    """Dead band, and how much deeper all is given, nHz."""
    return response.deadband_mhz * _NHZ, max(1, loss.nominal_mhz * response.droop_bp * _NHZ // _FULL_BP)


def _asked(depth_nhz: int, dead_nhz: int, span_nhz: int) -> int:
    """The share of a response that a depth asks for, ppb, rounded down."""
    return min(_WHOLE, max(0, depth_nhz - dead_nhz) * _WHOLE // span_nhz)


def _fall(loss: Loss, responses: tuple[Held, ...], *, most_nhz: int, first_dip: bool) -> list[int]:
    """Depths, nHz, a step each from the loss on; they end early beyond `most_nhz`, or once the first fall has ended."""
    falls = loss.nominal_mhz * STEP_MS * _NHZ
    weight = 2 * loss.inertia_ms * loss.base_w
    damping, damped_by = loss.load_w * loss.damping_ppm_per_hz, MILLION * _WHOLE
    known = [
        (held.power_w, held.response.lag_ms // STEP_MS + 1, _WHOLE * STEP_MS // held.response.rise_ms,
         *_band(loss, held.response))
        for held in responses if held.power_w
    ]  # fmt: skip
    shares = [0] * len(known)
    depths, depth = [0], 0
    for step in range(1, HORIZON_MS // STEP_MS + 1):
        rest = loss.loss_w - damping * depth // damped_by
        for k, (power_w, _, _, _, _) in enumerate(known):
            rest -= power_w * shares[k] // _WHOLE
        if first_dip and rest <= 0:
            break
        depth -= -falls * rest // weight
        depths.append(depth)
        if depth > most_nhz:
            break
        for k, (_, lag, rise, dead, span) in enumerate(known):
            share, before = shares[k], depths[step - lag] if step >= lag else 0
            asked = 0 if before <= dead else _WHOLE if before >= dead + span else (before - dead) * _WHOLE // span
            if asked != share:
                shares[k] = min(share + rise, asked) if asked > share else max(share - rise, asked)
    return depths


def _frequency(loss: Loss, depth_nhz: int) -> int:
    return loss.nominal_mhz - min(MOST_DEPTH_MHZ, -(-depth_nhz // _NHZ))
