"""Which part of a station is meant (protocol 10.16.3): container, cluster, pack, cell, as the points' keys say it.

`container.5.cluster.2.pack.3.cell.7.voltage` is 5号集装箱/2簇/3包/7号电芯; `fire.smoke.2` the fire panel's zone 2. A
device's own name (`east.fire.state`) stands first. Part of the rest of a key that names no place is the value's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PARTS: Mapping[str, tuple[str, str]] = {
    "container": ("{}号集装箱", "container {}"),
    "cluster": ("{}簇", "cluster {}"),
    "pack": ("{}包", "pack {}"),
    "cell": ("{}号电芯", "cell {}"),
    "probe": ("{}号测温点", "probe {}"),
    "zone": ("{}区", "zone {}"),
    "phase": ("{}相", "phase {}"),
    "string": ("{}串", "string {}"),
    "channel": ("{}号通道", "channel {}"),
}
DEVICES: Mapping[str, tuple[str, str]] = {
    "bms": ("电池系统", "battery system"),
    "pcs": ("变流器", "converter"),
    "meter": ("关口表", "billing meter"),
    "hvac": ("空调", "air conditioning"),
    "fire": ("消防主机", "fire panel"),
    "ems": ("能量管理系统", "energy-management system"),
    "sunspec": ("储能系统", "storage system"),
    "box": ("站控终端", "station box"),
}
_OF_BARE = {
    "meter_power": "meter", "meter_reactive": "meter", "meter_import": "meter", "meter_export": "meter",
    "frequency": "meter", "battery_power": "pcs", "battery_charge": "pcs", "battery_discharge": "pcs",
    "set_power": "pcs", "pcs_state": "pcs", "battery_soc": "bms", "battery_soh": "bms", "charge_limit": "bms",
    "discharge_limit": "bms", "contactor_closed": "bms", "charge_permitted": "bms", "discharge_permitted": "bms",
    "cell_voltage_max": "bms", "cell_voltage_min": "bms", "cell_temperature_max": "bms", "cell_temperature_min": "bms",
    "alarm_word": "ems",
}  # fmt: skip
_NUMBERED = {"fire": "zone", "meter": "phase", "pcs": "phase"}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A part of a station; `parts` from the whole to the piece. No device and no parts: the station itself."""

    device: str = ""
    """Kind of device: a key of `DEVICES`, or a name that is none."""
    parts: tuple[tuple[str, int], ...] = ()
    name: str = ""
    """The device's name where the station has several of the kind."""

    def within(self, other: "Place") -> bool:
        """Whether this part is the other, or lies in it."""
        if other.name not in ("", self.name) or other.device not in ("", self.device):
            return False
        return self.parts[: len(other.parts)] == other.parts

    @property
    def innermost(self) -> str:
        """The word of the smallest part; "" where there is none."""
        return self.parts[-1][0] if self.parts else ""

    def zh(self) -> str:
        """As an operator says it: 5号集装箱/2簇/3包/7号电芯; batteries' parts need no device's name."""
        return self._told(0)

    def en(self) -> str:
        """container 5/cluster 2/pack 3/cell 7."""
        return self._told(1)

    def _told(self, language: int) -> str:
        told = [self.name] if self.name else []
        implied = self.device in ("", "bms") and any(word != "container" for word, _ in self.parts)
        parts = [PARTS[word][language].format(number) for word, number in self.parts]
        if implied or not self.device:
            return "/".join([*told, *parts])
        device = DEVICES.get(self.device, (self.device, self.device))[language]
        outer = [text for (word, _), text in zip(self.parts, parts, strict=True) if word == "container"]
        return "/".join([*told, *outer, device, *parts[len(outer) :]])

    def plain(self) -> str:
        """As one word, for storing and for machines."""
        numbered = ".".join(f"{word}.{number}" for word, number in self.parts)
        return "|".join((self.device, numbered, self.name))


def place_of_plain(text: str) -> Place:
    """Read what `plain` made."""
    device, numbered, name = text.split("|")
    words = numbered.split(".") if numbered else []
    return Place(device, tuple((words[i], int(words[i + 1])) for i in range(0, len(words), 2)), name)


def place_of(key: str) -> Place:
    """The part that a point's key speaks of."""
    words = key.split(".")
    if len(words) == 1:
        return Place(_OF_BARE.get(key, "ems"))
    parts: list[tuple[str, int]] = []
    device, names = "", []
    at = 0
    while at < len(words):
        word, number = words[at], words[at + 1] if at + 1 < len(words) else ""
        if word in PARTS and number.isdecimal():
            parts.append((word, int(number)))
            at += 2
        elif word in DEVICES and not device:
            device = word
            at += 1
        elif at + 1 < len(words) and not device and not any(part != "container" for part, _ in parts):
            names.append(word)
            at += 1
        else:
            break
    if device in _NUMBERED and words[-1].isdecimal():
        parts.append((_NUMBERED[device], int(words[-1])))
    if not device:
        device = "bms" if any(part in ("cluster", "pack", "cell") for part, _ in parts) else ""
    if not device and names:
        device = names.pop()
    return Place(device, tuple(parts), ".".join(names))
