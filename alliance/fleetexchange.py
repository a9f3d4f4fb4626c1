"""A region's exchange with the grid and the load cut there: both follow exactly from what the region takes (9.7).

Sources serve in the order of their prices: export forgone, import, load cut at its price (`Region.cut_price`). Where
prices are equal, load is cut last. Energy is in millionths of a Wh, as `alliance.fleetproof.exchange_microwh` has it.
"""

from dataclasses import dataclass

from alliance.fleetplan import MILLION, Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a region imports, exports and cuts in a period, millionths of a Wh; none is negative."""

    imported: int
    exported: int
    cut: int


def exchange_of(region: Region, t: int, taken: int) -> Exchange:
    """What serves `taken` (millionths of a Wh, negative: left over); beyond all limits it stays import or export."""
    cut = 0
    if region.cut_most_wh:
        cut = min(MILLION * region.cut_most_wh[t], max(0, taken - MILLION * cut_from_wh(region, t)))
    rest = taken - cut
    return Exchange(imported=max(0, rest), exported=max(0, -rest), cut=cut)


def cut_from_wh(region: Region, t: int) -> int:
    """From which net need on load is cut: all exported, nothing exchanged, or all imported, by its price."""
    if region.cut_price[t] >= region.buy_price[t]:
        return region.import_limit_wh[t]
    return 0 if region.cut_price[t] >= region.sell_price[t] else -region.export_limit_wh[t]


def bill_of(region: Region, t: int, taken: int) -> int:
    """What it costs, in millionths of a microcent: buy·import − sell·export + cut price·cut."""
    found = exchange_of(region, t, taken)
    cost = region.buy_price[t] * found.imported - region.sell_price[t] * found.exported
    return cost + (region.cut_price[t] * found.cut if found.cut else 0)


def most_taken_wh(region: Region, t: int) -> int:
    """Import limit and all that may be cut."""
    return region.import_limit_wh[t] + (region.cut_most_wh[t] if region.cut_most_wh else 0)
