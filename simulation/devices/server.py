"""A Modbus server, TCP or serial, with registers of ours: reads show the last published image, writes are judged.

The only module that touches a Modbus server.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from alliance.errors import Missing, Refused
from edge.devices.link import SerialLine, Transport

COILS = 1
DISCRETE = 2
HOLDING = 3
INPUT = 4
_WRITES = {5: COILS, 15: COILS, 6: HOLDING, 16: HOLDING, 22: HOLDING, 23: HOLDING}
"""The space that each writing function writes."""


@dataclass(kw_only=True, eq=False)
class PortTaken(Missing):
    """A device server cannot listen: something else holds its port."""

    host: str
    port: int


@dataclass(kw_only=True, eq=False)
class RegisterReadOnly(Refused):
    """A client wrote where nothing can be written."""

    address: int


@dataclass(kw_only=True, eq=False)
class RegisterValueRefused(Refused):
    """A client wrote a value that the device does not take."""

    address: int
    value: int


class Bank:
    """A stretch of registers, or of coils; what lies outside is an illegal address."""

    def __init__(self, *, first: int, words: Sequence[int]) -> None:
        self.first = first
        self.words = list(words)

    def put(self, address: int, words: Sequence[int]) -> None:
        """Show new words from an address on."""
        at = address - self.first
        self.words[at : at + len(words)] = words

    def get(self, address: int, count: int) -> list[int]:
        """The words shown at an address."""
        at = address - self.first
        return self.words[at : at + count]


class Writer(Protocol):
    """What a device does with a write."""

    def written(self, address: int, words: Sequence[int], space: int = HOLDING) -> None:
        """Obey. Raises RegisterReadOnly or RegisterValueRefused, and then nothing has changed."""
        ...


class DeviceServer:
    """Serves banks of registers, by function space, for one unit; on a serial line `host` is its device file."""

    def __init__(
        self, *, host: str, port: int, unit_id: int, banks: Mapping[int, Bank], writer: Writer,
        transport: Transport = Transport.TCP, line: SerialLine | None = None,
    ) -> None:  # fmt: skip
        self.beside: list[DeviceServer] = []
        """Devices of other units that hang on the same line and answer through this server."""
        self.host, self.port = host, port
        self._unit_id, self._banks, self._writer = unit_id, banks, writer
        self._transport, self._line = transport, line or SerialLine()
        self._server: ModbusTcpServer | ModbusSerialServer | None = None
        self.noisy = False
        """Whether each answer's bytes arrive changed: electromagnetic interference."""
        self.refusing = False
        """Whether each request is answered with an exception: the device is busy."""

        self.deaf = False
        """Whether orders are refused, though the device can be read."""

    async def start(self) -> None:
        """Listen. Raises PortTaken."""
        server = self._new_server()
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            raise PortTaken(host=self.host, port=self.port) from None
        self._server = server

    async def stop(self) -> None:
        """Stop listening and drop every connection; `start` listens again."""
        if self._server is not None:
            await self._server.shutdown()
            self._server = None
            await asyncio.sleep(0)  # the loop lets closed connections go

    def _new_server(self) -> ModbusTcpServer | ModbusSerialServer:
        if self._transport is Transport.RTU:
            return ModbusSerialServer(
                self._devices(), port=self.host, baudrate=self._line.baud, parity=self._line.parity,
                stopbits=self._line.stop_bits, trace_packet=self._sent,
            )  # fmt: skip
        framer = FramerType.RTU if self._transport is Transport.RTU_OVER_TCP else FramerType.SOCKET
        return ModbusTcpServer(
            self._devices(), framer=framer, address=(self.host, self.port), trace_packet=self._sent
        )  # fmt: skip

    def _sent(self, sending: bool, data: bytes) -> bytes:
        """What goes out; noise turns a bit of every byte."""
        return bytes(byte ^ 0x10 for byte in data) if sending and self.noisy else data

    def _devices(self) -> list[SimDevice]:
        return [server._device() for server in (self, *self.beside)]

    def _device(self) -> SimDevice:
        if set(self._banks) == {HOLDING}:
            return SimDevice(self._unit_id, _registers(self._banks[HOLDING]), action=self._act)
        blocks = (
            _bits(self._banks.get(COILS)), _bits(self._banks.get(DISCRETE)),
            _registers(self._banks.get(HOLDING)), _registers(self._banks.get(INPUT)),
        )  # fmt: skip
        return SimDevice(self._unit_id, blocks, action=self._act)

    async def _act(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Called by the server for every access, before it answers from (or writes to) its own `registers`."""
        space = _WRITES.get(function, function)
        if space not in self._banks:
            return ExcCodes.ILLEGAL_ADDRESS if space in (COILS, DISCRETE, HOLDING, INPUT) else ExcCodes.ILLEGAL_FUNCTION
        if self.refusing:
            return ExcCodes.DEVICE_BUSY
        bank = self._banks[space]
        if values is None:
            if space in (COILS, DISCRETE):
                registers[:] = _packed(bank)
            else:
                registers[address - start : address - start + count] = bank.get(address, count)
            return None
        if self.deaf:
            return ExcCodes.DEVICE_FAILURE
        words = [int(value) for value in values]
        try:
            self._writer.written(address, words, space)
        except RegisterReadOnly:
            return ExcCodes.ILLEGAL_ADDRESS
        except RegisterValueRefused:
            return ExcCodes.ILLEGAL_VALUE
        bank.put(address, words)
        return None


def _registers(bank: Bank | None) -> list[SimData]:
    held = bank or Bank(first=0xFFF0, words=[0])
    return [SimData(held.first, values=list(held.words), datatype=DataType.REGISTERS)]


def _bits(bank: Bank | None) -> list[SimData]:
    """Coils as the library wants them: from a whole word of sixteen on."""
    packed = _packed(bank) if bank else [0]
    first = bank.first // 16 * 16 if bank else 0
    return [SimData(first, values=[bool(w >> n & 1) for w in packed for n in range(16)], datatype=DataType.BITS)]


def _packed(bank: Bank) -> list[int]:
    """Coils, sixteen in a word, the first in its lowest bit."""
    bits = [0] * (bank.first % 16) + bank.words
    return [sum(bool(bit) << n for n, bit in enumerate(bits[i : i + 16])) for i in range(0, len(bits), 16)]
