"""One Modbus connection, TCP or serial, and its failures by name; alone touches a Modbus client (protocol 2.1)."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Literal

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType

from edge.devices.station import DeviceRefused, DeviceSilent, DeviceUnreachable, FrameDamaged, FrameMalformed

COILS = 1
DISCRETE = 2
HOLDING = 3
INPUT = 4
BIT_FUNCTIONS = (COILS, DISCRETE)
_WRITE_COIL = 5
_WRITE_MULTIPLE = 16
MODBUS_PORT = 502
MAX_REGISTERS = 125
MAX_BITS = 2_000
"""A single read carries no more registers, no more coils or discrete inputs."""


class Transport(StrEnum):
    """How frames travel."""

    TCP = "tcp"
    RTU = "rtu"
    """A serial line (RS-485): frames with CRC."""
    RTU_OVER_TCP = "rtu_over_tcp"
    """A serial line behind a serial server: frames with CRC in a TCP stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialLine:
    """A serial line's settings, the same at all devices on it; 8 data bits."""

    baud: int = 9_600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


class ModbusLink:
    """Reads and writes registers. `async with link:` around a sequence that must not be interleaved.

    On a serial line `host` is the line's device file and `port` is 0, in errors too.
    """

    def __init__(
        self, *, host: str, port: int, timeout_s: float, transport: Transport = Transport.TCP,
        line: SerialLine | None = None,
    ) -> None:  # fmt: skip
        self.host, self.port = host, port
        self._timeout_s = timeout_s
        self._transport, self._line = transport, line or SerialLine()
        self._client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None
        self._turn = asyncio.Lock()
        self._heard_bytes = 0
        self.generation = 0
        """How many connections were made; behind a new one may stand another device."""

    @property
    def connected(self) -> bool:
        """Whether a connection stands; after an error it does not, and the next call makes a new one."""
        return self._client is not None and bool(self._client.connected)

    async def read(self, *, unit_id: int, function: int, address: int, count: int) -> list[int]:
        """Read registers by function 3 or 4, unsigned; coils or discrete inputs by 1 or 2, each 0 or 1.

        Raises DeviceUnreachable, DeviceSilent, DeviceRefused, FrameMalformed.
        """
        client = await self._connected()
        call = {
            COILS: client.read_coils,
            DISCRETE: client.read_discrete_inputs,
            HOLDING: client.read_holding_registers,
            INPUT: client.read_input_registers,
        }[function]
        try:
            answer = await call(address, count=count, device_id=unit_id)
        except ModbusException as failure:
            raise self._unanswered(function, address, failure) from failure
        if answer.isError():
            raise self._refused(function, address, getattr(answer, "exception_code", 0))
        registers = _carried(answer, function, count)
        if len(registers) != count:
            self.close()
            raise FrameMalformed(
                host=self.host,
                port=self.port,
                function=function,
                address=address,
                want_registers=count,
                got_registers=len(registers),
            )
        return registers

    async def write(self, *, unit_id: int, address: int, registers: list[int]) -> None:
        """Write holding registers in one frame. Raises as `read` does."""
        client = await self._connected()
        try:
            answer = await client.write_registers(address, registers, device_id=unit_id)
        except ModbusException as failure:
            raise self._unanswered(_WRITE_MULTIPLE, address, failure) from failure
        if answer.isError():
            raise self._refused(_WRITE_MULTIPLE, address, getattr(answer, "exception_code", 0))

    async def write_coil(self, *, unit_id: int, address: int, value: int) -> None:
        """Switch one coil, 0 off, else on. Raises as `read` does."""
        client = await self._connected()
        try:
            answer = await client.write_coil(address, bool(value), device_id=unit_id)
        except ModbusException as failure:
            raise self._unanswered(_WRITE_COIL, address, failure) from failure
        if answer.isError():
            raise self._refused(_WRITE_COIL, address, getattr(answer, "exception_code", 0))

    def close(self) -> None:
        """Let the connection go."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def __aenter__(self) -> "ModbusLink":
        await self._turn.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.close()  # an answer may still be under way: it must not meet the next question
        self._turn.release()

    async def _connected(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = self._new_client()
        if not await client.connect():
            client.close()
            raise DeviceUnreachable(host=self.host, port=self.port)
        self._client = client
        self.generation += 1
        return client

    def _new_client(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        if self._transport is Transport.RTU:
            return AsyncModbusSerialClient(
                self.host, baudrate=self._line.baud, parity=self._line.parity, stopbits=self._line.stop_bits,
                timeout=self._timeout_s, retries=0, reconnect_delay=0, name="alliance-edge", trace_packet=self._heard,
            )  # fmt: skip
        framer = FramerType.RTU if self._transport is Transport.RTU_OVER_TCP else FramerType.SOCKET
        return AsyncModbusTcpClient(
            self.host, port=self.port, framer=framer, timeout=self._timeout_s, retries=0, reconnect_delay=0,
            name="alliance-edge", trace_packet=self._heard,
        )  # fmt: skip

    def _heard(self, sending: bool, data: bytes) -> bytes:
        self._heard_bytes = 0 if sending else self._heard_bytes + len(data)
        return data

    def _unanswered(self, function: int, address: int, failure: ModbusException) -> DeviceSilent | FrameDamaged:
        self.close()
        if self._heard_bytes:
            return FrameDamaged(
                host=self.host, port=self.port, function=function, address=address, heard_bytes=self._heard_bytes
            )
        return DeviceSilent(
            host=self.host, port=self.port, function=function, address=address, reason=type(failure).__name__
        )

    def _refused(self, function: int, address: int, exception: int) -> DeviceRefused:
        return DeviceRefused(host=self.host, port=self.port, function=function, address=address, exception=exception)


def _carried(answer: object, function: int, count: int) -> list[int]:
    """What an answer carries; bits come in whole bytes, of which those beyond the question are padding."""
    if function not in BIT_FUNCTIONS:
        return list(getattr(answer, "registers", []))
    bits = [int(bit) for bit in getattr(answer, "bits", [])]
    return bits[:count] if len(bits) == (count + 7) // 8 * 8 else bits
