"""Random days as evidence shows them: meters, documents, leases and their faults, from which both implementations settle."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, day_of
from alliance.closing import closing_days
from alliance.day import DayFacts, Grouping, Meter, Place, binding_groups, binding_pack
from alliance.fleet import BillingGroup, Channel, Station, StationType
from alliance.identity import Address, Digest, GroupId, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.quantity import Bracket
from alliance.reading import ChannelKind, Flag, Reading
from alliance.rulepack import RulePack, parse
from alliance.schedule import GainRow, LeaseRow, PriceRow, Schedule, ScheduleKind, ScheduleRow
from alliance.settlement import network_price
from alliance.tariff import TariffSlot

ALLIANCE = bytes.fromhex("a1" * 32)
DAYS = tuple(map(day_of, ("2026-03-31", "2026-07-01", "2026-02-28", "2028-02-29", "2026-12-31", "2026-06-15")))
_PACK: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json").read_text(encoding="utf-8")
)
_RATING_W = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A day's facts, without its `uses`; the same day seen later with more evidence; and what `uses` are gathered from."""

    facts: DayFacts
    later: tuple[DayFacts, ...]
    uses: tuple[tuple[Day, tuple[tuple[Place, Schedule], ...], tuple[Meter, ...]], ...]


def random_seen(rng: random.Random, *, boundaries: int) -> Seen:
    """A day with about so many readings a meter, whatever else is drawn from `rng`."""
    return _Maker(rng, boundaries).seen()


class _Maker:
    """One random day in the making."""

    def __init__(self, rng: random.Random, boundaries: int) -> None:
        self.rng, self.boundaries = rng, boundaries
        self.day = rng.choice(DAYS) if rng.random() < 0.5 else Day(rng.randrange(20_300, 21_000))
        self.roster = tuple(MemberId(n) for n in sorted(rng.sample(range(1, 9), rng.randint(1, 4))))
        self.stations = tuple(self._station(n) for n in range(1, rng.randint(1, 4) + 1))
        self.leases = tuple(self._leases())
        self.entries = 0

    def seen(self) -> Seen:
        groupings, packs = tuple(self._groupings()), tuple(self._packs())
        schedules = tuple(self._schedules(packs, groupings))
        full = [self._meter(s, n) for s in self.stations for n in range(self._meters())]
        early_ends = {x.number: self._early_end(x) for x in self.leases if self.rng.random() < 0.3}
        uses = tuple(self._uses(schedules, early_ends))
        facts = DayFacts(
            alliance=ALLIANCE,
            day=self.day,
            roster=self._miscounted(self.roster),
            stations=self.stations,
            leases=self.leases,
            early_ends=early_ends,
            schedules=schedules,
            packs=packs,
            groupings=groupings,
            meters=tuple(self._gapped(meter) for meter in full),
            log_size=self.rng.randrange(1, 10**6),
        )
        later = (replace(facts, meters=tuple(full), log_size=facts.log_size + 7),) if self.rng.random() < 0.5 else ()
        return Seen(facts=facts, later=later, uses=uses)

    # The registry

    def _station(self, number: int) -> Station:
        return Station(
            number=StationId(number),
            owner=self.rng.choice(self.roster),
            station_type=self.rng.choice(list(StationType)),
            region=320_703,
            charge_power_w=_RATING_W,
            discharge_power_w=_RATING_W,
            capacity_wh=2 * _RATING_W,
            pcc_import_w=_RATING_W,
            pcc_export_w=_RATING_W,
        )

    def _leases(self) -> Iterator[Lease]:
        for number in range(1, self.rng.choice((0, 1, 1, 2, 3)) + 1):
            station = self.rng.choice(self.stations)
            others = [m for m in self.roster if m != station.owner]
            if others:
                yield self._lease(number, station, self.rng.choice(others))

    def _early_end(self, lease: Lease) -> EarlyEnd:
        """By both together, or by one who pays; often at the day's first or behind its last slot."""
        rng = self.rng
        edges = [s for s in (self.day.first_slot, self.day.plus(1).first_slot) if lease.holds(s)]
        slot = (
            rng.choice(edges)
            if edges and rng.random() < 0.3
            else lease.first_slot + rng.randrange(lease.term_slots + 1)
        )
        by = rng.choice((None, lease.owner, lease.lessee))
        return EarlyEnd(end_slot=slot, by=by, price_cents=rng.choice((0, rng.randrange(10**8))) if by else 0)

    def _lease(self, number: int, station: Station, lessee: MemberId) -> Lease:
        """Begins at most two days before, so that the days on which its end rests are few."""
        rng = self.rng
        return Lease(
            number=LeaseId(number),
            version=rng.randint(1, 3),
            owner=station.owner,
            lessee=lessee,
            station=station.number,
            power_w=rng.randrange(1, 400_000),
            energy_wh=rng.randrange(1, 800_000),
            eta_c_ppm=rng.randrange(850_000, 1_000_001),
            eta_d_ppm=rng.randrange(850_000, 1_000_001),
            rent_cents=rng.randrange(10**7),
            first_slot=self.day.first_slot + rng.randrange(-150, 100),
            term_slots=rng.choice((rng.randrange(1, 90), rng.randrange(90, 300), 35_040)),
            wear_price=rng.randrange(20_000),
            handover_wh=rng.randrange(800_001),
            handover_price=rng.randrange(60_000),
            sla_bp=rng.randrange(10_001),
            sla_factor_bp=rng.randrange(30_000),
            **self._window(),
        )

    def _window(self) -> dict[str, int]:
        """Always, or on some weekdays in some hours."""
        rng = self.rng
        if rng.random() < 0.6:
            return {}
        first = rng.randrange(96)
        return {
            "weekday_mask": rng.randrange(1, 128),
            "day_first_slot": first,
            "day_slots": rng.randrange(1, 97 - first),
        }

    def _miscounted(self, roster: tuple[MemberId, ...]) -> tuple[MemberId, ...]:
        return roster if self.rng.random() > 0.02 else roster[1:]

    # Documents

    def _place(self, anchored_ms: int) -> Place:
        self.entries += self.rng.randrange(1, 50)
        return Place(digest=Digest(self.rng.randbytes(32)), entry=self.entries, anchored_ms=anchored_ms)

    def _before(self) -> int:
        """Some time before the day, or now and then too late."""
        return self.day.start_ms - self.rng.choice((1, SLOT_MS, 86_400_000, 5)) + 5 * (self.rng.random() < 0.03)

    def _groupings(self) -> Iterator[tuple[Place, Grouping]]:
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            from_day = self.day.plus(self.rng.choice((-40, -1, 0, 0, int(self.entries > 0))))
            yield self._place(self._before()), Grouping(from_day=from_day, groups=tuple(self._groups()))

    def _groups(self) -> Iterator[BillingGroup]:
        numbers = [s.number for s in self.stations if self.rng.random() < 0.95]
        self.rng.shuffle(numbers)
        if self.rng.random() < 0.01:
            numbers.append(StationId(77))
        cut = self.rng.randrange(1, len(numbers) + 1) if numbers else 0
        for number, stations in enumerate((numbers[:cut], numbers[cut:]), start=self.rng.choice((1, 1, 5))):
            if stations:
                yield BillingGroup(number=GroupId(number), stations=tuple(stations))

    def _packs(self) -> Iterator[tuple[Place, RulePack]]:
        for _ in range(self.rng.choice((1, 1, 2))):
            yield self._place(self._before()), self._pack()

    def _pack(self) -> RulePack:
        rng = self.rng
        numbers = {
            "base_price": rng.choice((43_910, rng.randrange(100_000))),
            "adder_price": rng.choice((27_790, rng.randrange(-40_000, 40_000))),
            "sell_price": rng.choice((20_000, rng.randrange(-60_000, 40_000))),
            "wheeling_price": rng.choice((2_000, rng.randrange(8_000))),
            "loss_ppm": rng.choice((20_000, 0, rng.randrange(90_000))),
            "fee_bp": rng.choice((0, 500, 10_000)),
        }
        parameters = {name: _short({**_PACK[name], "value": value}) for name, value in numbers.items()}
        floats = {name: _short(parameter) for name, parameter in _PACK["floats_ppm"].items()}
        starts = self.day.plus(rng.choice((-300, -1, 0, 0)) + (rng.random() < 0.03))
        ends = rng.choice((None, None, str(starts.plus(rng.choice((0, 300, 400))))))
        dates = {"effective_from": str(starts), "effective_to": ends}
        return parse({**_PACK, **parameters, "floats_ppm": floats, "source": "s", **dates})

    def _schedules(
        self, packs: tuple[tuple[Place, RulePack], ...], groupings: tuple[tuple[Place, Grouping], ...]
    ) -> Iterator[tuple[Place, Schedule]]:
        for revision in range(self.rng.choice((0, 1, 1, 2, 3))):
            kind = ScheduleKind.DAY_AHEAD if revision == 0 else self.rng.choice(list(ScheduleKind))
            first = 0 if kind is ScheduleKind.DAY_AHEAD else self.rng.randrange(96)
            anchored = self.day.slot_start_ms(first) - self.rng.choice((1, 60_000, SLOT_MS, 0))
            day = self.day if self.rng.random() < 0.95 else self.day.plus(1)
            plan = self._schedule(day, kind, revision, first, tuple(self._binding(packs, groupings)))
            yield self._place(anchored), plan

    def _binding(
        self, packs: tuple[tuple[Place, RulePack], ...], groupings: tuple[tuple[Place, Grouping], ...]
    ) -> Iterator[tuple[BillingGroup, tuple[TariffSlot, ...]]]:
        """The groups with their tariff, as far as any binds: what a plan's prices are made from."""
        try:
            slots = binding_pack(packs, self.day)[1].tariff_for(self.day).slots
            yield from ((group, slots) for group in binding_groups(groupings, self.day))
        except Exception:
            return

    def _schedule(
        self,
        day: Day,
        kind: ScheduleKind,
        revision: int,
        first: int,
        priced: tuple[tuple[BillingGroup, tuple[TariffSlot, ...]], ...],
    ) -> Schedule:
        rng = self.rng
        active = sorted(rng.sample(range(first, 96), min(96 - first, rng.choice((1, 3, self.boundaries // 4 + 1)))))
        rows = tuple(self._row(s.number, slot) for s in self.stations for slot in active if rng.random() < 0.97)
        planned = {(r.station, r.slot): r.planned_net_wh for r in rows}
        prices = tuple(
            self._prices(group, slot, slots[slot], planned)
            for group, slots in priced
            for slot in active
            if rng.random() < 0.9
        )
        return Schedule(
            alliance=ALLIANCE,
            day=day,
            kind=kind,
            revision=revision,
            first_slot=first,
            groups=tuple((group.number, group.stations) for group, _ in priced),
            rows=rows,
            prices=prices,
            gains=tuple(map(self._gain, self.roster)) if kind is ScheduleKind.DAY_AHEAD else (),
            certified_gap_ppm=rng.randrange(1_000),
        )

    def _row(self, station: StationId, slot: int) -> ScheduleRow:
        rng = self.rng
        lessees = tuple(
            LeaseRow(lease=x.number, holder=x.lessee, planned_wh=rng.choice((0, rng.randrange(-100_000, 100_001))))
            for x in self.leases
            if x.station == station and rng.random() < 0.9
        )
        planned = rng.choice((0, rng.randrange(-1_500, 1_501), rng.randrange(-300_000, 300_001)))
        load = rng.randrange(-1_000, 1_001)
        return ScheduleRow(
            station=station,
            slot=slot,
            planned_net_wh=planned,
            battery_wh=planned + load,
            net_load_wh=load,
            lessees=lessees + lessees[: rng.random() < 0.02],
        )

    def _prices(
        self, group: BillingGroup, slot: int, tariff: TariffSlot, planned: dict[tuple[StationId, int], int]
    ) -> PriceRow:
        """Duals of the planned flows; one in a hundred is a cent off."""
        rng, network = self.rng, network_price(group, tariff)
        flows = {s: planned.get((s, slot), 0) for s in group.stations}
        low, high = tariff.sell_price, max(tariff.sell_price, tariff.buy_price - network)
        pool = sum(flows.values())
        price = rng.randint(low, high) if abs(pool) <= 1_000 else (high if pool < 0 else low)
        adders = tuple((s, self._adder(flow, max(0, network))) for s, flow in flows.items())
        off = rng.choice((-1, 1)) if rng.random() < 0.01 else 0
        return PriceRow(group=group.number, slot=slot, pool_price=price + off, adders=adders[rng.random() < 0.002 :])

    def _adder(self, flow_wh: int, network: int) -> int:
        return self.rng.randint(0, network) if abs(flow_wh) <= 1_000 else network if flow_wh < 0 else 0

    def _gain(self, member: MemberId) -> GainRow:
        apart, planned = self.rng.randrange(-(10**6), 10**6), self.rng.randrange(-(10**6), 10**6)
        off = int(self.rng.random() < 0.003)
        return GainRow(
            member=member,
            apart_cost_cents=apart,
            planned_cost_cents=planned,
            gain_cents=apart - planned + off,
            without_storage_cost_cents=apart,
        )

    # Meters

    def _meters(self) -> int:
        return self.rng.choices((0, 1, 2), (1, 18, 1))[0]

    def _meter(self, station: Station, number: int, kind: ChannelKind = ChannelKind.METER) -> Meter:
        """Readings on most boundaries from some hours before the day until some after it."""
        rng = self.rng
        low, high = -rng.choice((1, 2, 8)), SLOTS_A_DAY + rng.choice((0, 1, 4))
        held = sorted(rng.sample(range(low, high + 1), min(self.boundaries, high - low + 1)))
        channel = Channel(
            device=Address(bytes([station.number, number, kind]) + bytes(17)),
            channel=1 + number,
            kind=kind,
            station=station.number,
            from_ms=0 if rng.random() < 0.9 else self.day.slot_start_ms(rng.randrange(96)),
            to_ms=0 if rng.random() < 0.9 else self.day.slot_start_ms(rng.randrange(96)),
        )
        readings = tuple(self._readings(channel.channel, held))
        disputed = {r.seq for r, _ in readings if rng.random() < 0.5} if rng.random() < 0.1 else set()
        return Meter(channel=channel, readings=readings, disputed=frozenset(disputed))

    def _readings(self, channel: int, boundaries: list[int]) -> Iterator[tuple[Reading, Bracket]]:
        rng = self.rng
        imported, exported, seq = rng.randrange(10**9), rng.randrange(10**9), rng.randrange(100)
        faulty = rng.random() < 0.4
        for boundary in boundaries:
            t_ms = self.day.slot_start_ms(boundary) - rng.choice((0, 0, 0, 1, 59_999, 60_000, 400_000))
            event = rng.random() if faulty else 1.0
            flags = Flag.SUBSTITUTED if event < 0.02 else Flag.REGISTER_RESET if event < 0.05 else Flag(0)
            if flags is Flag.REGISTER_RESET or event < 0.06:
                imported, exported = imported // 3, exported // 3
            yield (
                Reading(
                    flags=int(flags), channel=channel, seq=seq, t_ms=t_ms, a=0, b=0, c=imported, d=exported,
                    salt=bytes(16),
                ),
                self._bracket(t_ms, event),
            )  # fmt: skip
            seq += rng.choice((1, 1, 1, 30))
            imported += rng.choice((0, rng.randrange(200_000)))
            exported += rng.choice((0, rng.randrange(200_000)))

    def _bracket(self, t_ms: int, event: float) -> Bracket:
        """Around the reading, or now and then beside it."""
        if 0.06 < event < 0.1:
            aside = self.rng.choice((-1, 1)) * self.rng.randrange(1, 2 * SLOT_MS)
            return Bracket(max(0, t_ms + aside), t_ms + aside + 20_000)
        return Bracket(0 if self.rng.random() < 0.3 else t_ms - 900_000, t_ms + 1_000_000)

    def _gapped(self, meter: Meter) -> Meter:
        """What had arrived when the day was first settled: all, or all but a stretch."""
        if self.rng.random() < 0.5 or not meter.readings:
            return meter
        first = self.rng.randrange(len(meter.readings))
        lost = range(first, first + self.rng.randrange(1, 12))
        return replace(meter, readings=tuple(r for at, r in enumerate(meter.readings) if at not in lost))

    # Ends of months and terms

    def _uses(
        self, schedules: tuple[tuple[Place, Schedule], ...], early_ends: dict[LeaseId, EarlyEnd]
    ) -> Iterator[tuple[Day, tuple[tuple[Place, Schedule], ...], tuple[Meter, ...]]]:
        for day in closing_days(self.leases, early_ends, self.day):
            if self.rng.random() < 0.005:
                continue
            leased = {lease.station for lease in self.leases}
            batteries = tuple(self._meter(s, 9, ChannelKind.BATTERY) for s in self.stations if s.number in leased)
            yield day, schedules if day == self.day else (), batteries


def _short(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter without the long words on where it comes from."""
    return {**parameter, "source": "s"}
