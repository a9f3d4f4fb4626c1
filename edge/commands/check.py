"""`alliance-edge check`: whether a box could run with its settings now, a line for each thing that it needs."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from alliance.errors import AllianceError
from edge.devices.open import DeviceKind, open_devices, tables_of
from edge.keys.passphrase import lock_of
from edge.link.service import Service
from edge.settings import Settings, check_fits, load
from oracle import deployment as deployments


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line of the check."""

    what: str
    problem: str
    """Empty where all is well."""
    shown: str = ""


def check(config: Annotated[Path, typer.Option("--config", help="Settings, TOML or JSON.")]) -> None:
    """检查能否运行 say whether the box could run: settings, deployment, passphrase, limits, devices, platform.

    Nothing is written or ordered. Exit 0: all is well. 3: something is not.
    """
    bad = 0
    for found in _looked(config):
        bad += bool(found.problem)
        typer.echo(f"{'✗' if found.problem else '✓'} {found.what}  {found.problem or found.shown}".rstrip())
    if bad:
        raise typer.Exit(3)


def _looked(config: Path) -> Iterator[Found]:
    try:
        settings = load(config)
    except AllianceError as error:
        yield Found(what="设置 settings", problem=str(error))
        return
    yield Found(what="设置 settings", problem="", shown=str(config))
    yield _tried("部署 deployment", lambda: _deployment(settings))
    yield _tried("密钥口令 passphrase", lambda: _passphrase(settings))
    yield _tried("状态目录 state folder", lambda: _state(settings))
    yield _tried("限值 limits", lambda: _limits(settings))
    if settings.device.kind is DeviceKind.TABLE:
        yield _tried("点表 point tables", lambda: ", ".join(device.file for device in tables_of(settings.device)))
    yield _tried("设备 devices", lambda: asyncio.run(_devices(settings)))
    yield _tried("平台 platform", lambda: asyncio.run(_platform(settings)))


def _tried(what: str, look: Callable[[], str]) -> Found:
    try:
        return Found(what=what, problem="", shown=look())
    except (AllianceError, OSError) as error:
        return Found(what=what, problem=str(error) or type(error).__name__)


def _deployment(settings: Settings) -> str:
    deployment = deployments.load(settings.deployment)
    check_fits(settings, deployment)
    return f"chain {deployment.chain_id}"


def _passphrase(settings: Settings) -> str:
    if lock_of(settings).passphrase is None and not settings.plain_key_allowed:
        raise FileNotFoundError("没有口令 none: passphrase_file, the unit's credential, or ALLIANCE_EDGE_PASSPHRASE")
    return "在 given"


def _state(settings: Settings) -> str:
    place = settings.state if settings.state.exists() else settings.state.parent
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"{place}: 此用户不可写 not writable by this user")
    return str(settings.state)


def _limits(settings: Settings) -> str:
    zero = [
        name for name in ("charge_power_w", "discharge_power_w", "capacity_wh", "pcc_import_w", "pcc_export_w")
        if getattr(settings.limits, name) == 0
    ]  # fmt: skip
    return f"为 0 的限值不放行任何功率 zero, so nothing is let through: {', '.join(zero)}" if zero else "已填写 given"


async def _devices(settings: Settings) -> str:
    async def read(devices: Any) -> str:
        sample = await devices.read()
        return f"SOC {sample.soc_bp / 100:.1f} %, {sample.battery_power_w} W, {sample.pcs_state.value}"

    devices = open_devices(settings.device)
    return await _bounded(read(devices), devices.close, seconds=4 * settings.device.timeout_ms / 1_000)


async def _platform(settings: Settings) -> str:
    service = Service(settings.service_url, timeout_s=settings.http_timeout_s, ca_file=settings.service_ca_file)

    async def asked() -> str:
        return f"{settings.service_url}, block {(await service.beacon()).block}"

    return await _bounded(asked(), service.close, seconds=2.0 * settings.http_timeout_s)


async def _bounded(work: Awaitable[str], close: Callable[[], Awaitable[None]], *, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            return await work
    finally:
        await close()
