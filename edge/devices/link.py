"""One Modbus TCP connection, and its failures by name; the only module that touches a Modbus client (protocol 2.1)."""

import asyncio
from types import TracebackType

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge.devices.station import DeviceRefused, DeviceSilent, DeviceUnreachable, FrameMalformed

HOLDING = 3
INPUT = 4
_WRITE_MULTIPLE = 16
MAX_REGISTERS = 125
"""A single read carries no more."""


class ModbusLink:
    """Reads and writes registers. `async with link:` around a sequence that must not be interleaved."""

    def __init__(self, *, host: str, port: int, timeout_s: float) -> None:
        self._host, self._port = host, port
        self._timeout_s = timeout_s
        self._client: AsyncModbusTcpClient | None = None
        self._turn = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether a connection stands; after an error it does not, and the next call makes a new one."""
        return self._client is not None and bool(self._client.connected)

    async def read(self, *, unit_id: int, function: int, address: int, count: int) -> list[int]:
        """Read registers by function 3 or 4, unsigned.

        Raises DeviceUnreachable, DeviceSilent, DeviceRefused, FrameMalformed.
        """
        client = await self._connected()
        call = client.read_holding_registers if function == HOLDING else client.read_input_registers
        try:
            answer = await call(address, count=count, device_id=unit_id)
        except ModbusException as failure:
            raise self._silent(function, address, failure) from failure
        if answer.isError():
            raise self._refused(function, address, getattr(answer, "exception_code", 0))
        registers = list(getattr(answer, "registers", []))
        if len(registers) != count:
            self.close()
            raise FrameMalformed(
                host=self._host,
                port=self._port,
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
            raise self._silent(_WRITE_MULTIPLE, address, failure) from failure
        if answer.isError():
            raise self._refused(_WRITE_MULTIPLE, address, getattr(answer, "exception_code", 0))

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

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = AsyncModbusTcpClient(
            self._host, port=self._port, timeout=self._timeout_s, retries=0, reconnect_delay=0, name="alliance-edge"
        )
        if not await client.connect():
            client.close()
            raise DeviceUnreachable(host=self._host, port=self._port)
        self._client = client
        return client

    def _silent(self, function: int, address: int, failure: ModbusException) -> DeviceSilent:
        self.close()
        return DeviceSilent(
            host=self._host, port=self._port, function=function, address=address, reason=type(failure).__name__
        )

    def _refused(self, function: int, address: int, exception: int) -> DeviceRefused:
        return DeviceRefused(host=self._host, port=self._port, function=function, address=address, exception=exception)
