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

HOLDING = 3
INPUT = 4
_WRITES = (6, 16, 22, 23)


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
    """A stretch of registers; what lies outside is an illegal address."""

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

    def written(self, address: int, words: Sequence[int]) -> None:
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
                stopbits=self._line.stop_bits,
            )  # fmt: skip
        framer = FramerType.RTU if self._transport is Transport.RTU_OVER_TCP else FramerType.SOCKET
        return ModbusTcpServer(self._devices(), framer=framer, address=(self.host, self.port))

    def _devices(self) -> list[SimDevice]:
        return [server._device() for server in (self, *self.beside)]

    def _device(self) -> SimDevice:
        blocks = {
            space: [SimData(bank.first, values=list(bank.words), datatype=DataType.REGISTERS)]
            for space, bank in self._banks.items()
        }
        if len(blocks) == 1:
            return SimDevice(self._unit_id, *blocks.values(), action=self._act)
        unused = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        return SimDevice(self._unit_id, (unused, list(unused), blocks[HOLDING], blocks[INPUT]), action=self._act)

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
        if function not in (HOLDING, INPUT, *_WRITES):
            return ExcCodes.ILLEGAL_FUNCTION
        if values is None:
            bank = self._banks[function] if function in self._banks else next(iter(self._banks.values()))
            registers[address - start : address - start + count] = bank.get(address, count)
            return None
        words = [int(value) for value in values]
        try:
            self._writer.written(address, words)
        except RegisterReadOnly:
            return ExcCodes.ILLEGAL_ADDRESS
        except RegisterValueRefused:
            return ExcCodes.ILLEGAL_VALUE
        self._banks[HOLDING].put(address, words)
        return None
