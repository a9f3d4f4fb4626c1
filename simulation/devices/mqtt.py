"""A plant behind an energy-management system that speaks JSON over MQTT, as its shipped table says; charge positive."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any

import aiomqtt

from edge.devices.points import Point
from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.devices.ems import PlantOrders, station_values
from simulation.devices.server import RegisterValueRefused
from simulation.plant import Plant, Snapshot

_ORDERS = ("set_power", "remote_enable", "command_timeout", "heartbeat")
NewClient = Callable[[], aiomqtt.Client]


class MqttDevice:
    """One plant's points; `start` connects it, `stop` takes it away from the broker."""

    def __init__(self, *, plant: Plant, device: str, client: NewClient, now_ms: Callable[[], int]) -> None:
        self._points = read_points(shipped()["mqtt_ems"])
        self._orders = PlantOrders(plant)
        self._device, self._new_client, self.now_ms = device, client, now_ms
        self._held = dict.fromkeys(_ORDERS, 0)
        self._shown: dict[str, int] = {}
        self._news = asyncio.Event()
        self._session: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set while what is shown has been taken by the broker."""
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant: a message goes out as soon as it can."""
        self._shown = station_values(now)
        self.again()

    def again(self) -> None:
        """Send once more what is shown."""
        self.ready.clear()
        self._news.set()

    @property
    def connected(self) -> bool:
        """Whether a session runs."""
        return self._session is not None and not self._session.done()

    async def start(self) -> None:
        """Connect and go on publishing."""
        self.again()
        self._session = asyncio.create_task(self._run())
        await self.ready.wait()

    async def stop(self) -> None:
        """Disconnect."""
        if self._session is not None:
            self._session.cancel()
            with suppress(asyncio.CancelledError):
                await self._session
            self._session = None

    async def _run(self) -> None:
        async with self._new_client() as client:
            await client.subscribe(f"ess/{self._device}/set", qos=1)
            telling = asyncio.create_task(self._tell(client))
            try:
                async for message in client.messages:
                    assert isinstance(message.payload, bytes | bytearray)
                    answer = self._obeyed(json.loads(message.payload))
                    await client.publish(f"ess/{self._device}/reply", json.dumps(answer), qos=1)
            finally:
                telling.cancel()

    async def _tell(self, client: aiomqtt.Client) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            message = {"sn": self._device, "time": self.now_ms(), "data": self._data()}
            await client.publish(f"ess/{self._device}/data", json.dumps(message), qos=1)
            if not self._news.is_set():
                self.ready.set()

    def _data(self) -> dict[str, float]:
        values = {**self._shown, **self._held}
        exact = {point.field: point.exact_for(values[key]) for key, point in self._points.items()}
        return {field: int(value) if value.denominator == 1 else float(value) for field, value in exact.items()}

    def _obeyed(self, order: Mapping[str, Any]) -> dict[str, object]:
        """Judge an order; refused, it changes nothing."""
        if order["expires"] <= self.now_ms():
            return {"id": order["id"], "code": 2, "message": "expired"}
        by_field = {point.field: point for point in self._points.values() if point.writable}
        if strange := set(order["data"]) - set(by_field):
            return {"id": order["id"], "code": 3, "message": f"not writable: {sorted(strange)[0]}"}
        hit = {by_field[field].key: _value(by_field[field], raw) for field, raw in order["data"].items()}
        try:
            self._orders.obey({**self._held, **hit}, frozenset(hit))
        except RegisterValueRefused as refusal:
            return {"id": order["id"], "code": 1, "message": f"refused {refusal.value} W"}
        self._held |= hit
        self.again()
        return {"id": order["id"], "code": 0, "message": ""}


def _value(point: Point, raw: float) -> int:
    return point.value_of(Fraction(raw))
