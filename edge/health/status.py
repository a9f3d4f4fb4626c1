"""What the box tells of itself undisturbed (protocol 10.2): heads, what waits, last acknowledgement, alarms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alliance.calendar import Day, iso_utc
from alliance.identity import Address, to_hex
from edge.control import directives
from edge.control.guard import Order
from edge.control.wish import Wish
from edge.evidence.outbox import stored_streams
from edge.evidence.store import Store, StoreMissing, open_to_look
from edge.folder import DATABASE
from edge.health.alarms import counted, standing
from edge.health.faults.board import kept, rows
from edge.link import configurations


def status(state: Path, *, station: int) -> dict[str, object]:
    """The state folder's contents as JSON values. Raises StoreMissing, StoreCorrupt or StoreVersionUnknown."""
    store = open_to_look(state / DATABASE)
    try:
        return gathered(store, station=station)
    finally:
        store.close()


def gathered(store: Store, *, station: int) -> dict[str, object]:
    """A database's contents as JSON values. Raises StorageFailed."""
    signer = store.meta("signer")
    device = store.meta("device") or signer
    return {
        "station": station,
        "device": to_hex(device) if device else None,
        "key": to_hex(signer) if signer else None,
        "heads": _heads(store),
        "outbox": _backlog(store),
        "lastAck": _last_ack(store),
        "schedules": _schedules(store),
        "guard": _guard(store),
        "directives": directives.shown(store),
        "points": _troubles(store),
        "configuration": configurations.shown(store),
        "counters": counted(store),
        "alarms": {name: json.loads(detail) for name, detail in standing(store)},
        "faults": rows(kept(store)),
    }


def _heads(store: Store) -> list[dict[str, object]]:
    return [
        {
            "channel": stream.channel,
            "nextSeq": stream.next_seq,
            "signedTo": stream.head.next_seq,
            "digest": to_hex(stream.head.digest),
            "segmentsSigned": stream.signed,
            "openReadings": len(stream.opened.readings) if stream.opened else 0,
            "lastReading": iso_utc(stream.last.t_ms) if stream.last else None,
        }
        for stream in stored_streams(store)
    ]


def _backlog(store: Store) -> dict[str, object]:
    [(held,)] = store.rows("SELECT count(*) FROM segment WHERE signer IS NULL")
    [(segments, readings, oldest_ms)] = store.rows("SELECT count(*), total(readings), min(t_last_ms) FROM segment")
    refused = store.rows(
        "SELECT channel, first_seq, digest, code, detail, refusals FROM segment WHERE refusals > 0 ORDER BY number"
    )
    return {
        "segments": segments,
        "held": held,
        "readings": int(float(str(readings))),
        "oldest": iso_utc(oldest_ms) if isinstance(oldest_ms, int) else None,
        "refused": [
            {
                "channel": channel, "firstSeq": first_seq, "segment": _hex(digest), "code": code, "detail": detail,
                "times": times,
            }
            for channel, first_seq, digest, code, detail, times in refused
        ],
    }  # fmt: skip


def _last_ack(store: Store) -> dict[str, object] | None:
    found = store.rows("SELECT channel, first_seq, digest, epoch, received_ms FROM ack ORDER BY number DESC LIMIT 1")
    [(kept,)] = store.rows("SELECT count(*) FROM ack")
    for channel, first_seq, digest, epoch, received_ms in found:
        return {
            "channel": channel, "firstSeq": first_seq, "segment": _hex(digest), "epoch": epoch,
            "received": iso_utc(int(str(received_ms))), "kept": kept,
        }  # fmt: skip
    return None


def _schedules(store: Store) -> list[dict[str, object]]:
    rows = store.rows("SELECT day, revision, digest FROM schedule ORDER BY day")
    return [
        {"day": str(Day(int(str(day)))), "revision": revision, "schedule": _hex(digest)}
        for day, revision, digest in rows
    ]


def keep_guard(
    store: Store, order: Order, made: Wish, *, reached: tuple[int, int], at_ms: int,
    cycles: Mapping[str, Mapping[str, int] | None],
) -> None:  # fmt: skip
    """Write down what the guard does, how punctual the cycles are, the month's highest demand. Raises StorageFailed."""
    month, reached_w = reached
    told = {
        "at": iso_utc(at_ms), "wish": made.source, "wishW": made.power_w, "frequencyW": made.answer_w,
        "powerW": None if order.silent else order.power_w, "reasons": order.reasons,
        "unasked": order.unasked, "month": month, "demandReachedW": reached_w, "cycles": cycles,
    }  # fmt: skip
    store.keep("guard", json.dumps(told).encode())


def keep_troubles(store: Store, troubles: Mapping[str, str]) -> None:
    """Write down the last error of each point that could not be had, where that changed. Raises StorageFailed."""
    told = json.dumps(dict(troubles), ensure_ascii=False, sort_keys=True).encode()
    if told != (store.meta("troubles") or b"{}"):
        store.keep("troubles", told)


def _troubles(store: Store) -> dict[str, Any]:
    told = store.meta("troubles")
    return {} if told is None else json.loads(told)


def demand_reached(store: Store) -> tuple[int, int]:
    """The month and the demand that it had reached when last written down; (0, 0) where nothing was."""
    told = _guard(store)
    return (told["month"], told["demandReachedW"]) if told else (0, 0)


def _guard(store: Store) -> dict[str, Any] | None:
    told = store.meta("guard")
    return None if told is None else json.loads(told)


def _hex(value: object) -> str:
    assert isinstance(value, bytes)
    return to_hex(value)


def device_of(state: Path) -> Address:
    """The device's name in a state folder. Raises StoreMissing, StoreCorrupt or StoreVersionUnknown."""
    return _named(state, "device") or signer_of(state)


def signer_of(state: Path) -> Address:
    """The key that signs in a state folder. Raises StoreMissing, StoreCorrupt or StoreVersionUnknown."""
    found = _named(state, "signer")
    if found is None:
        raise StoreMissing(path=str(state / DATABASE))
    return found


def _named(state: Path, name: str) -> Address | None:
    store = open_to_look(state / DATABASE)
    try:
        found = store.meta(name)
    finally:
        store.close()
    return None if found is None else Address(found)
