"""`alliance-edge watch`: looks at a station's devices again and again and says what is due (`edge.reporting`)."""

import asyncio
import json
from collections.abc import Callable

from alliance.ports import Clock
from edge.devices.open import DeviceKind, DeviceSettings, devices_of, open_devices
from edge.devices.station import DeviceError
from edge.reporting import Reported, due


async def watch(
    settings: DeviceSettings, *, say: Callable[[str], object], seconds: int, every_ms: int, period_ms: int, clock: Clock
) -> None:  # fmt: skip
    """Say each report as a JSON line `{t, key, value, cause}`, and a failed look as `{t, error}`."""
    driver, deadbands = open_devices(settings), deadbands_of(settings)
    last: dict[str, Reported] = {}
    loop = asyncio.get_running_loop()
    next_s = started_s = loop.time()
    try:
        while not seconds or loop.time() - started_s < seconds:
            t_ms = clock.now_ms()
            try:
                values = (await driver.read()).points
            except DeviceError as failure:
                say(json.dumps({"t": t_ms, "error": str(failure)}, ensure_ascii=False))
            else:
                last, reports = due(last, values, t_ms=t_ms, period_ms=period_ms, deadbands=deadbands)
                for report in reports:
                    told = {"t": report.t_ms, "key": report.key, "value": report.value, "cause": report.cause}
                    say(json.dumps(told, ensure_ascii=False))
            next_s = max(next_s + every_ms / 1_000, loop.time())
            await asyncio.sleep(next_s - loop.time())
    finally:
        await driver.close()


def deadbands_of(settings: DeviceSettings) -> dict[str, int]:
    """The tables' deadbands in our units; of a SunSpec station none."""
    if settings.kind is not DeviceKind.TABLE:
        return {}
    return {key: point.our_deadband for device in devices_of(settings) for key, point in device.points.items()}
