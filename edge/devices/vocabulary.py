"""The words of point tables (点表): columns, keys, units, types; docs/devices.md explains them (protocol 2.1)."""

from collections.abc import Mapping

COLUMNS = (
    "key",
    "name_zh",
    "name_en",
    "protocol",
    "unit_id",
    "function",
    "address",
    "type",
    "byte_word_order",
    "scale",
    "offset",
    "sign",
    "unit",
    "min",
    "max",
    "access",
    "class",
    "poll_ms",
    "deadband",
    "alarm_level",
    "enumeration",
)

REQUIRED = {
    "meter_power": "W",
    "meter_import": "Wh",
    "meter_export": "Wh",
    "battery_power": "W",
    "battery_soc": "bp",
    "battery_charge": "Wh",
    "battery_discharge": "Wh",
    "set_power": "W",
}
"""Points that a station's tables must have between them, with the unit in which we hold them."""

OPTIONAL = {
    "meter_reactive": "var",
    "battery_soh": "bp",
    "charge_limit": "W",
    "discharge_limit": "W",
    "frequency": "mHz",
    "pcs_state": "",
    "alarm_word": "",
    "remote_enable": "",
    "command_timeout": "s",
    "heartbeat": "",
    "contactor_closed": "",
    "charge_permitted": "",
    "discharge_permitted": "",
    "bms_heartbeat": "",
    "remote_switch": "",
    "manual_control": "",
    "cell_voltage_max": "mV",
    "cell_voltage_min": "mV",
    "cell_temperature_max": "dC",
    "cell_temperature_min": "dC",
}
"""Points that they may have. Any other point's key has a dot: `hvac.supply_temperature`, `cluster.1.soc`."""

ASKED_IN_PARTS = frozenset(
    {"contactor_closed", "charge_permitted", "discharge_permitted", "remote_switch", "manual_control", "heartbeat"}
)
"""Points that the guard asks for also in parts of a station: `cluster.1.contactor_closed`, `bms.heartbeat`."""

IDENTITY = "identity"
"""A register whose one value (min = max) tells this device from others; read once a connection and by `probe`."""

UNITS: Mapping[str, Mapping[str, int]] = {
    "W": {"W": 1, "kW": 1_000, "MW": 1_000_000},
    "var": {"var": 1, "kvar": 1_000, "Mvar": 1_000_000},
    "VA": {"VA": 1, "kVA": 1_000, "MVA": 1_000_000},
    "Wh": {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000},
    "varh": {"varh": 1, "kvarh": 1_000, "Mvarh": 1_000_000},
    "mV": {"mV": 1, "V": 1_000, "kV": 1_000_000},
    "mA": {"mA": 1, "A": 1_000, "kA": 1_000_000},
    "mohm": {"mΩ": 1, "Ω": 1_000, "kΩ": 1_000_000},
    "dC": {"°C": 10},
    "bp": {"bp": 1, "%": 100},
    "mHz": {"mHz": 1, "Hz": 1_000},
    "s": {"s": 1, "min": 60, "h": 3_600},
    "ppm": {"ppm": 1},
    "Pa": {"Pa": 1, "kPa": 1_000},
    "": {"": 1},
}
"""Our unit of each quantity, with what a table may write and how many of ours that is; dC is a tenth of a °C."""

INTEGERS = {
    "INT16": (1, True),
    "UINT16": (1, False),
    "INT32": (2, True),
    "UINT32": (2, False),
    "INT64": (4, True),
    "UINT64": (4, False),
}
"""Registers and whether the integer is signed (two's complement)."""

WORDS = {"BITS16": 1, "BITS32": 2}
"""Bit fields: each bit has its name in `enumeration`; a bit that is set is an alarm where alarm_level is above 0."""

COIL = "BIT"
"""A coil or a discrete input, read by function 1 or 2."""

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
CLASSES = ("YC", "YX", "YK", "YT", "YM")


def types() -> tuple[str, ...]:
    """Every type that a table may write of registers. BIT0…BIT15 are one bit of one, FLOAT32 is IEEE 754."""
    return (*INTEGERS, *WORDS, "FLOAT32", *(f"BIT{n}" for n in range(16)))
