"""What is asked of a forecast, and the record of what was forecast and what was known when (protocol 9.6)."""

from dataclasses import dataclass

from alliance.calendar import Day, iso_utc
from alliance.errors import Malformed
from optimizer.forecasting.skill import Skill

MOST_SCENARIOS = 10_000
_MILLION = 1_000_000
_HOUR_MS = 3_600_000


@dataclass(kw_only=True, eq=False)
class QuantileWrong(Malformed):
    """Quantiles lie inside 0 … 1,000,000 ppm, ascending, at least two."""

    quantiles_ppm: tuple[int, ...]


@dataclass(kw_only=True, eq=False)
class ScenariosWrong(Malformed):
    """That many scenarios are not made."""

    scenarios: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Which periods to forecast, from when, and in what form."""

    issued_ms: int
    """UTC: nothing that was measured or issued later is used."""
    first_ms: int
    periods: int
    quantiles_ppm: tuple[int, ...] = (100_000, 500_000, 900_000)
    scenarios: int = 0
    seed: int = 0
    backtest_days: int = 0
    """Over how many of the last days the same forecast is judged as it would have been made on each."""

    def __post_init__(self) -> None:
        """Raises QuantileWrong, ScenariosWrong."""
        levels = self.quantiles_ppm
        if len(levels) < 2 or sorted(set(levels)) != [*levels] or levels[0] <= 0 or levels[-1] >= _MILLION:
            raise QuantileWrong(quantiles_ppm=levels)
        if not 0 <= self.scenarios <= MOST_SCENARIOS:
            raise ScenariosWrong(scenarios=self.scenarios, most=MOST_SCENARIOS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """The values below which the outcomes stay with a probability."""

    level_ppm: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A scenario in whole units."""

    probability_ppm: int
    error_days_ago: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedVintages:
    """When the values of a regressor that the forecast periods use were issued."""

    name: str
    oldest_issued_ms: int
    newest_issued_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What was expected of a series, how surely, and what was known when."""

    series: str
    unit: str
    method: str
    issued_ms: int
    cut_off_ms: int
    """UTC at which the last period that was known had ended."""
    known_digest: bytes
    """SHA-256 of the history and the vintages that were used, protocol 9.6."""
    regressors: tuple[UsedVintages, ...]
    first_ms: int
    step_ms: int
    expected: tuple[int, ...]
    quantiles: tuple[Quantile, ...]
    scenarios: tuple[Course, ...]
    calibration_days: int
    skill: Skill | None


def day_ahead(day: Day, *, step_ms: int, issued_ms: int | None = None) -> Ask:
    """Ask for a whole local day, by default at its first instant."""
    issued = day.start_ms if issued_ms is None else issued_ms
    return Ask(issued_ms=issued, first_ms=day.start_ms, periods=(day.end_ms - day.start_ms) // step_ms)


def ahead(issued_ms: int, *, step_ms: int, hours: int) -> Ask:
    """Ask for the next hours from an instant, which is rounded down to a period's beginning."""
    first = issued_ms // step_ms * step_ms
    return Ask(issued_ms=first, first_ms=first, periods=hours * _HOUR_MS // step_ms)


# ---- plain form ----


def forecast_to_plain(forecast: Forecast) -> dict[str, object]:
    """The plain form of a forecast: texts and whole numbers, names in camel case, instants as ISO 8601 in UTC."""
    return {
        "v": 1,
        "forecast": {
            "series": forecast.series,
            "unit": forecast.unit,
            "method": forecast.method,
            "issued": iso_utc(forecast.issued_ms),
            "cutOff": iso_utc(forecast.cut_off_ms),
            "knownDigest": "0x" + forecast.known_digest.hex(),
            "regressors": [
                {
                    "name": r.name,
                    "oldestIssued": iso_utc(r.oldest_issued_ms),
                    "newestIssued": iso_utc(r.newest_issued_ms),
                }
                for r in forecast.regressors
            ],
            "first": iso_utc(forecast.first_ms),
            "stepSeconds": forecast.step_ms // 1000,
            "expected": list(forecast.expected),
            "quantiles": [{"levelPpm": q.level_ppm, "values": list(q.values)} for q in forecast.quantiles],
            "scenarios": [
                {"probabilityPpm": s.probability_ppm, "errorDaysAgo": s.error_days_ago, "values": list(s.values)}
                for s in forecast.scenarios
            ],
            "calibrationDays": forecast.calibration_days,
            "skill": skill_to_plain(forecast.skill) if forecast.skill else None,
        },
    }


def skill_to_plain(skill: Skill) -> dict[str, object]:
    """The plain form of what a back-test found."""
    return {
        "forecasts": skill.forecasts,
        "outcomes": skill.outcomes,
        "errors": [{"name": e.name, "maeMilli": e.mae_milli, "nmaePpm": e.nmae_ppm} for e in skill.errors],
        "bestBaseline": skill.best_baseline,
        "skillPpm": skill.skill_ppm,
        "pinballPpm": skill.pinball_ppm,
        "nominalPpm": skill.nominal_ppm,
        "coveragePpm": skill.coverage_ppm,
        "calibration": [{"levelPpm": c.level_ppm, "belowPpm": c.below_ppm} for c in skill.calibration],
        "coverageByPeriodPpm": list(skill.coverage_by_period_ppm),
    }
