"""One simulated station of five devices that runs in real time and takes faults by command (protocol 10.16.8).

`python -m simulation.station --port 5020 --fault SPEC --at 30 --for 60`; while it runs, `--inject SPEC`, `--clear SPEC`
or `--clear all` of a second call reach it through its control port. Its first line is the settings of its devices.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress

from alliance.calendar import SLOTS_A_DAY, day_at
from alliance.errors import AllianceError
from oracle.adapters import SystemClock
from simulation.cast import STATIONS
from simulation.devices.parts import StationParts
from simulation.fault_list import FAULTS
from simulation.faults import FaultySite
from simulation.plant import Plant
from simulation.profiles import DayProfile

_HOST = "127.0.0.1"
_LOAD_W = 800_000


async def serve(site: FaultySite, *, control: int, planned: Sequence[tuple[str, int, int]]) -> None:
    """Serve until cancelled; `planned` are faults with the second at which they come and how long they stay, 0: on."""
    talking = await asyncio.start_server(lambda r, w: _obey(site, r, w), _HOST, control)
    began_ms = SystemClock().now_ms()
    tasks = [asyncio.create_task(_planned(site, *one)) for one in planned]
    try:
        for server in site.servers.values():
            await server.start()
        while True:
            site.plant.step(site.plant.t_ms + max(0, SystemClock().now_ms() - began_ms))
            began_ms = SystemClock().now_ms()
            site.publish(site.plant.snapshot())
            await asyncio.sleep(1 - SystemClock().now_ms() % 1_000 / 1_000)
    finally:
        for task in tasks:
            task.cancel()
        talking.close()
        for server in site.servers.values():
            await server.stop()


async def said(control: int, line: str) -> str:
    """Say one line to a station that runs; its answer. Raises OSError."""
    reader, writer = await asyncio.open_connection(_HOST, control)
    writer.write(line.encode() + b"\n")
    answer = (await reader.readline()).decode().strip()
    writer.close()
    return answer


def site_of(*, port: int, container: int, number: int, seed: str) -> FaultySite:
    """A station of the cast by its number, behind five ports from one on."""
    cast = next(one for one in STATIONS if int(one.number) == number)
    now_ms = SystemClock().now_ms()
    days = {day_at(now_ms): DayProfile(day=day_at(now_ms), load_w=(_LOAD_W,) * SLOTS_A_DAY, pv_w=(0,) * SLOTS_A_DAY)}
    plant = Plant(parameters=cast.plant, days=days, seed=seed, start_ms=now_ms)
    parts = StationParts(plant, seed=seed)
    servers = {
        table: device.registers.server(host=_HOST, port=port + n)
        for n, (table, device) in enumerate(parts.by_table.items())
    }  # fmt: skip
    return FaultySite(plant=plant, parts=parts, servers=servers, faults=FAULTS, container=container)


def settings_of(site: FaultySite) -> dict[str, object]:
    """What a box's settings say of these devices."""
    return {
        "kind": "table",
        "parts": [
            {"table": table, "host": _HOST, "port": server.port}
            | ({"name": f"container.{site.container}"} if table == "bms" else {})
            for table, server in site.servers.items()
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C, or say one thing to a station that runs; 2 and one line on standard error if it is wrong."""
    parser = argparse.ArgumentParser(prog="simulation.station", description=__doc__)
    parser.add_argument("--port", type=int, default=5_020, help="of the first device; the others follow")
    parser.add_argument("--control", type=int, default=5_019, help="port through which faults come and go")
    parser.add_argument("--container", type=int, default=1)
    parser.add_argument("--station", type=int, default=1, help="of the cast", choices=[int(s.number) for s in STATIONS])
    parser.add_argument("--seed", default="station")
    parser.add_argument("--fault", action="append", default=[], help="SPEC, also more than once")
    parser.add_argument("--at", type=int, default=0, help="second at which the faults come")
    parser.add_argument("--for", type=int, default=0, dest="lasting", help="seconds that they stay; 0: on")
    parser.add_argument("--inject", help="SPEC, into a station that runs")
    parser.add_argument("--clear", help="SPEC or all, out of a station that runs")
    parser.add_argument("--list", action="store_true", help="the faults by name")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.list:
            sys.stdout.write("".join(f"{f.name:28} {f.zh}  {','.join(f.needs)}\n" for f in FAULTS.values()))
            return 0
        if chosen.inject or chosen.clear:
            line = f"inject {chosen.inject}" if chosen.inject else f"clear {chosen.clear}"
            answer = asyncio.run(said(chosen.control, line))
            sys.stdout.write(answer + "\n")
            return 0 if answer.startswith("ok") else 2
        site = site_of(port=chosen.port, container=chosen.container, number=chosen.station, seed=chosen.seed)
        planned = [(str(site.parse(spec)), chosen.at, chosen.lasting) for spec in chosen.fault]
        sys.stdout.write(json.dumps({"device": settings_of(site), "control": chosen.control}) + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(site, control=chosen.control, planned=planned))
    except (AllianceError, OSError) as failure:
        sys.stderr.write(f"simulation.station: {failure}\n")
        return 2
    return 0


async def _planned(site: FaultySite, spec: str, at_s: int, lasting_s: int) -> None:
    injected = site.parse(spec)
    await asyncio.sleep(at_s)
    await site.inject(injected)
    if lasting_s:
        await asyncio.sleep(lasting_s)
        await site.clear(injected)


async def _obey(site: FaultySite, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One line: `inject SPEC`, `clear SPEC`, `clear all`."""
    verb, _, spec = (await reader.readline()).decode(errors="replace").strip().partition(" ")
    try:
        if verb == "inject":
            await site.inject(site.parse(spec))
        elif verb == "clear":
            await site.clear(None if spec == "all" else site.parse(spec))
        answer = "ok " + " ".join(map(str, site.active)) if verb in ("inject", "clear") else "inject or clear"
    except AllianceError as refused:
        answer = str(refused)
    writer.write(answer.encode() + b"\n")
    await writer.drain()
    writer.close()


if __name__ == "__main__":
    sys.exit(main())
