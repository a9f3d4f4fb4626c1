"""The tariff of a billing group, slot by slot, out of a dated rule pack (protocol 8.3)."""

from dataclasses import dataclass

from alliance.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffSlot:
    """What the grid charges and pays in one slot, cents per MWh (1 yuan/kWh = 100,000)."""

    buy_price: int
    sell_price: int
    network_price: int
    """Wheeling and losses, for energy that passes from one PCC to another of the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The 96 slots of one day for one billing group, and the rule pack they come from."""

    pack: str
    """Name of the rule pack, e.g. `jiangsu-2025-06-two-part`."""
    slots: tuple[TariffSlot, ...]


@dataclass(kw_only=True, eq=False)
class PackUnfitForGroups(Refused):
    """A rule pack would make it dearer to pass energy inside the group than through the grid (protocol 8.3.1)."""

    pack: str
    slot: int
    buy_price: int
    sell_price: int
    network_price: int


def check_fit_for_groups(tariff: Tariff) -> None:
    """Refuse a pack in which sell + network > buy in some slot. Raises PackUnfitForGroups."""
    for slot, t in enumerate(tariff.slots):
        if t.sell_price + t.network_price > t.buy_price:
            raise PackUnfitForGroups(
                pack=tariff.pack,
                slot=slot,
                buy_price=t.buy_price,
                sell_price=t.sell_price,
                network_price=t.network_price,
            )
