"""A why in sentences, Chinese and English: figures filled into a catalogue, in MWh, kW and yuan (protocol 9.9)."""

from collections.abc import Sequence
from enum import StrEnum

from alliance.why.record import POWERS, What
from alliance.why.story import SharedStop, Spell, Stop, Story

MICROCENTS_A_YUAN = 10**8
_SPANS_TOLD = 3


class Language(StrEnum):
    """A language of the page."""

    ZH = "zh"
    EN = "en"


NAMES: dict[Language, dict[What, str]] = {
    Language.ZH: {
        What.LOAD: "用电（负荷减光伏）", What.BASE_LOAD: "区域基础负荷", What.CHARGE: "充电",
        What.DISCHARGE: "放电收入", What.CURTAILED: "弃光", What.WEAR: "电池损耗费",
        What.HOLDING: "电量持有费（深放与高电量）",
        What.RESERVE_PAID: "备用收入", What.RESERVE_SHORT: "备用缺额费", What.TIE_FLOW: "联络线输送",
        What.CUT: "切负荷（付价减免供价）", What.CUT_MOST: "可切负荷上限",
        What.TARIFF: "电网账单与认证价之差", What.START: "期初存电的价值", What.HANDOVER: "租约交接电量",
        What.RATING: "额定功率", What.NOMINATION: "承租方申报", What.LEASED_POWER: "租约之外的功率",
        What.LEASED_CONTENT: "租约之外的电量", What.PCC_IMPORT: "并网点受电上限",
        What.PCC_EXPORT: "并网点上网上限", What.LEAST_CONTENT: "电量下限", What.OWN_NEED_FLOOR: "自用保底电量",
        What.END_ENERGY: "期末电量要求", What.MOST_CONTENT: "电量上限", What.CURTAILABLE: "可弃光伏",
        What.RESERVE_POWER: "备用所需功率", What.RESERVE_ENERGY: "备用所需电量", What.RESERVE_MOST: "备用上限",
        What.REQUIREMENT: "区域备用要求", What.IMPORT_LIMIT: "区域受电上限", What.EXPORT_LIMIT: "区域送出上限",
        What.TIE_LIMIT: "联络线上限", What.TIE_STEP: "联络线网损升档处",
        What.EXCHANGE: "结算组流量上限", What.GAP: "证明间隙（未证明的部分）",
    },
    Language.EN: {
        What.LOAD: "use (load less PV)", What.BASE_LOAD: "base load of the region", What.CHARGE: "charging",
        What.DISCHARGE: "income from discharging", What.CURTAILED: "curtailed PV", What.WEAR: "battery wear",
        What.HOLDING: "holding of content (deep or full)",
        What.RESERVE_PAID: "income from reserves", What.RESERVE_SHORT: "reserve not held",
        What.TIE_FLOW: "sent over the tie line",
        What.CUT: "load cut (its price less that of serving it)", What.CUT_MOST: "load that may be cut",
        What.TARIFF: "grid's bill beyond the certified prices", What.START: "value of what is stored at the start",
        What.HANDOVER: "energy handed over with a lease", What.RATING: "rated power",
        What.NOMINATION: "lessee's nomination", What.LEASED_POWER: "power that leases leave",
        What.LEASED_CONTENT: "content that leases leave", What.PCC_IMPORT: "import limit of the PCC",
        What.PCC_EXPORT: "export limit of the PCC", What.LEAST_CONTENT: "least energy stored",
        What.OWN_NEED_FLOOR: "energy kept for own need", What.END_ENERGY: "energy required at the end",
        What.MOST_CONTENT: "most energy stored", What.CURTAILABLE: "PV that may be curtailed",
        What.RESERVE_POWER: "power held for reserves", What.RESERVE_ENERGY: "energy held for reserves",
        What.RESERVE_MOST: "most reserve", What.REQUIREMENT: "reserve required in the region",
        What.IMPORT_LIMIT: "import limit of the region", What.EXPORT_LIMIT: "export limit of the region",
        What.TIE_LIMIT: "limit of the tie line", What.TIE_STEP: "where the tie line's losses rise",
        What.EXCHANGE: "bounds of the billing group's flows",
        What.GAP: "gap (not proved)",
    },
}  # fmt: skip

_TEXTS: dict[Language, dict[str, str]] = {
    Language.ZH: {
        "owner": "储能站 {station}",
        "lease": "储能站 {station} 的租约 {lease}",
        "region": "区域 {place}：",
        "tie": "联络线 {place}：",
        "charge": "{from_}–{to} 充电 {energy} MWh，均价 {price} 元/kWh。",
        "discharge": "{from_}–{to} 放电 {energy} MWh，均价 {price} 元/kWh。",
        "idle": "当日不充不放：在这些价格下，动一动都不划算，或没有余地。",
        "earned": "与什么都不做相比，按认证价格净赚 {earned} 元：",
        "lost": "与什么都不做相比，按认证价格净付 {earned} 元（期末电量要求或备用使它必须如此）：",
        "bill": "放电收入 {received} 元，减充电 {paid} 元，减电池损耗费 {wear} 元{reserve}。",
        "held_earned": "按认证价格，充放净赚 {earned} 元（电量持有费 {held} 元另计）：",
        "held_lost": "按认证价格，充放净付 {earned} 元（电量持有费 {held} 元另计；"
        "持有费、期末电量要求或备用使它值得如此）：",
        "reserve": "，加备用收入 {money} 元",
        "most": "{when} 电池已满（{limit} MWh），不能再多赚：容量每多 1 kWh，{saves}。",
        "floor": "{when} 受“{name}”限制（{limit} MWh）：每少留 1 kWh，{saves}。",
        "power": "{when} 受“{name}”限制：每多 1 kW，{saves}。",
        "required": "{when} 有“{name}”：每少要求 1 kW，{saves}。",
        "room": "{when} 受“{name}”限制：每放宽 1 kWh，{saves}。",
        "saves": "整个计划当日最多再省 {worth} 元",
        "free": "当日没有哪条限值的放宽值 1 分钱以上。",
        "and": "、",
        "more": "等",
    },
    Language.EN: {
        "owner": "Station {station}",
        "lease": "Lease {lease} at station {station}",
        "region": "Region {place}, ",
        "tie": "Tie line {place}, ",
        "charge": "{from_}–{to}: charges {energy} MWh at {price} yuan/kWh on average.",
        "discharge": "{from_}–{to}: discharges {energy} MWh at {price} yuan/kWh on average.",
        "idle": "It neither charges nor discharges: at these prices no move pays, or none has room.",
        "earned": "Against doing nothing it earns {earned} yuan at the certified prices: ",
        "lost": "Against doing nothing it pays {earned} yuan at the certified prices, because the energy required at "
        "the end, or a reserve, asks for it: ",
        "bill": "{received} from discharging, less {paid} for charging, less {wear} for battery wear{reserve}.",
        "held_earned": "Its moves earn {earned} yuan at the certified prices, beside {held} for holding content: ",
        "held_lost": "Its moves cost {earned} yuan at the certified prices, beside {held} for holding content; that "
        "cost, the energy required at the end, or a reserve makes it worth it: ",
        "reserve": ", plus {money} for reserves",
        "most": "{when}: the battery is full ({limit} MWh) and cannot earn more: each kWh more of capacity {saves}.",
        "floor": "{when}: “{name}” ({limit} MWh) holds it back: each kWh less to keep {saves}.",
        "power": "{when}: “{name}” holds it back: each kW more {saves}.",
        "required": "{when}: “{name}” costs: each kW less {saves}.",
        "room": "{when}: “{name}” holds it back: each kWh more room {saves}.",
        "saves": "saves the whole plan at most {worth} yuan that day",
        "free": "No limit of it is worth a cent that day.",
        "and": ", ",
        "more": " and other times",
    },
}
_FLOORS = frozenset({What.LEAST_CONTENT, What.OWN_NEED_FLOOR, What.END_ENERGY})


def title(story: Story, language: Language) -> str:
    """Whose part of which station a story tells of."""
    return _TEXTS[language]["lease" if story.lease else "owner"].format(station=story.station, lease=story.lease)


def told(story: Story, language: Language, *, first_slot: int, slot_s: int) -> tuple[str, ...]:
    """A story in sentences. `first_slot` is the horizon's first slot of its day, a slot lasts `slot_s` seconds."""
    clock = Clock(first_slot, slot_s)
    texts = _TEXTS[language]
    moved = [_spell(spell, texts, clock) for spell in story.spells]
    stops = [_stop(stop, language, clock) for stop in story.stops]
    if not moved:
        return (texts["idle"], *(stops or [texts["free"]]))
    return (*moved, _earned(story, texts), *(stops or [texts["free"]]))


def told_shared(shared: SharedStop, language: Language, *, first_slot: int, slot_s: int) -> str:
    """A shared limit in a sentence."""
    texts = _TEXTS[language]
    place = texts["tie" if shared.stop.what is What.TIE_LIMIT else "region"].format(place=shared.place)
    return place + _stop(shared.stop, language, Clock(first_slot, slot_s))


def yuan(microcents: int) -> str:
    """Yuan and cents, rounded half away from zero."""
    cents = (abs(microcents) + 500_000) // 10**6
    return f"{'-' if microcents < 0 and cents else ''}{cents // 100:,}.{cents % 100:02d}"


def fine_yuan(microcents: int) -> str:
    """Yuan to a hundredth of a cent: prices a kWh, and what one kW or kWh is worth."""
    size = (abs(microcents) + 5_000) // 10**4
    return f"{'-' if microcents < 0 and size else ''}{size // 10**4:,}.{size % 10**4:04d}"


def mwh(energy_wh: int) -> str:
    """MWh to the kWh, rounded half away from zero."""
    kwh = (abs(energy_wh) + 500) // 1000
    return f"{'-' if energy_wh < 0 and kwh else ''}{kwh // 1000:,}.{kwh % 1000:03d}"


class Clock:
    """Slots of a horizon as times of the day; days after the first are counted."""

    def __init__(self, first_slot: int, slot_s: int) -> None:
        self._first_s, self._slot_s = first_slot * slot_s, slot_s

    def at(self, slot: int) -> str:
        """When a slot begins: 00:00…24:00, with the number of days where it is not the first."""
        minutes = (self._first_s + slot * self._slot_s) // 60
        days, minutes = divmod(minutes, 1440)
        if minutes == 0 and days:
            days, minutes = days - 1, 1440
        return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f" (+{days})" if days else "")


def _spell(spell: Spell, texts: dict[str, str], clock: Clock) -> str:
    return texts[spell.what.value].format(
        from_=clock.at(spell.first), to=clock.at(spell.last + 1), energy=mwh(spell.energy_wh),
        price=fine_yuan(spell.price_microcents_per_kwh),
    )  # fmt: skip


def _earned(story: Story, texts: dict[str, str]) -> str:
    reserve = texts["reserve"].format(money=yuan(story.reserve_microcents)) if story.reserve_microcents else ""
    form = ("held_" if story.holding_microcents else "") + ("earned" if story.earned_microcents >= 0 else "lost")
    head = texts[form].format(earned=yuan(abs(story.earned_microcents)), held=yuan(story.holding_microcents))
    return head + texts["bill"].format(
        received=yuan(story.received_microcents), paid=yuan(story.paid_microcents),
        wear=yuan(story.wear_microcents), reserve=reserve,
    )  # fmt: skip


def _stop(stop: Stop, language: Language, clock: Clock) -> str:
    texts = _TEXTS[language]
    if stop.what is What.MOST_CONTENT:
        form = "most"
    elif stop.what in _FLOORS:
        form = "floor"
    elif stop.what is What.REQUIREMENT:
        form = "required"
    else:
        form = "power" if stop.what in POWERS else "room"
    return texts[form].format(
        when=_when(stop, texts, clock, ends=stop.what not in POWERS), name=NAMES[language][stop.what],
        limit=mwh(stop.least_wh), saves=texts["saves"].format(worth=fine_yuan(stop.worth_microcents)),
    )  # fmt: skip


def _when(stop: Stop, texts: dict[str, str], clock: Clock, *, ends: bool) -> str:
    """A content is told at its slots' ends, a power from beginning to end."""
    spans: Sequence[tuple[int, int]] = stop.spans[:_SPANS_TOLD]
    told_ = [
        clock.at(last + 1) if ends and first == last else f"{clock.at(first + ends)}–{clock.at(last + 1)}"
        for first, last in spans
    ]
    more = texts["more"] if len(stop.spans) > _SPANS_TOLD else ""
    return texts["and"].join(told_) + more
