"""The fast path: prices take the fleet apart, in the solver's process; what they do not settle the stamped model does.

Each part whose regions are tied is planned by prices within a budget of processor time. A part that has not met its gap
by then, or has what the kernel does not know, is solved by HiGHS on its stamped programme; the answers are joined.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np

from optimizer.fleet.arrays import FleetArrays, Ints
from optimizer.fleet.kernel import COMPILED, Floats
from optimizer.fleet.model import RELAXED, OneWay
from optimizer.fleet.prices import Priced, by_prices, can_price, part_of, subfleet, tied_parts
from optimizer.fleet.relaxed import Prices, Relaxed, relaxed_stamped, standing_still
from optimizer.fleet.reserved import can_enter_any, relaxed_inside
from optimizer.fleet.sending import named, received, sent, value_of
from optimizer.linear import SolverTimedOut
from optimizer.solver import SolverProcess, SolverSettings

GAP = 1e-5
"""Proved relative gap at which prices are good enough."""
PRICES_SHARE = 0.6
"""Of the time limit that prices may take; the rest is the stamped programme's."""


def relaxed_fast(
    arrays: FleetArrays,
    *,
    process: SolverProcess,
    settings: SolverSettings,
    one_way: OneWay = RELAXED,
    seconds: float | None = None,
    guess: Floats | None = None,
    gap: float = GAP,
    others: Sequence[SolverProcess] = (),
) -> Relaxed | None:
    """Solve by prices where that is possible; None if infeasible. Raises what `relaxed_stamped` raises.

    `seconds` is the processor time that prices may take for a part, by default about what HiGHS would take; `guess`
    holds prices to begin with (regions × T); `others` are further processes among which the parts are shared out. A
    part is solved alone in any case, so the answer is the same however many there are.
    """
    if COMPILED and one_way == RELAXED and can_enter_any(arrays):
        return relaxed_inside(arrays, process=process, settings=settings, gap=gap, others=others)
    if not COMPILED or one_way != RELAXED or not can_price(arrays) or not arrays.stations:
        return relaxed_stamped(arrays, process=process, settings=settings, one_way=one_way)
    processes = (process, *others)
    shares = _shares(arrays, len(processes))
    asked = {"gap": np.array(gap), "seconds": np.array(np.nan if seconds is None else seconds)}
    if len(shares) == 1:
        found = [_solved(arrays, shares[0], process, asked=asked, guess=guess, settings=settings)]
    else:
        work = partial(_solved, arrays, asked=asked, guess=guess, settings=settings)
        with ThreadPoolExecutor(max_workers=len(shares)) as pool:
            found = list(pool.map(work, shares, processes))
    joined = _Joined(arrays)
    for share in found:
        for part, alone in share or ():
            joined.take(part) if alone is None else joined.take_stamped(part, alone)
    return None if None in found else joined.relaxed()


_Answers = list[tuple[Priced, Relaxed | None]]
"""Parts, each with what the stamped programme said of it where prices did not settle it."""


def _solved(
    arrays: FleetArrays,
    regions: Ints,
    process: SolverProcess,
    *,
    asked: Mapping[str, Any],
    guess: Floats | None,
    settings: SolverSettings,
) -> _Answers | None:
    """Some regions with all that they are tied to, in one process; None if infeasible."""
    end = time.monotonic() + settings.time_limit_s
    stations = np.flatnonzero(np.isin(arrays.region, regions))
    ties = np.flatnonzero(np.isin(arrays.tie_from, regions))
    own = subfleet(arrays, stations=stations, regions=regions, ties=ties)
    request = {**sent(own), **asked, "wall_s": np.array(PRICES_SHARE * settings.time_limit_s)}
    request |= {} if guess is None else {"guess": guess[regions]}
    parts = _parts(process.by_prices(request, settings=settings))
    if parts is None:
        return None
    found: _Answers = []
    for own_part in parts:
        part = replace(
            own_part,
            stations=stations[own_part.stations],
            regions=regions[own_part.regions],
            ties=ties[own_part.ties],
        )
        left = replace(settings, time_limit_s=end - time.monotonic())
        alone = None if part.met else _stamped_in_time(part_of(arrays, part), process, left)
        if alone is None and not part.met:
            return None
        found.append((part, None if part.met or (part.whole and not alone.optimal) else alone))  # type: ignore[union-attr]  # said above
    return found


def _stamped_in_time(part: FleetArrays, process: SolverProcess, settings: SolverSettings) -> Relaxed | None:
    """The stamped programme of a part, or an answer that is worth nothing if its time is over; None if infeasible."""
    if settings.time_limit_s > 0:
        with suppress(SolverTimedOut):
            return relaxed_stamped(part, process=process, settings=settings)
    return standing_still(part)


def _shares(arrays: FleetArrays, count: int) -> list[Ints]:
    """Regions for each process: the parts by size, each to the process that has least so far."""
    size = np.bincount(arrays.region, minlength=arrays.regions)
    parts = sorted((regions for regions, _ in tied_parts(arrays)), key=lambda r: (-int(size[r].sum()), int(r[0])))
    shares: list[list[Ints]] = [[] for _ in range(min(count, len(parts)))]
    for regions in parts:
        least = min(range(len(shares)), key=lambda k: sum(int(size[r].sum()) for r in shares[k]))
        shares[least].append(regions)
    return [np.sort(np.concatenate(share)) for share in shares if share]


def answered(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the solver's process does with a request: the parts as named arrays, `parts` −1 if there is no plan."""
    arrays = received(request)
    reply: dict[str, Any] = {}
    count = 0
    seconds = float(request["seconds"])
    options: dict[str, Any] = {
        "gap": float(request["gap"]),
        "wall_s": float(request["wall_s"]),
        "guess": request.get("guess"),
    }
    for part in by_prices(arrays, seconds=None if np.isnan(seconds) else seconds, **options):
        if part is None:
            return {"parts": np.array(-1)}
        reply |= {f"{name} {count}": value for name, value in named(part).items()}
        count += 1
    return reply | {"parts": np.array(count)}


def _parts(reply: Mapping[str, Any]) -> list[Priced] | None:
    count = int(reply["parts"])
    if count < 0:
        return None
    return [Priced(**{f.name: value_of(reply[f"{f.name} {k}"]) for f in fields(Priced)}) for k in range(count)]


class _Joined:
    """A fleet's relaxation, put together from its parts'."""

    def __init__(self, arrays: FleetArrays) -> None:
        self._cents, self._optimal = 0.0, True
        station, regions, ties = arrays.shape, (arrays.regions, arrays.periods), (arrays.ties, arrays.periods)
        self._charge, self._discharge, self._curtailed = (np.zeros(station) for _ in range(3))
        self._rows = {kind: np.zeros(station) for kind in ("store", "import_right", "export_right")}
        self._balance = np.zeros(regions)
        self._forward, self._backward, self._skipped = np.zeros(ties), np.zeros(ties), np.zeros(ties)

    def take(self, part: Priced) -> None:
        """A part that prices settled, or have the best answer to."""
        self._optimal = self._optimal and part.met
        rows = {
            "store": -part.content,
            "import_right": -np.maximum(part.right, 0.0),
            "export_right": -np.maximum(-part.right, 0.0),
        }
        flows = part.charge, part.discharge, part.curtailed
        ties = part.forward, part.backward, part.skipped
        self._put(part, part.cost / 1e6, flows, ties, part.prices, rows)

    def take_stamped(self, part: Priced, alone: Relaxed) -> None:
        """A part that the stamped programme settled."""
        self._optimal = self._optimal and alone.optimal
        flows = alone.charge, alone.discharge, alone.curtailed[0]
        ties, prices = (alone.forward[0], alone.backward[0], alone.skipped[0]), alone.prices
        self._put(part, alone.cost_cents, flows, ties, prices.balance[0], prices.rows)

    def relaxed(self) -> Relaxed:
        """The whole."""
        nothing = np.zeros((0, self._charge.shape[1]))
        return Relaxed(
            cost_cents=self._cents,
            optimal=self._optimal,
            charge=self._charge,
            discharge=self._discharge,
            reserve=np.zeros((0, *self._charge.shape)),
            curtailed=self._curtailed[None],
            forward=self._forward[None],
            backward=self._backward[None],
            prices=Prices(
                case_weights=np.ones(1),
                balance=self._balance[None],
                held=np.zeros((0, *self._balance.shape)),
                rows=self._rows,
            ),
            lease_charge=nothing,
            lease_discharge=nothing,
            skipped=self._skipped[None],
        )

    def _put(
        self,
        part: Priced,
        cents: float,
        flows: tuple[Floats, Floats, Floats],
        ties: tuple[Floats, Floats, Floats],
        prices: Floats,
        rows: Mapping[str, Floats],
    ) -> None:
        self._cents += cents
        self._charge[part.stations], self._discharge[part.stations], self._curtailed[part.stations] = flows
        self._forward[part.ties], self._backward[part.ties], self._skipped[part.ties] = ties
        self._balance[part.regions] = prices
        for kind, values in self._rows.items():
            values[part.stations] = rows[kind]
