"""The two generations of SunSpec stations, each as the same roles: which models, which points, how power is ordered.

Newer: 701 inverter, 702 limits, 704 order, 713 or 802 storage. Older: 101–103 inverter, 120 ratings, 122 status, 124
storage and order (802 tells the charge better where it is there), and a second meter (201–204) at the battery's AC
side, because 103 counts in one direction alone. In both the first meter of the chain is the billing meter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from edge.devices.points import round_half_away
from edge.devices.station import PointAbsent, SetPointOutOfRange
from edge.devices.sunspec_chain import ModelReader, Place
from edge.devices.sunspec_models import words

Values = Mapping[str, Mapping[str, int | None]]
"""Points by role and name."""

METERS = (203, 201, 202, 204)
_INVERTERS = (103, 102, 101)
_HIGHEST_32, _HIGHEST_16 = 2**31 - 1, 2**15 - 1
_STATES = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7}
"""103 St to 701 InvSt."""
_CONNECTED = 1
_BOTH = 3
"""124 StorCtl_Mod: charging and discharging are both ruled by their rates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a model is needed for: any of `models`, the first one found; of several in the chain the nth."""

    models: tuple[int, ...]
    points: tuple[str, ...]
    nth: int = 0
    optional: bool = False


_METER = ("W", "VAR", "Hz", "TotWhExp", "TotWhImp")
NEWER: Mapping[str, Role] = {
    "meter": Role(models=METERS, points=_METER),
    "inverter": Role(models=(701,), points=("W", "InvSt", "ConnSt", "Alrm", "Hz", "TotWhInj", "TotWhAbs")),
    "capacity": Role(models=(702,), points=("WMaxRtg", "WChaRteMax", "WDisChaRteMax"), optional=True),
    "storage": Role(models=(713, 802), points=("SoC", "SoH")),
    "order": Role(models=(704,), points=("WSetEna", "WSet")),
}
OLDER: Mapping[str, Role] = {
    "meter": Role(models=METERS, points=_METER),
    "battery": Role(models=METERS, points=("TotWhExp", "TotWhImp"), nth=1),
    "inverter": Role(models=_INVERTERS, points=("W", "St", "Evt1")),
    "capacity": Role(models=(120,), points=("MaxChaRte", "MaxDisChaRte")),
    "status": Role(models=(122,), points=("StorConn",), optional=True),
    "charge": Role(models=(802,), points=("SoC", "SoH"), optional=True),
    "order": Role(models=(124,), points=("WChaMax", "ChaState", "StorCtl_Mod", "OutWRte")),
}


def is_older(models: set[int]) -> bool:
    """Whether a chain is of the older generation."""
    return 701 not in models and bool(models.intersection(_INVERTERS))


def as_newer(older: Values) -> Values:
    """The older generation's points under the newer one's names."""
    inverter, order, capacity = older["inverter"], older["order"], older["capacity"]
    connected = older.get("status", {}).get("StorConn")
    state = inverter.get("St")
    charge = older.get("charge", {})
    return {
        "meter": older["meter"],
        "inverter": {
            "W": inverter.get("W"),
            "InvSt": None if state is None else _STATES.get(state, -1),
            "ConnSt": None if connected is None else connected & _CONNECTED,
            "Alrm": inverter.get("Evt1"),
            "TotWhInj": older["battery"].get("TotWhExp"),
            "TotWhAbs": older["battery"].get("TotWhImp"),
        },
        "capacity": {"WChaRteMax": capacity.get("MaxChaRte"), "WDisChaRteMax": capacity.get("MaxDisChaRte")},
        "storage": {"SoC": charge.get("SoC", order.get("ChaState")), "SoH": charge.get("SoH")},
        "order": {"WSetEna": int(order.get("StorCtl_Mod") == _BOTH), "WSet": _ordered_w(capacity, order)},
    }


async def order_newer(models: ModelReader, places: Mapping[str, Place], power_w: int, revert_s: int | None) -> None:
    """704: WSet in watts, discharge positive; with `revert_s` first a reversion to 0 after so long."""
    place = places["order"]
    exponent = await models.exponent(place, "WSet")
    raw = round_half_away(Fraction(power_w) / Fraction(10) ** exponent)
    if abs(raw) > _HIGHEST_32:
        highest_w = int(_HIGHEST_32 * Fraction(10) ** exponent)
        raise SetPointOutOfRange(point="WSet", power_w=power_w, lowest_w=-highest_w, highest_w=highest_w)
    if revert_s is not None:
        await models.write(place, "WSetRvrt", words(0, 2))
        await models.write(place, "WSetEnaRvrt", [int(revert_s > 0), *words(revert_s, 2)])
    await models.write(place, "WSetEna", [1, 1, *words(raw, 2)])


async def order_older(models: ModelReader, places: Mapping[str, Place], power_w: int, revert_s: int | None) -> None:
    """124: OutWRte caps and InWRte floors the same power from two sides, shares of 120's and 124's highest powers."""
    place = places["order"]
    capacity = await models.values(places["capacity"], ("MaxDisChaRte",))
    charge_w = (await models.values(place, ("WChaMax",))).get("WChaMax")
    discharge_w = capacity.get("MaxDisChaRte") or charge_w
    if not charge_w or not discharge_w:
        raise PointAbsent(point="WChaMax")
    exponent = await models.exponent(place, "OutWRte")
    rates = [round_half_away(Fraction(side * 100, base) / Fraction(10) ** exponent) for side, base in (
        (power_w, discharge_w), (-power_w, charge_w)
    )]  # fmt: skip
    if max(map(abs, rates)) > _HIGHEST_16:
        highest_w = int(min(charge_w, discharge_w) * _HIGHEST_16 * Fraction(10) ** exponent / 100)
        raise SetPointOutOfRange(point="OutWRte", power_w=power_w, lowest_w=-highest_w, highest_w=highest_w)
    if revert_s is not None:
        await models.write(place, "InOutWRte_RvrtTms", [min(revert_s, 0xFFFE)])
    await models.write(place, "OutWRte", [rate & 0xFFFF for rate in rates])
    await models.write(place, "StorCtl_Mod", [_BOTH])


def _ordered_w(capacity: Mapping[str, int | None], order: Mapping[str, int | None]) -> int | None:
    rate, base_w = order.get("OutWRte"), capacity.get("MaxDisChaRte") or order.get("WChaMax")
    return None if rate is None or base_w is None else round_half_away(Fraction(rate * base_w, 10_000))
