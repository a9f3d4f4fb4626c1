"""Planning tomorrow (protocol 9): gather forecast, states, leases, tariff; plan, certify, check; file the schedule."""

from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, day_at
from alliance.capacity import account_course, term_end
from alliance.certificate import NoJointGain
from alliance.day import effective_schedules
from alliance.errors import AllianceError, Missing
from alliance.fleet import Station
from alliance.identity import Digest, StationId
from alliance.lease import Lease
from alliance.schedule import Schedule, ScheduleKind
from alliance.settlement import EffectivePlan, group_tariff
from api.curves import queries as curves
from api.documents import queries as documents
from api.history import queries as history
from api.leases import queries as leases
from api.platform import Platform
from api.profiles import queries as profiles
from api.rules import queries as rules
from api.schedules import queries, repository
from api.schedules.queries import Outcome
from api.settlements import evidence
from api.stations import queries as stations
from optimizer.forecasting.like_day import forecast
from optimizer.planning import PlannedDay, nominated, plan_day
from optimizer.problem import GroupTariff, Problem, Share, Site
from oracle.log import EntryType

_LOG = structlog.get_logger()
_RETRY_MS = SLOT_MS
_SOC_AGE_MS = 3_600_000
_FULL_BP = 10_000


@dataclass(kw_only=True, eq=False)
class StateUnknown(Missing):
    """A station's battery meter has shown nothing in the last hour: its content cannot be planned from."""

    station: StationId
    since_ms: int


class PlanTomorrow:
    """The job that makes each day's day-ahead schedule once, some hours before the day begins."""

    name = "plan"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, t_ms: int) -> None:
        """Plan tomorrow if it is time and not done; what fails is kept with its reason and tried again."""
        p, day = self._platform, day_at(t_ms).plus(1)
        if t_ms < day.start_ms - p.settings.plan_lead_minutes * 60_000:
            return
        with p.database.reading() as connection:
            if queries.of_day(connection, day) or not self._due(connection, day, t_ms):
                return
            try:
                problem = gather(connection, day, t_ms=t_ms)
            except AllianceError as error:
                problem, failure = None, error
        if problem is None:
            self._keep_failure(day, t_ms, failure)
        else:
            self._plan(problem, t_ms)

    def _due(self, connection: Connection, day: Day, t_ms: int) -> bool:
        """Whether the last failed run is long enough ago. Before the alliance has its rules nothing is due."""
        first = rules.first_day(connection)
        if first is None or day < first:
            return False
        runs = queries.runs(connection, day)
        return not runs or t_ms - runs[-1].t_ms >= _RETRY_MS

    def _plan(self, problem: Problem, t_ms: int) -> None:
        try:
            planned = plan_day(problem)
        except NoJointGain as error:
            self._file(problem, nominated(problem), None, t_ms, outcome=Outcome.NOMINATED, reason=error)
        except AllianceError as error:
            self._keep_failure(problem.day, t_ms, error)
        else:
            self._file(problem, planned.schedule, planned, t_ms, outcome=Outcome.PLANNED, reason=None)

    def _file(
        self, problem: Problem, schedule: Schedule, planned: PlannedDay | None, t_ms: int, *,
        outcome: Outcome, reason: AllianceError | None,
    ) -> None:  # fmt: skip
        """Queue the schedule for the log and keep the run, in one transaction."""
        p = self._platform
        content = queries.document_of(schedule, planned.certificate if planned else None)
        name = queries.schedule_name(problem.day, problem.revision)
        with p.database.writing() as connection:
            row = documents.queue(p, connection, kind=EntryType.SCHEDULE, name=name, content=content)
            self._keep(connection, problem.day, t_ms, outcome=outcome, reason=reason, schedule=row.document.digest)
        _LOG.info("plan.filed", day=str(problem.day), outcome=outcome, gap_ppm=schedule.certified_gap_ppm)

    def _keep_failure(self, day: Day, t_ms: int, reason: AllianceError) -> None:
        with self._platform.database.writing() as connection:
            self._keep(connection, day, t_ms, outcome=Outcome.FAILED, reason=reason, schedule=None)
        _LOG.error("plan.failed", day=str(day), error=str(reason))

    def _keep(
        self, connection: Connection, day: Day, t_ms: int, *, outcome: Outcome, reason: AllianceError | None,
        schedule: Digest | None,
    ) -> None:  # fmt: skip
        repository.add_run(
            connection,
            {
                "day": day.number, "revision": 1, "t_ms": t_ms, "outcome": outcome.value, "schedule": schedule,
                "code": reason.code if reason else "", "detail": str(reason) if reason else "",
            },
        )  # fmt: skip


def gather(connection: Connection, day: Day, *, t_ms: int) -> Problem:
    """All that the day-ahead plan is made from. Raises StateUnknown, NoLikeDay, StationProfileMissing, RulesMissing."""
    _, pack = rules.pack_of(connection, day)
    grouping = rules.grouping_of(connection, day)
    tariff = pack.tariff_for(day)
    grouped = {station for group in grouping.groups for station in group.stations}
    rated = [s for s in stations.all_stations(connection, day) if s.number in grouped]
    contents = {s.number: _content_wh(connection, s, day, t_ms=t_ms) for s in rated}
    return Problem(
        alliance=evidence.alliance_of(connection),
        day=day,
        kind=ScheduleKind.DAY_AHEAD,
        revision=1,
        first_slot=0,
        sites=tuple(_site(connection, s, day, contents[s.number]) for s in rated),
        shares=tuple(_share(connection, lease, day) for lease in _running(connection, day)),
        groups=tuple(GroupTariff(group=group, tariff=group_tariff(group, tariff)) for group in grouping.groups),
    )


def _site(connection: Connection, station: Station, day: Day, energy_wh: int) -> Site:
    profile = profiles.station(connection, station.number)
    expected = forecast(station.number, day, history=history.before(connection, station.number, day)).net_load_wh
    slots, least = len(expected), station.capacity_wh * profile.soc_min_bp // _FULL_BP
    return Site(
        station=station,
        eta_c_ppm=profile.eta_c_ppm,
        eta_d_ppm=profile.eta_d_ppm,
        energy_min_wh=least,
        energy_max_wh=station.capacity_wh * profile.soc_max_bp // _FULL_BP,
        energy_wh=energy_wh,
        end_min_wh=energy_wh,
        wear_price=profile.wear_price,
        net_load_wh=expected,
        own_need_floor_wh=(station.capacity_wh * profile.own_need_bp // _FULL_BP,) * slots,
        curtailable_wh=(0,) * slots,
    )


def _content_wh(connection: Connection, station: Station, day: Day, *, t_ms: int) -> int:
    """What the battery will hold when the day begins: its last signed state, and what is still planned until then."""
    soc_bp = curves.last_soc_bp(connection, station.number, before_ms=t_ms + 1, not_before_ms=t_ms - _SOC_AGE_MS)
    if soc_bp is None:
        raise StateUnknown(station=station.number, since_ms=t_ms - _SOC_AGE_MS)
    profile = profiles.station(connection, station.number)
    content = station.capacity_wh * soc_bp // _FULL_BP
    today = day.plus(-1)
    for record in queries.of_day(connection, today)[-1:]:
        rows = [r for r in record.schedule.rows if r.station == station.number and today.slot_start_ms(r.slot) >= t_ms]
        for row in rows:
            charged = -min(0, row.battery_wh) * profile.eta_c_ppm // 1_000_000
            content += charged - max(0, row.battery_wh) * 1_000_000 // profile.eta_d_ppm
    return min(max(content, 0), station.capacity_wh)


def _running(connection: Connection, day: Day) -> list[Lease]:
    """The leases that run in some slot of a day, by station, each with the term that it has after an early end."""
    found = []
    for row in leases.all_leases(connection):
        lease = replace(row.lease, term_slots=max(0, row.end_slot - row.lease.first_slot))
        if any(lease.active_in(day, slot) for slot in range(SLOTS_A_DAY)):
            found.append(lease)
    return sorted(found, key=lambda lease: (lease.station, lease.number))


def _share(connection: Connection, lease: Lease, day: Day) -> Share:
    account = account_at(connection, lease, day)
    return Share(lease=lease, account_wh=account, end_min_wh=account, nomination_wh=None)


def account_at(connection: Connection, lease: Lease, day: Day) -> int:
    """The lessee's energy account when a day begins, Wh: every effective schedule since the lease began (8.4.4)."""
    first = day_at(lease.first_slot * SLOT_MS)
    rows: dict[int, int] = {}
    for number in range(first.number, day.number):
        rows |= _lease_rows(connection, lease, Day(number))
    inside = {slot: wh for slot, wh in rows.items() if lease.first_slot <= slot < term_end(lease)}
    course = account_course(lease, inside, account_wh=lease.handover_wh)
    return course[max(course)] if course else lease.handover_wh


def _lease_rows(connection: Connection, lease: Lease, day: Day) -> dict[int, int]:
    """Absolute slot → what the effective schedules of a day planned for a lease."""
    plan = EffectivePlan(effective_schedules(evidence.anchored_schedules(connection, day), day))
    planned: dict[int, int] = {}
    for slot in range(SLOTS_A_DAY):
        row = plan.row(lease.station, slot)
        for part in row.lessees if row else ():
            if part.lease == lease.number:
                planned[day.first_slot + slot] = part.planned_wh
    return planned
