"""The demo's six stations of Lianyungang, and the two leases between their owners. Plain data, illustrative figures.

Ratings, loads and prices are realistic, not those of real plants; positions are schematic.
"""

from dataclasses import dataclass

from alliance.fleet import StationType
from alliance.identity import MemberId, StationId
from simulation.battery import BatteryRating
from simulation.plant import PlantParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPart:
    """A share of a site's load that follows a BDEW standard load profile (`h0`, `g0`…`g6`, `l0`…`l2`)."""

    profile: str
    annual_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CastStation:
    """One member's station: who, what, where."""

    number: StationId
    owner: MemberId
    key: str
    """Short name for folders and logs."""
    member_zh: str
    member_en: str
    name_zh: str
    name_en: str
    station_type: StationType
    region: int
    """GB/T 2260 code of the county or district."""
    longitude_e5: int
    """Degrees east, times 100,000."""
    latitude_e5: int
    speaks: str
    """`sunspec` or `table`."""
    plant: PlantParameters
    eta_c_ppm: int
    """One-way efficiency that planner and leases reckon with."""
    eta_d_ppm: int
    wear_price: int
    """What the owner reckons as wear, cents per MWh discharged."""
    load: tuple[LoadPart, ...] = ()
    pv_peak_w: int = 0
    """Rated DC power of the PV, at standard test conditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CastLease:
    """What an owner offers on chain, and what a lessee takes of it. Prices in cents per MWh."""

    station: StationId
    lessee: MemberId
    offered_power_w: int
    offered_energy_wh: int
    power_w: int
    energy_wh: int
    term_days: int
    eta_c_ppm: int
    eta_d_ppm: int
    rent_cents_per_kw_year: int
    wear_price: int
    offered_handover_wh: int
    """Content of the energy account of the whole offer; a lease takes over its share by energy."""
    handover_price: int
    sla_bp: int = 9_800
    sla_factor_bp: int = 15_000
    price_version: int = 1


_KW = 1_000
_MW = 1_000_000
_KWH = 1_000
_MWH = 1_000_000
_ETA_PPM = 950_000


def _plant(
    *, power_w: int, energy_wh: int, pcc_import_w: int, pcc_export_w: int, standby_w: int, reactive_ppm: int = 0
) -> PlantParameters:
    return PlantParameters(
        battery=BatteryRating(capacity_wh=energy_wh, charge_power_w=power_w, discharge_power_w=power_w),
        ramp_w_per_s=power_w // 10,
        pcc_import_w=pcc_import_w,
        pcc_export_w=pcc_export_w,
        standby_w=standby_w,
        reactive_ppm=reactive_ppm,
    )


STATIONS: tuple[CastStation, ...] = (
    CastStation(
        number=StationId(1),
        owner=MemberId(1),
        key="port",
        member_zh="连云港港口储能公司",
        member_en="Lianyungang Port Storage Co.",
        name_zh="连云港港口电网侧储能",
        name_en="Lianyungang Port grid-side storage",
        station_type=StationType.GRID_SIDE,
        region=320706,
        longitude_e5=11_937_000,
        latitude_e5=3_468_000,
        speaks="sunspec",
        plant=_plant(
            power_w=5 * _MW, energy_wh=10 * _MWH, pcc_import_w=5_500 * _KW, pcc_export_w=5_500 * _KW, standby_w=18_000
        ),
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        wear_price=7_000,
    ),
    CastStation(
        number=StationId(2),
        owner=MemberId(2),
        key="solar",
        member_zh="赣榆光伏公司",
        member_en="Ganyu Solar Co.",
        name_zh="赣榆光伏配储",
        name_en="Ganyu solar with storage",
        station_type=StationType.SOURCE_SIDE,
        region=320707,
        longitude_e5=11_913_000,
        latitude_e5=3_490_000,
        speaks="sunspec",
        plant=_plant(
            power_w=1 * _MW, energy_wh=2 * _MWH, pcc_import_w=1_500 * _KW, pcc_export_w=4_500 * _KW, standby_w=6_000
        ),
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        wear_price=8_000,
        pv_peak_w=4 * _MW,
    ),
    CastStation(
        number=StationId(3),
        owner=MemberId(3),
        key="silicon",
        member_zh="东海硅材料厂",
        member_en="Donghai Silicon Materials",
        name_zh="东海硅材料厂储能",
        name_en="Donghai Silicon Materials storage",
        station_type=StationType.USER_SIDE,
        region=320722,
        longitude_e5=11_877_000,
        latitude_e5=3_455_000,
        speaks="sunspec",
        plant=_plant(
            power_w=1 * _MW,
            energy_wh=2 * _MWH,
            pcc_import_w=3_500 * _KW,
            pcc_export_w=1_000 * _KW,
            standby_w=5_000,
            reactive_ppm=330_000,
        ),
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        wear_price=8_000,
        load=(
            LoadPart(profile="g3", annual_wh=9_600_000_000),
            LoadPart(profile="g1", annual_wh=1_900_000_000),
        ),
    ),
    CastStation(
        number=StationId(4),
        owner=MemberId(4),
        key="food",
        member_zh="灌云食品厂",
        member_en="Guanyun Foods",
        name_zh="灌云食品厂储能",
        name_en="Guanyun Foods storage",
        station_type=StationType.USER_SIDE,
        region=320723,
        longitude_e5=11_924_000,
        latitude_e5=3_430_000,
        speaks="table",
        plant=_plant(
            power_w=500 * _KW,
            energy_wh=1 * _MWH,
            pcc_import_w=1_600 * _KW,
            pcc_export_w=500 * _KW,
            standby_w=3_000,
            reactive_ppm=360_000,
        ),
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        wear_price=8_500,
        load=(
            LoadPart(profile="g5", annual_wh=1_500_000_000),
            LoadPart(profile="g0", annual_wh=2_300_000_000),
        ),
    ),
    CastStation(
        number=StationId(5),
        owner=MemberId(5),
        key="chemicals",
        member_zh="灌南化工园",
        member_en="Guannan Chemical Park",
        name_zh="灌南化工园储能",
        name_en="Guannan Chemical Park storage",
        station_type=StationType.USER_SIDE,
        region=320724,
        longitude_e5=11_936_000,
        latitude_e5=3_409_000,
        speaks="sunspec",
        plant=_plant(
            power_w=1 * _MW,
            energy_wh=2 * _MWH,
            pcc_import_w=3_600 * _KW,
            pcc_export_w=1_000 * _KW,
            standby_w=5_000,
            reactive_ppm=300_000,
        ),
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        wear_price=8_000,
        load=(
            LoadPart(profile="g3", annual_wh=13_500_000_000),
            LoadPart(profile="g2", annual_wh=700_000_000),
        ),
        pv_peak_w=800 * _KW,
    ),
    CastStation(
        number=StationId(6),
        owner=MemberId(6),
        key="third",
        member_zh="连云独立储能公司",
        member_en="Lianyun Independent Storage",
        name_zh="连云第三方储能",
        name_en="Lianyun third-party storage",
        station_type=StationType.THIRD_PARTY,
        region=320703,
        longitude_e5=11_945_000,
        latitude_e5=3_474_000,
        speaks="sunspec",
        plant=_plant(
            power_w=2 * _MW, energy_wh=4 * _MWH, pcc_import_w=2_300 * _KW, pcc_export_w=2_300 * _KW, standby_w=9_000
        ),
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        wear_price=7_500,
    ),
)

LEASES: tuple[CastLease, ...] = (
    CastLease(
        station=StationId(6),
        lessee=MemberId(3),
        offered_power_w=1_200 * _KW,
        offered_energy_wh=2_400 * _KWH,
        power_w=600 * _KW,
        energy_wh=1_200 * _KWH,
        term_days=30,
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        rent_cents_per_kw_year=20_000,
        wear_price=7_500,
        offered_handover_wh=960 * _KWH,
        handover_price=40_000,
    ),
    CastLease(
        station=StationId(1),
        lessee=MemberId(2),
        offered_power_w=2 * _MW,
        offered_energy_wh=4 * _MWH,
        power_w=1 * _MW,
        energy_wh=2 * _MWH,
        term_days=30,
        eta_c_ppm=_ETA_PPM,
        eta_d_ppm=_ETA_PPM,
        rent_cents_per_kw_year=18_000,
        wear_price=7_000,
        offered_handover_wh=1_600 * _KWH,
        handover_price=40_000,
    ),
)
