"""`alliance-edge`: the program of the station box; here its parts are built from the settings and handed to each other.

Exit codes: 0 done, 1 unforeseen, 2 something given cannot be read, 3 refused, 4 something is missing, 5 contradiction.
"""

import asyncio
import json
import logging
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from alliance import identity
from alliance.errors import AllianceError, Conflicting, Malformed, Missing, Refused
from alliance.identity import Address, to_hex
from alliance.ports import Clock, Randomness
from alliance.segment import Head
from edge import commands
from edge.attendance import Attendance, PacedClock
from edge.box import Parts, Rhythm, StationBox
from edge.clock import always_synchronised, kernel_synchronised
from edge.commands.hints import hint
from edge.control.directives import Directives
from edge.control.fast import Setup
from edge.control.fast_link import FastLink
from edge.control.following import Schedules
from edge.control.stores import open_stores
from edge.devices.link import MODBUS_PORT, ModbusLink, SerialLine, Transport
from edge.devices.open import DeviceKind, PartSettings, device_of, energy_step_wh, tables_of
from edge.evidence.recorder import Chance, Recorder, Recording
from edge.evidence.sampling import BATTERY_CHANNEL, METER_CHANNEL
from edge.evidence.screening import Bounds, bounds_of
from edge.folder import KEY, NEXT, SIGNING, StateFolder, next_key, open_folder
from edge.health import status as box_status
from edge.health.alarms import Alarms
from edge.health.diagnosis.keeper import Diagnosis
from edge.health.faults.asks import Ask, Verb
from edge.health.faults.board import Board
from edge.health.faults.looking import ratings_of
from edge.health.faults.plan import plan_of
from edge.health.faults.thresholds import of_settings
from edge.health.log import speak
from edge.keys import enrolment, reenrolment, rotation
from edge.keys.passphrase import lock_of
from edge.keys.signing import KeyKeeper
from edge.link.service import Service
from edge.link.uplink import Acknowledger, Uplink
from edge.settings import Settings, check_fits, load
from edge.tables import shipped
from oracle import deployment as deployments
from oracle import keyfile
from oracle.adapters import LockstepPacer, SeededRandomness, SystemClock, SystemPacer, SystemRandomness
from oracle.deployment import Deployment
from oracle.keyfile import PassphraseMissing
from oracle.signature import SECP256K1

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

table_app = typer.Typer(no_args_is_help=True, help="Point tables (点表).")
app.add_typer(table_app, name="table")
commands.register(app)

Config = Annotated[Path, typer.Option("--config", help="Settings, TOML or JSON.")]


@app.command()
def run(config: Config) -> None:
    """Meter, follow the schedule, and send, until SIGTERM or Ctrl-C."""
    settings, deployment = _given(config)
    speak(settings.log_level)
    folder = _folder(settings, deployment)
    try:
        asyncio.run(_run(config, settings, deployment, folder))
    finally:
        folder.close()


@app.command()
def enrol(
    config: Config,
    owner: Annotated[str, typer.Option(help="Account of the station's owner, 0x….")],
    deadline: Annotated[int, typer.Option(help="Unix seconds until which the consent holds.", min=1)],
    station: Annotated[int | None, typer.Option(help="Station; the settings' one by default.", min=1)] = None,
    nonce: Annotated[int, typer.Option(help="DeviceRegistry.nonce(device).", min=0, max=(1 << 256) - 1)] = 0,
) -> None:
    """Print the device's signed consent to its enrolment; the key is born here when there is none yet."""
    settings, deployment = _given(config)
    owner_address = identity.address(owner, field="owner")
    folder = _folder(settings, deployment)
    try:
        given = enrolment.consent(
            folder.identity, domain=deployment.domain, owner=owner_address, station=station or settings.station,
            nonce=nonce, deadline_s=deadline,
        )  # fmt: skip
    finally:
        folder.close()
    plain = enrolment.to_plain(given)
    if settings.key_algorithm != SECP256K1:
        plain["signingKey"] = rotation.shown(folder.signer)
    typer.echo(json.dumps(plain))


@app.command()
def rotate(
    config: Config,
    nonce: Annotated[int, typer.Option(help="DeviceRegistry.nonce(device).", min=0, max=(1 << 256) - 1)],
    validity: Annotated[int, typer.Option(help="Seconds for which the new key may sign.", min=1)] = 365 * 86_400,
) -> None:
    """Make the next key and print the outgoing key's word for it; the box changes over when its key has lapsed.

    May be asked beside a running box, and again: the key in waiting stays the same.
    """
    settings, deployment = _given(config)
    device = box_status.device_of(settings.state)
    now, waiting = next_key(
        settings.state, alg=settings.key_algorithm, key_lock=lock_of(settings),
        randomness=_chance(settings)(f"key-{to_hex(box_status.signer_of(settings.state))}"),
    )  # fmt: skip
    asked = rotation.request(
        now, waiting, device=device, domain=deployment.domain, validity_s=validity, nonce=nonce
    )  # fmt: skip
    typer.echo(json.dumps(asked))


@app.command()
def reenrol(config: Config) -> None:
    """Begin again after a lost head: a new key, which an attestor must confirm, goes on where the log ends."""
    settings, deployment = _given(config)
    lock = lock_of(settings)
    device = keyfile.load(settings.state / KEY, lock).address
    heads = asyncio.run(_heads(settings, device))
    signer = reenrolment.begin_again(
        settings.state, device=device, heads=heads, domain=deployment.domain, alg=settings.key_algorithm,
        key_lock=lock, randomness=_chance(settings)(f"key-{sum(head.next_seq for head in heads.values())}"),
        quota_bytes=settings.quota_bytes, reserve_bytes=settings.reserve_bytes,
    )  # fmt: skip
    typer.echo(json.dumps({"device": to_hex(device), **rotation.shown(signer)}))


@app.command()
def encrypt_key(config: Config) -> None:
    """Encrypt key files that stand plain, under the passphrase that the settings name."""
    settings = load(config)
    passphrase = lock_of(settings).passphrase
    if passphrase is None:
        raise PassphraseMissing(path=str(settings.state / KEY))
    for name in (KEY, SIGNING, NEXT):
        if (settings.state / name).exists():
            signer = keyfile.encrypt(settings.state / name, passphrase, randomness=SystemRandomness())
            typer.echo(f"{name}: {to_hex(signer.address)}")


@app.command()
def status(config: Config) -> None:
    """Print heads, backlog, last acknowledgement, schedules, counters and alarms as JSON; also while the box runs."""
    settings = load(config)
    typer.echo(json.dumps(box_status.status(settings.state, station=settings.station), ensure_ascii=False, indent=2))


@app.command("alarms")
def alarms_(
    config: Config,
    ack: Annotated[list[int] | None, typer.Option("--ack", help="确认 acknowledge the alarm of this number.")] = None,
    reset: Annotated[list[int] | None, typer.Option("--reset", help="复位 end a latched trip, its cause gone.")] = None,
    by: Annotated[str, typer.Option("--by", help="谁 who does it.")] = "",
    language: Annotated[Literal["zh", "en"], typer.Option("--lang", help="zh or en.")] = "zh",
    table: Annotated[bool, typer.Option("--table", help="告警表 the fault table, Markdown.")] = False,
    plain: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
) -> None:
    """告警：列出、确认、复位。List the station's alarms; acknowledge or reset some, also while the box runs."""
    from edge.commands import listing

    settings = load(config)
    if table:
        typer.echo(listing.fault_table(of_settings(settings.alarms)), nl=False)
        return
    for verb, numbers in ((Verb.ACK, ack), (Verb.RESET, reset)):
        for number in numbers or ():
            typer.echo(listing.asked(settings.state, Ask(verb=verb, number=number, by=by), language=language))
    if not ack and not reset:
        found = listing.standing_at(settings.state)
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if plain else listing.as_text(found, language))


@table_app.command()
def export(
    config: Annotated[Path | None, typer.Option("--config", help="The station's settings.")] = None,
    table: Annotated[list[Path] | None, typer.Option("--table", help="A shipped table's name, or a CSV file.")] = None,
    form: Annotated[Literal["csv", "md"], typer.Option("--format", help="csv or md (Markdown).")] = "csv",
    language: Annotated[Literal["zh", "en"], typer.Option("--lang", help="Column names: zh or en.")] = "zh",
    out: Annotated[Path | None, typer.Option("--out", help="File; else standard output.")] = None,
) -> None:
    """Write the station's point tables, or single ones, as a document; a wrong row is named."""
    from edge.devices import document

    if (config is None) == (not table):
        raise typer.BadParameter("give --config or --table")
    devices = (
        tables_of(load(config).device) if config else [device_of(PartSettings(table=path)) for path in table or ()]
    )
    write = document.as_csv if form == "csv" else document.as_markdown
    text = write(devices, language=language)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


@app.command("import-ocmf")
def import_ocmf(
    file: Annotated[Path, typer.Argument(help="OCMF records, one a line.")],
    key: Annotated[Path, typer.Option("--key", help="The meter's public key: PEM, DER, or DER as hexadecimal.")],
    out: Annotated[Path | None, typer.Option("--out", help="File; else standard output.")] = None,
) -> None:
    """Check signed meter values and write them as evidence, JSON; they settle nothing."""
    from edge.evidence import ocmf

    meter_key = ocmf.read_key(key.read_bytes())
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ocmf.OcmfMalformed(line=0, field="", problem="no UTF-8") from None
    document = ocmf.evidence(ocmf.read_records(text, key=meter_key), key=meter_key)
    told = json.dumps(document, ensure_ascii=False, indent=2)
    if out is None:
        typer.echo(told)
    else:
        out.write_text(told + "\n", encoding="utf-8")


@app.command()
def watch(
    config: Config,
    seconds: Annotated[int, typer.Option(help="End after so long; 0 goes on until Ctrl-C.", min=0)] = 0,
    every_ms: Annotated[int, typer.Option(help="Time between two looks.", min=100)] = 1_000,
    period_s: Annotated[int, typer.Option(help="Every point is told once in so long; 0 on change alone.", min=0)] = 60,
) -> None:
    """Read the station's devices and print points as JSON lines: first values, moves past the deadband, one a period.

    It makes its own connection, which a serial line grants to one program at a time, and orders nothing.
    """
    from edge.commands import watching

    settings = load(config)
    speak(settings.log_level)
    with suppress(KeyboardInterrupt):
        asyncio.run(
            watching.watch(
                settings.device,
                say=typer.echo,
                seconds=seconds,
                every_ms=every_ms,
                period_ms=period_s * 1_000,
                clock=SystemClock(),
            )
        )


@app.command()
def probe(
    where: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="Or the device file of a serial line.")],
    unit: Annotated[int, typer.Option(help="Modbus unit; 0 asks each kind at its usual one.", min=0, max=247)] = 0,
    transport: Annotated[Transport | None, typer.Option(help="tcp by default, rtu for a device file.")] = None,
    baud: Annotated[int, typer.Option(help="Of a serial line.", min=300)] = 9_600,
    parity: Annotated[Literal["N", "E", "O"], typer.Option(help="Of a serial line.")] = "N",
    timeout_ms: Annotated[int, typer.Option(help="For each question.", min=10, max=60_000)] = 1_000,
) -> None:
    """Tell what a device is, as JSON: SunSpec models, or the shipped table that its identity register fits."""
    from edge.devices.probe import probe as ask

    logging.getLogger("pymodbus").addHandler(logging.NullHandler())
    logging.getLogger("pymodbus").propagate = False
    host, port = _host_port(where)
    over = transport or (Transport.RTU if where.startswith("/") else Transport.TCP)
    line = SerialLine(baud=baud, parity=parity)
    link = ModbusLink(host=host, port=port, timeout_s=timeout_ms / 1_000, transport=over, line=line)

    async def asked() -> list[dict[str, object]]:
        try:
            found = await ask(link, unit_id=unit, tables=list(shipped().values()))
            return [{"kind": type(device).__name__.removesuffix("Found").lower(), **asdict(device)} for device in found]
        finally:
            link.close()

    typer.echo(json.dumps(asyncio.run(asked()), ensure_ascii=False, indent=2))


def main() -> None:
    """Run the command line; an error of ours is one line on stderr and an exit code."""
    try:
        app()
    except AllianceError as error:
        typer.echo(f"alliance-edge: {error}{hint(error.code)}", err=True)
        sys.exit(_exit_code(error))
    except OSError as error:
        typer.echo(f"alliance-edge: {error}", err=True)
        sys.exit(4)


def _host_port(where: str) -> tuple[str, int]:
    """`host`, `host:port`, `[v6]:port`, or a device file, whose port is 0."""
    if where.startswith("/"):
        return where, 0
    host, colon, port = where.rpartition(":")
    if not colon or where.endswith("]"):
        return where.strip("[]"), MODBUS_PORT
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise typer.BadParameter(f"{port!r} is no port", param_hint="HOST[:PORT]")
    return host.strip("[]"), int(port)


def _exit_code(error: AllianceError) -> int:
    for code, kind in ((2, Malformed), (3, Refused), (4, Missing), (5, Conflicting)):
        if isinstance(error, kind):
            return code
    return 1


def _given(config: Path) -> tuple[Settings, Deployment]:
    settings = load(config)
    deployment = deployments.load(settings.deployment)
    check_fits(settings, deployment)
    return settings, deployment


def _folder(settings: Settings, deployment: Deployment) -> StateFolder:
    return open_folder(
        settings.state, domain=deployment.domain, randomness=_chance(settings)("key"), key_lock=lock_of(settings),
        quota_bytes=settings.quota_bytes, reserve_bytes=settings.reserve_bytes, alg=settings.key_algorithm,
    )  # fmt: skip


async def _heads(settings: Settings, device: Address) -> dict[int, Head]:
    service = Service(settings.service_url, timeout_s=settings.http_timeout_s, ca_file=settings.service_ca_file)
    try:
        return await service.heads(device)
    finally:
        await service.close()


def _chance(settings: Settings) -> Chance:
    """The operating system's randomness, or in a demo the seed's, a stream for each purpose."""

    def seeded(purpose: str) -> Randomness:
        assert settings.seed is not None
        return SeededRandomness(settings.seed, f"edge-{settings.station}-{purpose}")

    def system(purpose: str) -> Randomness:
        del purpose
        return SystemRandomness()

    return system if settings.seed is None else seeded


def _pacer(settings: Settings) -> PacedClock:
    if settings.pacer == "lockstep":
        return LockstepPacer(settings.pacer_host, settings.pacer_port, f"edge-{settings.station}")
    return SystemPacer(settings.tick_s * 1_000)


async def _run(config: Path, settings: Settings, deployment: Deployment, folder: StateFolder) -> None:
    recording = Recording(
        domain=deployment.domain, device=folder.device, signer=folder.signer, epoch_seconds=deployment.epoch_seconds,
        chance=_chance(settings),
    )  # fmt: skip
    attendance = Attendance(config, deployment, folder, recording, make=partial(_box, deployment), pace=_pacer)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await attendance.run()


def _box(deployment: Deployment, settings: Settings, attendance: Attendance, clock: Clock) -> StationBox:
    lockstep = settings.pacer == "lockstep"
    folder, recording, alarms = attendance.folder, attendance.recording, attendance.alarms
    service = Service(settings.service_url, timeout_s=settings.http_timeout_s, ca_file=settings.service_ca_file)
    uplink = Uplink(
        outbox=folder.outbox, service=service, alarms=alarms, clock=clock, backoff_ticks=settings.backoff_ticks,
        acknowledger=Acknowledger(domain=deployment.domain, keys=frozenset(settings.acknowledgers)),
        keeper=KeyKeeper(folder, recording, alarms), bytes_per_s=settings.uplink_bytes_per_s,
    )  # fmt: skip
    board = _board(settings, folder, alarms)
    parts = Parts(
        station=settings.station,
        devices=open_stores(settings.device, clock=clock),
        limits=settings.limits,
        recording=recording,
        recorder=Recorder(
            recording=recording, store=folder.store, outbox=folder.outbox, alarms=alarms, bounds=_bounds(settings)
        ),
        schedules=Schedules(folder.store),
        directives=Directives(
            folder.store,
            station=settings.station,
            domain=deployment.domain,
            limits=settings.limits,
            dispatchers=frozenset(settings.dispatchers),
        ),
        service=service,
        uplink=uplink,
        alarms=alarms,
        clock=clock,
        synchronised=always_synchronised if lockstep else kernel_synchronised,
        store=folder.store,
        shave_demand=settings.shave_demand,
        fast=_fast(settings, folder),
        configure=attendance.configuring.exchange,
        diagnosis=Diagnosis(
            folder.store,
            settings.state,
            station=settings.station,
            limits=settings.limits,
            cells=settings.cells,
            recording=lambda: recording,
            alarms=alarms,
            cell_bytes=settings.cell_bytes,
            graded=lambda: board.worst,
        ),
        board=board,
        opens_contactors=settings.alarms.open_contactors,
    )
    return StationBox(parts, _rhythm(settings))


def _board(settings: Settings, folder: StateFolder, alarms: Alarms) -> Board:
    """The station's alarms, by its tables; SunSpec devices have none."""
    devices = tables_of(settings.device) if settings.device.kind is DeviceKind.TABLE else ()
    return Board(
        store=folder.store, alarms=alarms, plan=plan_of(devices), thresholds=of_settings(settings.alarms),
        ratings=ratings_of(settings.limits, current_ma=settings.alarms.rated_current_ma), state=settings.state,
        heartbeat_ms=settings.alarms.heartbeat_ms,
    )  # fmt: skip


def _fast(settings: Settings, folder: StateFolder) -> FastLink | None:
    if not settings.frequency_ms:
        return None
    month, reached_w = box_status.demand_reached(folder.store)
    return FastLink(
        Setup(
            device=settings.device, limits=settings.limits, period_ms=settings.frequency_ms, month=month,
            reached_w=reached_w,
        )
    )  # fmt: skip


def _bounds(settings: Settings) -> dict[int, Bounds]:
    """What is believable of each channel, by what the station may do."""
    limits, step_wh = settings.limits, energy_step_wh(settings.device)
    battery_w = max(1_000, limits.charge_power_w, limits.discharge_power_w)
    meter_w = max(battery_w, limits.pcc_import_w, limits.pcc_export_w)
    return {
        channel: bounds_of(sample_ms=settings.sample_s * 1_000, rated_w=rated_w, step_wh=step_wh)
        for channel, rated_w in ((METER_CHANNEL, meter_w), (BATTERY_CHANNEL, battery_w))
    }


def _rhythm(settings: Settings) -> Rhythm:
    """Under the system clock the talk runs beside the rounds; in lock-step all wait for the round anyway."""
    lockstep, patience_s = settings.pacer == "lockstep", 4.0 * settings.http_timeout_s
    return Rhythm(
        tick_ms=settings.tick_s * 1_000,
        sample_ms=settings.sample_s * 1_000,
        live_ticks=settings.live_ticks,
        directive_ticks=settings.directive_ticks,
        live_deadband_w=settings.live_deadband_w,
        backoff_ticks=settings.backoff_ticks,
        device_s=2 * settings.device.timeout_ms / 1_000,
        talk_s=patience_s,
        first_s=patience_s if lockstep else min(settings.tick_s / 2, patience_s),
        apart=not lockstep,
    )


if __name__ == "__main__":
    main()
