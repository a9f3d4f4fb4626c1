"""One MQTT device behind its point table; the only module that touches an MQTT client (protocol 2.1).

DeviceError
 ├─ BrokerRefused  (Refused)    the broker lets this account not in, or not subscribe
 ├─ OrderRefused   (Refused)    the device answered an order with a code other than 0
 └─ MessageAbsent  (Missing)    no message, or no answer, in time
"""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from alliance.errors import Missing, Refused
from alliance.ports import Clock
from edge.devices.messages import LONGEST_BYTES, DataMessage, MessageMalformed, Reply, data_message, order, reply
from edge.devices.points import Raw
from edge.devices.station import DeviceError, DeviceUnreachable, Quality
from edge.devices.tables import Table

_FIRST_REFUSAL = 128
"""A SUBACK code from here on is a refusal."""
SKEW_MS = 5_000
"""A device's clock that is off by more is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttAccess:
    """Where a device's broker is, and who the box is there. With `ca_file` the connection is TLS and checked."""

    host: str
    port: int
    device: str
    prefix: str = "ess"
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = 2.0
    stale_ms: int = 10_000
    """A message older than this is no reading."""

    def topic(self, kind: str) -> str:
        """`<prefix>/<device>/<kind>`."""
        return f"{self.prefix}/{self.device}/{kind}"


@dataclass(kw_only=True, eq=False)
class BrokerRefused(DeviceError, Refused):
    """The broker does not let this account in, or not to the device's topics."""

    host: str
    port: int
    reason: str


@dataclass(kw_only=True, eq=False)
class OrderRefused(DeviceError, Refused):
    """The device answered that it does not obey."""

    device: str
    answer: int
    reason: str


@dataclass(kw_only=True, eq=False)
class MessageAbsent(DeviceError, Missing):
    """No message came in time."""

    topic: str
    waited_ms: int


class MqttSource:
    """A device that publishes its points by itself; the newest message is what a read gives."""

    def __init__(self, *, points: Table, access: MqttAccess, clock: Clock, order_ms: int) -> None:
        self._points, self._access, self._clock = points, access, clock
        self._order_ms = order_ms
        self._client: aiomqtt.Client | None = None
        self._session: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._newest: DataMessage | None = None
        self._heard_s = 0.0
        self._skewed = False
        self._malformed: MessageMalformed | None = None
        self._waiting: dict[str, asyncio.Future[Reply]] = {}

    @property
    def points(self) -> Table:
        """The points."""
        return self._points

    @property
    def quality(self) -> Quality:
        """CLOCK_SKEWED where the newest message's time is far from the box's."""
        return Quality.CLOCK_SKEWED if self._skewed else Quality(0)

    @property
    def asking(self) -> bool:
        """A broker serves all at once."""
        return True

    @property
    def troubles(self) -> Mapping[str, str]:
        """A message has all points or is none."""
        return {}

    async def read(self) -> dict[str, Raw | None]:
        """The newest message's values. Raises DeviceError; a malformed message is told once and otherwise ignored."""
        await self._connected()
        if self._malformed is not None:
            failure, self._malformed = self._malformed, None
            raise failure
        if self._newest is None:
            await self._wait_for_first()
        waited_ms = int((asyncio.get_running_loop().time() - self._heard_s) * 1_000)
        if self._newest is None or waited_ms > self._access.stale_ms:
            raise MessageAbsent(topic=self._access.topic("data"), waited_ms=waited_ms if self._newest else 0)
        fields = self._newest.fields
        return {key: _raw(point.type, fields.get(point.field), point.field) for key, point in self._points.items()}

    async def write(self, values: Mapping[str, int]) -> None:
        """Order all values in one message and wait for the device's answer. Raises DeviceError."""
        client = await self._connected()
        number, now_ms = secrets.token_hex(8), self._clock.now_ms()
        fields = {self._points[key].field: self._points[key].raw_for(value) for key, value in values.items()}
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            payload = order(id=number, t_ms=now_ms, expires_ms=now_ms + self._order_ms, values=fields)
            async with asyncio.timeout(self._access.timeout_s):
                await client.publish(self._access.topic("set"), payload, qos=1)
                told = await answer
        except (TimeoutError, aiomqtt.MqttError):
            topic = self._access.topic("reply")
            raise MessageAbsent(topic=topic, waited_ms=int(self._access.timeout_s * 1_000)) from None
        finally:
            self._waiting.pop(number, None)
        if told.code:
            raise OrderRefused(device=self._access.device, answer=told.code, reason=told.message)

    async def close(self) -> None:
        """Let the connection go."""
        if self._session is not None:
            self._session.cancel()
            with suppress(asyncio.CancelledError, DeviceError):
                await self._session
        self._session, self._client, self._newest = None, None, None

    async def _connected(self) -> aiomqtt.Client:
        """The client of a session that stands, or of a new one. Raises DeviceUnreachable, BrokerRefused."""
        if self._session is not None and self._session.done():
            await self.close()
        if self._session is None:
            self._changed.clear()
            self._session = asyncio.create_task(self._run())
        while self._client is None:
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait(
                {changed, self._session}, timeout=self._access.timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            changed.cancel()
            if self._session.done():
                session, self._session = self._session, None
                session.result()
            if self._client is None:
                raise DeviceUnreachable(host=self._access.host, port=self._access.port)
        return self._client

    async def _run(self) -> None:
        """One session: connect, subscribe, take messages until the connection ends."""
        access = self._access
        try:
            async with self._new_client() as client:
                topics = [(access.topic("data"), 1), (access.topic("reply"), 1)]
                for code in await client.subscribe(topics):
                    if (code if isinstance(code, int) else code.value) >= _FIRST_REFUSAL:
                        raise BrokerRefused(host=access.host, port=access.port, reason="subscription refused")
                self._client = client
                self._changed.set()
                async for message in client.messages:
                    self._take(message)
        except MqttConnectError as failure:
            raise BrokerRefused(host=access.host, port=access.port, reason=str(failure)) from None
        except (aiomqtt.MqttError, OSError):
            raise DeviceUnreachable(host=access.host, port=access.port) from None
        finally:
            self._client = None

    def _new_client(self) -> aiomqtt.Client:
        access = self._access
        tls = ssl.create_default_context(cafile=str(access.ca_file)) if access.ca_file else None
        password = access.password_file.read_text(encoding="utf-8").strip() if access.password_file else None
        silent = logging.getLogger("aiomqtt.silent")
        silent.addHandler(logging.NullHandler())
        silent.propagate = False
        return aiomqtt.Client(
            access.host, access.port, username=access.username or None, password=password, tls_context=tls,
            timeout=access.timeout_s, max_queued_incoming_messages=100, logger=silent,
        )  # fmt: skip

    def _take(self, message: aiomqtt.Message) -> None:
        """Keep a message; what the broker had retained is of unknown age and is left alone."""
        topic = str(message.topic)
        payload = message.payload if isinstance(message.payload, bytes | bytearray) else b""
        try:
            if topic == self._access.topic("reply"):
                self._answer(reply(bytes(payload), topic=topic))
            elif not message.retain:
                self._keep(data_message(bytes(payload[: LONGEST_BYTES + 1]), topic=topic))
        except MessageMalformed as failure:
            self._malformed = failure

    def _keep(self, message: DataMessage) -> None:
        self._newest = message
        self._heard_s = asyncio.get_running_loop().time()
        self._skewed = abs(message.t_ms - self._clock.now_ms()) > SKEW_MS
        self._changed.set()

    def _answer(self, told: Reply) -> None:
        waiting = self._waiting.get(told.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(told)

    async def _wait_for_first(self) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._access.timeout_s):
                await self._changed.wait()


def _raw(kind: str, value: Raw | None, field: str) -> Raw | None:
    """A field's value; a word of bits must be a whole number that is not negative."""
    if value is None or kind == "NUMBER":
        return value
    if value.denominator != 1 or value < 0:
        raise MessageMalformed(topic=field, problem="a word of bits is a whole number")
    return int(value)
