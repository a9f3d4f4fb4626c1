"""The dark drill (protocol 9.14 to 9.16, P1): `python -m tests.campaigns.dark [--seeds N] [--hours H]`.

First the demo: service and chain are dead for a day while six boxes hold an envelope; what the devices were ordered is
held against F3 worked out anew, then all comes back and `alliance audit` must pass. Then the 100 ms cycle, in virtual
time on a grid of σ = 22.4 mHz with disturbances. The last line is JSON; 0 when nothing is wrong.
"""

import argparse
import asyncio
import json
import logging
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import structlog

from alliance.calendar import day_at
from alliance.droop import Droop
from alliance.identity import StationId, to_hex
from oracle import cbor
from oracle import deployment as deployments
from oracle import directive as directives
from oracle.directive import Directive, Envelope
from simulation.cast import STATIONS, CastStation
from simulation.demo import TICK_MS
from simulation.founding import first_tick_ms
from tests.campaigns.edge_truth import Ledger, judge, refusals
from tests.campaigns.edge_world import NUMBERS, HostileWorld, Plot
from tests.demo_day import DAY, HOUR_MS
from tests.edge.peer import DISPATCHER, Peer
from tests.edge.test_dark import alone
from tests.edge.test_directives import PLAN
from tests.journeys.test_faults import WAKE_MS
from tests.journeys.traces import audit, traces, waiting

MINUTE_MS = 60_000
DARK_MS = DAY.start_ms + 16 * MINUTE_MS
ENVELOPE_HOURS = 20
STEP_W = 10
"""So coarse do the largest converter's registers count powers."""
NOMINAL_MHZ, DEADBAND_MHZ, DROOP_BP = 50_000, 33, 200
SHOCKS_MHZ = (-450, 300, -120, 900, -900, 90)
_BY_NUMBER = {int(s.number): s for s in STATIONS}


def envelope(station: CastStation) -> Envelope:
    """What a station holds: a droop on its rating up to a fifth of it, and a hundredth of it as a safe schedule."""
    rated_w = station.plant.battery.discharge_power_w
    droop = Droop(
        rated_w=rated_w, deadband_mhz=DEADBAND_MHZ, droop_bp=DROOP_BP, cap_w=rated_w // 5, sustain_ms=900_000
    )  # fmt: skip
    return Envelope(droop=droop, reserve_up_w=0, reserve_down_w=0, reserve_ms=900_000, safe_wh=safe_wh(station))


def safe_wh(station: CastStation) -> tuple[int, ...]:
    """Charging by night, discharging by evening."""
    hundredth = station.plant.battery.discharge_power_w // 400
    return tuple(-hundredth if slot < 32 else hundredth if slot >= 72 else 0 for slot in range(96))


def dispatcher(state: Path) -> Any:
    """Hands each box its one directive in the platform's place, and hears the answers."""

    def speaks(path: str) -> bytes | None:
        if path == "/v1/directives/answers":
            return b"{}"
        if not path.startswith("/v1/stations/") or "/directives?" not in path:
            return None
        after, number = int(path.rpartition("=")[2]), int(path.split("/")[3])
        domain = deployments.load(state / "deployment.json").domain
        from_ms = first_tick_ms(DAY)
        told = Directive(
            station=StationId(number), number=1, issued_ms=from_ms, from_ms=from_ms, plan=PLAN,
            until_ms=DAY.start_ms + ENVELOPE_HOURS * HOUR_MS, body=directives.body_bytes(envelope(_BY_NUMBER[number])),
        )  # fmt: skip
        raw = [directives.signed(told, domain=domain, signer=DISPATCHER)] if after < 1 else []
        return cbor.encode({"v": 1, "directives": raw})

    return speaks


def shocks(hours: int) -> dict[int, list[dict[str, Any]]]:
    """Disturbances of the grid that all stations share, each ten minutes long."""
    every_ms = hours * HOUR_MS // len(SHOCKS_MHZ)
    found = [
        {"from_ms": at, "to_ms": at + 10 * MINUTE_MS, "frequency_mhz": off_mhz}
        for at, off_mhz in ((DARK_MS + n * every_ms + every_ms // 2, off) for n, off in enumerate(SHOCKS_MHZ))
    ]
    return dict.fromkeys(NUMBERS, found)


@dataclass
class Orders:
    """What the devices were ordered in the dark."""

    orders: int = 0
    answering: int = 0
    outside: int = 0
    off: int = 0
    after_end: int = 0
    most_off_w: int = 0
    wrong: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(station, instant, order, due) of the first that were wrong."""


def orders_of(journal: Path, schedules: dict[int, dict[int, int]], *, to_ms: int) -> Orders:
    """Hold what each device was ordered in each minute against what was due at its beginning."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    found = Orders()
    for now, after in pairwise(lines):
        if not DARK_MS < now["t"] < to_ms or after["t"] != now["t"] + TICK_MS:
            continue
        for number, station in _BY_NUMBER.items():
            shown, ordered_w = now["stations"][str(number)], after["stations"][str(number)]["set_power_w"]
            base_w, counts = base_at(station, schedules[number], now["t"])
            answer_w = f3_w(station, shown) if counts else 0
            due_w = within(station, shown, base_w + answer_w)
            found.orders += 1
            found.answering += answer_w != 0
            found.after_end += not counts
            found.most_off_w = max(found.most_off_w, abs(ordered_w - due_w))
            wrong = abs(ordered_w - due_w) >= STEP_W
            found.off += wrong
            found.outside += is_outside(station, shown, ordered_w)
            if wrong and len(found.wrong) < 10:
                found.wrong.append((number, now["t"], ordered_w, due_w))
    return found


def base_at(station: CastStation, schedule: dict[int, int], t_ms: int) -> tuple[int, bool]:
    """The power apart from the frequency, and whether the envelope counts: then the plan, else the safe schedule."""
    slot, counts = (t_ms - day_at(t_ms).start_ms) // 900_000, t_ms < DAY.start_ms + ENVELOPE_HOURS * HOUR_MS
    return (schedule[slot] if counts else safe_wh(station)[slot]) * 4, counts


def f3_w(station: CastStation, shown: dict[str, int]) -> int:
    """F3 in fractions, with the cap, and what the content bears for a quarter of an hour."""
    rated_w, off_mhz = station.plant.battery.discharge_power_w, shown["frequency_mhz"] - NOMINAL_MHZ
    hertz = Fraction(max(abs(off_mhz) - DEADBAND_MHZ, 0), 1_000)
    size = min(hertz / (50 * Fraction(DROOP_BP, 10_000)) * rated_w, Fraction(rated_w // 5))
    up_w, down_w = bearable_w(station, shown, for_ms=900_000)
    whole_w = math.floor(size + Fraction(1, 2))
    return -min(whole_w, down_w) if off_mhz > 0 else min(whole_w, up_w)


def bearable_w(station: CastStation, shown: dict[str, int], *, for_ms: int) -> tuple[int, int]:
    """Discharge and charge that rating and content bear for a time, in the window of 5 to 98 %."""
    battery = station.plant.battery
    per_bp = Fraction(battery.capacity_wh, 10_000) * Fraction(HOUR_MS, for_ms)
    up = max(0, shown["soc_bp"] - 500) * per_bp * Fraction(station.eta_d_ppm, 10**6)
    down = max(0, 9_800 - shown["soc_bp"]) * per_bp / Fraction(station.eta_c_ppm, 10**6)
    return min(battery.discharge_power_w, math.floor(up)), min(battery.charge_power_w, math.floor(down))


def within(station: CastStation, shown: dict[str, int], wish_w: int) -> int:
    """The wish inside content, device and connection; the ramp reaches from end to end in a minute."""
    assert station.plant.ramp_w_per_s * 60 >= 2 * station.plant.battery.discharge_power_w
    up_w, down_w = bearable_w(station, shown, for_ms=TICK_MS)
    load_w = shown["battery_power_w"] - shown["meter_power_w"]
    most_w = min(up_w, shown["discharge_limit_w"], max(0, station.plant.pcc_export_w + load_w))
    least_w = min(down_w, shown["charge_limit_w"], max(0, station.plant.pcc_import_w - load_w))
    return max(-least_w, min(most_w, wish_w))


def is_outside(station: CastStation, shown: dict[str, int], ordered_w: int) -> bool:
    """Whether an order leaves rating or content."""
    battery = station.plant.battery
    empty, full = shown["soc_bp"] <= 500, shown["soc_bp"] >= 9_800
    return (
        not -battery.charge_power_w <= ordered_w <= battery.discharge_power_w
        or (ordered_w > 0 and empty) or (ordered_w < 0 and full)
    )  # fmt: skip


def schedules_of(world: HostileWorld) -> dict[int, dict[int, int]]:
    """Each station's plan of the day, as the service tells it."""
    found = {}
    for number in NUMBERS:
        url = f"{world.demo.service_url}/v1/stations/{number}/schedule?day={DAY}"
        told = httpx.get(url, trust_env=False).raise_for_status().json()
        found[number] = {int(row["slot"]): int(row["batteryWh"]) for row in told["rows"]}
    return found


def drill(state: Path, *, hours: int) -> dict[str, Any]:
    """The demo in the dark for some hours, and its return."""
    box = {"dispatchers": [to_hex(DISPATCHER.address)]}
    begun = time.monotonic()
    world = HostileWorld(state, Plot(box=box, grid=shocks(hours), speaks=dispatcher(state)))
    ledger = Ledger(state, NUMBERS)

    def lived(until_ms: int) -> None:
        while world.now_ms <= until_ms:
            t_ms = world.now_ms
            gone = world.tick_or_crash()
            assert gone is None, f"{gone} ended by itself at {t_ms}"
            ledger.observe(t_ms, {})

    try:
        world.begin()
        ledger.observe(world.now_ms - TICK_MS, {})
        lived(DARK_MS - TICK_MS)
        schedules = schedules_of(world)
        world.take_away("service")
        world.demo.stop_chain()
        back_ms = DARK_MS + hours * HOUR_MS
        lived(back_ms)
        held = sum(waiting(state / f"edge-{n}") for n in NUMBERS)
        orders = orders_of(world.journal, schedules, to_ms=back_ms)
        world.demo.start_chain_again()
        world.run(world.demo.restart("service"))
        lived(back_ms + 20 * MINUTE_MS)
        if world.now_ms < WAKE_MS:
            world.sleep_until(WAKE_MS)
        while (
            not traces(state, world.played.rpc_url).statements and world.now_ms < max(back_ms, DAY.end_ms) + 8 * HOUR_MS
        ):
            lived(world.now_ms + 10 * MINUTE_MS)
        lived((world.now_ms + 45 * MINUTE_MS) // 900_000 * 900_000 + 7 * MINUTE_MS)
        found = traces(state, world.played.rpc_url)
        p = world.played
        code, verdict = audit(DAY, rpc=p.rpc_url, archive=p.archive, deployment=p.deployment, key=p.key)
        judged = judge(ledger, found, world.devices(), world.journal)
        return {
            "hours": hours, **asdict(orders), **asdict(judged), "settled": len(found.statements), "held": held,
            "waiting": sum(waiting(state / f"edge-{n}") for n in NUMBERS), "unexplained": ledger.unexplained()[:20],
            "wrongly_refused": len(refusals(state / "service", world.devices())),
            "back_for_min": (world.now_ms - back_ms) // MINUTE_MS, "audit": verdict["verdict"], "audit_code": code,
            "wall_s": round(time.monotonic() - begun),
        }  # fmt: skip
    finally:
        world.close()


def cycle(folder: Path, *, seed: int, hours: int) -> dict[str, Any]:
    """The 100 ms cycle in the dark: the envelope ends after three quarters of it; odd seeds begin nearly empty."""
    peer = Peer().start()
    try:
        figures, counts = asyncio.run(
            alone(
                folder, peer, seed=seed, dark_ms=hours * HOUR_MS, envelope_ms=hours * HOUR_MS * 3 // 4,
                disturbed=3 * hours, soc_bp=1_150 if seed % 2 else 5_000,
            )
        )  # fmt: skip
    finally:
        peer.stop()
    return {"seed": seed, **asdict(figures), **counts}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; 0 when no order was wrong and nothing was lost."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.dark", description="Stations alone for a day.")
    parser.add_argument("--seeds", type=int, default=2, help="virtual days of the 100 ms cycle (default 2)")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--only", choices=["drill", "cycle"])
    parser.add_argument("--keep", type=Path, help="folder in which the worlds stay")
    chosen = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    begun, parts = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.keep or Path(folder)
        if chosen.only != "cycle":
            parts.append(drill(place / "drill", hours=chosen.hours))
            print(json.dumps(parts[-1]), flush=True)
        if chosen.only != "drill":
            for seed in range(chosen.seeds):
                parts.append(cycle(place / f"cycle-{seed}", seed=seed, hours=chosen.hours))
                print(json.dumps(parts[-1]), flush=True)
    names = ("orders", "answering", "outside", "off", "after_end", "waiting", "lost", "doubled", "wrongly_refused", "conflicts", "altered", "audit_code")  # fmt: skip
    told = {name: sum(int(part.get(name, 0)) for part in parts) for name in names}
    told |= {"readings": sum(part["readings"] for part in parts), "parts": len(parts)}
    print(json.dumps(told | {"wall_s": round(time.monotonic() - begun)}))
    wrong = ("outside", "off", "waiting", "lost", "doubled", "wrongly_refused", "conflicts", "altered", "audit_code")
    ended = told["after_end"] > 0 or chosen.hours <= ENVELOPE_HOURS
    return int(any(told[name] for name in wrong) or not told["answering"] or not ended)


if __name__ == "__main__":
    sys.exit(main())
