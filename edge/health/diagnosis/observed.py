"""What is gathered of a battery while it works (protocol 9.22): runs, rests, current steps, the charge that flowed.

A run is a stretch in one direction that moved the state of charge by 5 % or more; a rest half an hour without current;
a step a change of the current by a tenth of the rated one or more within 10 s. Charge is summed by trapezoids; over a
gap of more than 10 s it follows the battery meter's registers, and is unsure by a twentieth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge.control.limits import Limits
from edge.devices.station import StationSample
from edge.health.diagnosis.believable import KEPT_RUNS, LEAST_RUN_BP, Run
from edge.health.diagnosis.cell import CellData
from edge.health.diagnosis.soh import Rest, Step

STEP_MS = 10_000
REST_MS = 1_800_000
_KEPT_RESTS, _KEPT_STEPS = 24, 60
_IDLE_MS = 60_000
_LOST_MS = 300_000
_WMS_MAS = 3_600_000_000
"""mA·s a Wh at one mV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The electrical values of a sample; current, power and charge positive out."""

    t_ms: int
    current_ma: int
    voltage_mv: int
    power_w: int
    soc_bp: int
    temperature_ddegc: int
    charge_wh: int
    discharge_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Counters of what flowed out, mA·s, and of how unsure that is."""

    charge_mas: int = 0
    doubt_mas: int = 0


def look_of(sample: StationSample, *, t_ms: int, cells: CellData) -> Look | None:
    """What a sample tells; None where the battery gives no current or voltage, or doubtful ones."""
    keys = (cells.current_key, cells.voltage_key)
    if any(key not in sample.points or key in sample.doubtful for key in keys):
        return None
    hottest = sample.cell_hottest_ddegc
    return Look(
        t_ms=t_ms, current_ma=sample.points[keys[0]], voltage_mv=sample.points[keys[1]], power_w=sample.battery_power_w,
        soc_bp=sample.soc_bp, temperature_ddegc=250 if hottest is None else hottest, charge_wh=sample.charge_wh,
        discharge_wh=sample.discharge_wh,
    )  # fmt: skip


def counted(before: Charge, a: Look, b: Look) -> Charge:
    """The counters after the time between two looks."""
    passed_ms = b.t_ms - a.t_ms
    if passed_ms <= STEP_MS:
        flowed = (a.current_ma + b.current_ma) * passed_ms // 2_000
        return replace(before, charge_mas=before.charge_mas + flowed)
    moved_wh = (b.discharge_wh - a.discharge_wh) - (b.charge_wh - a.charge_wh)
    flowed = moved_wh * _WMS_MAS // max(1, a.voltage_mv)
    return Charge(charge_mas=before.charge_mas + flowed, doubt_mas=before.doubt_mas + abs(flowed) // 20)


def steps_of(looks: Sequence[Look], *, cells: CellData) -> tuple[Step, ...]:
    """The current steps within a sequence of looks: each as far as it goes within 10 s."""
    found, at, least_ma = [], 0, cells.rated_ma // 10
    while at + 1 < len(looks):
        end = at
        while end + 1 < len(looks) and _goes_on(looks, at, end, cells):
            end += 1
        if abs(looks[end].current_ma - looks[at].current_ma) >= least_ma:
            found.append(_step(looks[at], looks[end]))
        at = max(end, at + 1)
    return tuple(found)


def _goes_on(looks: Sequence[Look], at: int, end: int, cells: CellData) -> bool:
    """Whether the look after `end` still belongs to the step that begins at `at`."""
    if looks[end + 1].t_ms - looks[at].t_ms > STEP_MS:
        return False
    move_ma = looks[end + 1].current_ma - looks[end].current_ma
    so_far_ma = looks[end].current_ma - looks[at].current_ma
    return abs(move_ma) * 50 >= cells.rated_ma and move_ma * so_far_ma >= 0


def _step(a: Look, b: Look) -> Step:
    return Step(
        t_ms=b.t_ms, current_ma=b.current_ma - a.current_ma, voltage_mv=b.voltage_mv - a.voltage_mv,
        temperature_ddegc=b.temperature_ddegc, soc_bp=b.soc_bp,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A run that goes on, since its first sample."""

    charging: bool
    from_ms: int
    soc_bp: int
    energy_wh: int
    last_ms: int
    last_soc_bp: int
    last_energy_wh: int


@dataclass(slots=True)
class Observed:
    """What is remembered between samples. Knows no clock: every call brings its instant."""

    limits: Limits
    cells: CellData | None
    runs: list[Run] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    charge: Charge = field(default_factory=Charge)
    last: Look | None = None
    _open: _Open | None = None
    _recent: list[Look] = field(default_factory=list)
    _still_ms: int | None = None

    def see(self, sample: StationSample, *, t_ms: int) -> bool:
        """Take a sample in; returns whether a run, rest or step came of it."""
        before = len(self.runs), len(self.rests), len(self.steps)
        self._run(sample, t_ms)
        look = None if self.cells is None else look_of(sample, t_ms=t_ms, cells=self.cells)
        if look is not None and self.cells is not None and (self.last is None or t_ms > self.last.t_ms):
            if self.last is not None:
                self.charge = counted(self.charge, self.last, look)
            self._rest(look, self.cells)
            self._steps(look, self.cells)
            self.last = look
        grown = before != (len(self.runs), len(self.rests), len(self.steps))
        del self.runs[: -2 * KEPT_RUNS], self.rests[:-_KEPT_RESTS], self.steps[:-_KEPT_STEPS]
        return grown

    def _run(self, sample: StationSample, t_ms: int) -> None:
        least_w = max(self.limits.charge_power_w, self.limits.discharge_power_w) // 50
        moving, charging, now = abs(sample.battery_power_w) > least_w, sample.battery_power_w < 0, self._open
        energy_wh = sample.charge_wh if (now.charging if now else charging) else sample.discharge_wh
        if now is not None:
            lost = t_ms - now.last_ms > _LOST_MS or energy_wh < now.last_energy_wh
            if lost or (moving and charging is not now.charging) or (not moving and t_ms - now.last_ms > _IDLE_MS):
                self._close(now, kept=not lost)
                now = None
                energy_wh = sample.charge_wh if charging else sample.discharge_wh
        if not moving:
            self._open = now
        elif now is None:
            self._open = _Open(
                charging=charging, from_ms=t_ms, soc_bp=sample.soc_bp, energy_wh=energy_wh, last_ms=t_ms,
                last_soc_bp=sample.soc_bp, last_energy_wh=energy_wh,
            )  # fmt: skip
        else:
            self._open = replace(now, last_ms=t_ms, last_soc_bp=sample.soc_bp, last_energy_wh=energy_wh)

    def _close(self, run: _Open, *, kept: bool) -> None:
        moved_bp = run.last_soc_bp - run.soc_bp if run.charging else run.soc_bp - run.last_soc_bp
        energy_wh, passed_ms = run.last_energy_wh - run.energy_wh, run.last_ms - run.from_ms
        if kept and moved_bp >= LEAST_RUN_BP and passed_ms > 0:
            self.runs.append(
                Run(
                    charging=run.charging, moved_bp=moved_bp, energy_wh=energy_wh,
                    power_w=energy_wh * 3_600_000 // passed_ms, t_ms=run.last_ms,
                )
            )  # fmt: skip

    def _rest(self, look: Look, cells: CellData) -> None:
        if abs(look.current_ma) * 100 > cells.rated_ma or (self.last and look.t_ms - self.last.t_ms > _LOST_MS):
            self._still_ms = None
            return
        if self._still_ms is None:
            self._still_ms = look.t_ms
        if look.t_ms - self._still_ms < REST_MS:
            return
        rest = rest_at(look, self.charge, cells)
        if self.rests and self.rests[-1].t_ms >= self._still_ms:
            self.rests[-1] = rest  # the same rest, later: more relaxed
        else:
            self.rests.append(rest)

    def _steps(self, look: Look, cells: CellData) -> None:
        """Judge the looks of the last 10 s once a step in them is over."""
        self._recent = [one for one in self._recent if look.t_ms - one.t_ms <= 2 * STEP_MS] + [look]
        found = [step for step in steps_of(self._recent, cells=cells) if step.t_ms < look.t_ms]
        last_ms = self.steps[-1].t_ms if self.steps else -1
        new = [step for step in found if step.t_ms > last_ms + STEP_MS]
        self.steps.extend(new)


def rest_at(look: Look, charge: Charge, cells: CellData) -> Rest:
    """The rest that a look is taken for."""
    soc_ppm, u_ppm = cells.soc_ppm(1_000 * look.voltage_mv // cells.series)
    return Rest(
        t_ms=look.t_ms, soc_ppm=soc_ppm, u_soc_ppm=u_ppm, charge_mas=charge.charge_mas, doubt_mas=charge.doubt_mas
    )  # fmt: skip
