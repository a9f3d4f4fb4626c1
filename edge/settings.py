"""What the box is told from outside (protocol 10.2): one frozen object from a TOML or JSON file, strict in every key.

Environment variables `ALLIANCE_EDGE_…` override single keys of the file. Nothing secret stands in it: the device's key
is born in the state folder. A seed, for demos, is taken on the development chain alone.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from alliance.errors import AllianceError, Malformed, Missing, Refused
from alliance.identity import Address, address
from edge.control.limits import Limits, Need
from edge.devices.open import CapacitorSettings, DeviceSettings, PartSettings
from edge.health.diagnosis.cell import CellData
from edge.health.faults.thresholds import AlarmSettings
from edge.tables import shipped
from oracle.deployment import Deployment

DEVELOPMENT_CHAIN = 31337
PAGE_HOSTS = ("127.0.0.1", "::1")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(kw_only=True, eq=False)
class SettingsMissing(Missing):
    """There is no settings file at a path."""

    path: str


@dataclass(kw_only=True, eq=False)
class SettingsMalformed(Malformed):
    """A settings file cannot be read, or keys of it cannot be used."""

    path: str
    problem: str


@dataclass(kw_only=True, eq=False)
class SeedRefused(Refused):
    """A seed makes keys that others can make too; it is taken on the development chain alone."""

    want_chain_id: int
    got_chain_id: int


def _known_keys(kind: type) -> Callable[[object], object]:
    """A check that a table of the file has no key that its dataclass lacks."""
    names = {field.name for field in fields(kind)}

    def check(value: object) -> object:
        if isinstance(value, dict) and (strange := sorted(set(value) - names)):
            raise ValueError(f"unknown keys: {', '.join(map(str, strange))}")
        return value

    return check


def _device(value: object) -> object:
    """Known keys of the devices' settings, parts included."""
    known, known_of_part = _known_keys(DeviceSettings), _known_keys(PartSettings)
    if isinstance(value, dict) and isinstance(beside := value.get("capacitor"), dict):
        _known_keys(CapacitorSettings)(beside)
        known_of_part(beside.get("converter"))
    if isinstance(value, dict) and isinstance(value.get("parts"), list | tuple):
        for part in value["parts"]:
            known_of_part(part)
    return known(value)


def _address(value: object) -> object:
    if isinstance(value, bytes):
        return value
    try:
        return address(str(value))
    except AllianceError as error:
        raise ValueError(str(error)) from error


def _hex(value: object) -> object:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Settings of `alliance-edge`."""

    model_config = SettingsConfigDict(
        env_prefix="ALLIANCE_EDGE_", env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    state: Path
    """Folder of the key, the outbox and the schedules; made when it is not there, readable by its owner alone."""
    service_url: str
    """Where the platform listens; plain http on loopback alone, because segment secrets travel on it."""
    service_ca_file: Path | None = None
    """Authorities that may have signed the platform's certificate, PEM; none: the public ones."""
    deployment: Path
    """The pinned deployment (protocol 5.6)."""
    station: Annotated[int, Field(ge=1)]
    acknowledgers: Annotated[tuple[Annotated[Address, BeforeValidator(_address)], ...], Field(min_length=1)]
    """Addresses of the platform's keys whose acknowledgements let a segment leave the box."""
    dispatchers: tuple[Annotated[Address, BeforeValidator(_address)], ...] = ()
    """Addresses of the keys whose directives the box takes (protocol 9.15); none: it asks for none."""
    key_algorithm: Literal[1, 2, 3] = 1
    """With what the box signs its readings (protocol 3.6): 1 secp256k1, 2 P-256, 3 Ed25519; its name is always 1."""
    passphrase_file: Path | None = None
    """File of the key files' passphrase, readable by its owner alone; else see `edge.keys.passphrase`."""
    plain_key_allowed: bool = False
    """Whether key files may stand unencrypted."""
    device: Annotated[DeviceSettings, BeforeValidator(_device)]
    limits: Annotated[Limits, BeforeValidator(_known_keys(Limits))]
    cells: Annotated[CellData | None, BeforeValidator(_known_keys(CellData))] = None
    """The battery's cells by their data sheet (protocol 9.22.1); without them capacity and resistance are not told."""
    cell_bytes: Annotated[int, Field(ge=1 << 20)] = 64 << 20
    """Most that reduced cell data may hold in the state folder."""
    alarms: Annotated[AlarmSettings, BeforeValidator(_known_keys(AlarmSettings))] = AlarmSettings()
    """Thresholds of the alarms, and what a trip does (protocol 10.16)."""
    shave_demand: bool = False
    """Whether the battery discharges, schedule or not, to keep `limits.demand_w` or what the month has reached."""
    pacer: Literal["system", "lockstep"] = "system"
    pacer_address: str = "127.0.0.1:0"
    """The supervisor of the lock-step clock, host:port."""
    tick_s: Annotated[int, Field(ge=1, le=900)] = 1
    """Time between two looks at the station, each with an order."""
    sample_s: Annotated[int, Field(ge=1, le=900)] = 60
    """Time between two readings; a multiple of the tick and a part of the epoch."""
    frequency_ms: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Period of the frequency's own cycle, 100 for primary response, in a process of its own; 0: there is none."""
    live_ticks: Annotated[int, Field(ge=0)] = 10
    """Every so many ticks live values are shown; 0 never."""
    live_deadband_w: Annotated[int, Field(ge=0)] | None = None
    """Live values are also shown as soon as a power has moved by more than this; None: each period alone."""
    directive_ticks: Annotated[int, Field(ge=1)] = 1
    """Every so many ticks the box asks for directives, where it pins a dispatcher."""
    http_timeout_s: Annotated[int, Field(ge=1, le=120)] = 5
    uplink_bytes_per_s: Annotated[int, Field(ge=0, le=1 << 30)] = 0
    """The most that may leave in the long run (protocol 10.23), a minute's worth at once; 0: no cap."""
    configurers: tuple[Annotated[Address, BeforeValidator(_address)], ...] = ()
    """Addresses of the keys whose configurations the box takes (protocol 9.20); none: it takes none."""
    page_port: Annotated[int, Field(ge=0, lt=1 << 16)] = 0
    """Port of the health page, on loopback alone; 0: there is none."""
    page_host: str = "127.0.0.1"
    """127.0.0.1 or ::1."""
    backoff_ticks: Annotated[int, Field(ge=1)] = 16
    """The longest wait between two tries of a failing link."""
    quota_bytes: Annotated[int, Field(ge=1 << 20)] = 512 << 20
    """Most that the database may hold; from `reserve_bytes` below on, no new readings are taken."""
    reserve_bytes: Annotated[int, Field(ge=1 << 16)] = 8 << 20
    seed: Annotated[bytes | None, BeforeValidator(_hex)] = Field(default=None, repr=False)
    """Hex; makes keys and secrets repeatable. Demo alone."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("service_url")
    @classmethod
    def _private(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("want http://… or https://…")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("plain http is taken on loopback alone; use https")
        return value.rstrip("/")

    @field_validator("page_host")
    @classmethod
    def _loopback(cls, value: str) -> str:
        if value not in PAGE_HOSTS:
            raise ValueError("the health page is shown on loopback alone: 127.0.0.1 or ::1")
        return value

    @model_validator(mode="after")
    def _steps_fit(self) -> "Settings":
        if self.sample_s % self.tick_s:
            raise ValueError(f"sample_s = {self.sample_s} is not a multiple of tick_s = {self.tick_s}")
        if self.limits.heartbeat_ms < 2_000 * self.tick_s and Need.HEARTBEAT not in self.limits.may_miss:
            raise ValueError(f"limits.heartbeat_ms = {self.limits.heartbeat_ms} is less than two ticks")
        if 0 < self.frequency_ms < 20:
            raise ValueError(f"frequency_ms = {self.frequency_ms} is neither 0 nor 20…1000")
        if self.frequency_ms and self.pacer == "lockstep":
            raise ValueError("frequency_ms wants the system's clock: pacer = system")
        if self.shave_demand and self.limits.demand_w is None:
            raise ValueError("shave_demand wants limits.demand_w")
        if self.quota_bytes <= self.reserve_bytes:
            raise ValueError("quota_bytes must exceed reserve_bytes")
        if self.pacer == "lockstep" and self.pacer_port == 0:
            raise ValueError("pacer_address must name the supervisor, host:port")
        return self

    @property
    def pacer_host(self) -> str:
        """Host of the supervisor."""
        return self.pacer_address.rpartition(":")[0]

    @property
    def pacer_port(self) -> int:
        """Port of the supervisor; 0 where none is named."""
        port = self.pacer_address.rpartition(":")[2]
        return int(port) if port.isdecimal() else 0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment, then the file's keys, which come as arguments; no .env file, no secrets folder."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load(path: Path, *, over: Mapping[str, object] | None = None) -> Settings:
    """Read a settings file, TOML or JSON by its ending; relative paths in it start at its folder.

    `over`: values by dotted key that stand in place of the file's. Raises SettingsMissing or SettingsMalformed.
    """
    raw = _laid_over(_parsed(path), over or {})
    for name in ("state", "deployment", "passphrase_file", "service_ca_file"):
        if isinstance(raw.get(name), str):
            raw[name] = path.parent / raw[name]
    if isinstance(alarms := raw.get("alarms"), dict) and isinstance(file := alarms.get("file"), str):
        raw["alarms"] = {**alarms, "file": path.parent / file}
    if isinstance(device := raw.get("device"), dict):
        raw["device"] = _rooted(device, path.parent)
    try:
        return Settings(**raw)
    except ValidationError as error:
        raise SettingsMalformed(path=str(path), problem=_shown(error)) from error
    except Malformed as error:
        raise SettingsMalformed(path=str(path), problem=str(error)) from error


def _laid_over(raw: dict[str, Any], over: Mapping[str, object]) -> dict[str, Any]:
    laid = dict(raw)
    for key, value in over.items():
        table, dot, name = key.rpartition(".")
        if not dot:
            laid[name] = value
        elif isinstance(inner := laid.get(table, {}), dict):
            laid[table] = {**inner, name: value}
    return laid


def _rooted(device: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The devices' settings with files found from a folder on; a shipped table's bare name stays as it is."""
    rooted = dict(device)
    for name in ("table", "password_file", "ca_file"):
        if isinstance(value := device.get(name), str) and value not in shipped():
            rooted[name] = folder / value
    if isinstance(beside := device.get("capacitor"), dict) and isinstance(part := beside.get("converter"), dict):
        rooted["capacitor"] = {**beside, "converter": _rooted(part, folder)}
    if isinstance(parts := device.get("parts"), list):
        rooted["parts"] = [_rooted(part, folder) if isinstance(part, dict) else part for part in parts]
    return rooted


def check_fits(settings: Settings, deployment: Deployment) -> None:
    """Refuse settings that do not fit the chain. Raises SeedRefused or SettingsMalformed."""
    if settings.seed is not None and deployment.chain_id != DEVELOPMENT_CHAIN:
        raise SeedRefused(want_chain_id=DEVELOPMENT_CHAIN, got_chain_id=deployment.chain_id)
    if deployment.epoch_seconds % settings.sample_s:
        problem = f"sample_s = {settings.sample_s} is not a part of the epoch of {deployment.epoch_seconds} s"
        raise SettingsMalformed(path="settings", problem=problem)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsMissing(path=str(path)) from None
    except (OSError, ValueError) as error:
        raise SettingsMalformed(path=str(path), problem=str(error)) from error
    if not isinstance(value, dict):
        raise SettingsMalformed(path=str(path), problem="not a table of keys")
    return value


def _shown(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors(include_url=False)
    ]
    return "; ".join(problems)
