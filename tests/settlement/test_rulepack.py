"""The Jiangsu rule pack and what a pack's reader refuses (protocol 8.3; formulas of the published tariff)."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from alliance.calendar import day_of
from alliance.rulepack import (
    NoPackInForce,
    PackMalformed,
    PackNotInForce,
    PackVersionUnknown,
    pack_for,
    parse,
    parse_json,
    to_plain,
)
from alliance.tariff import check_fit_for_groups

FILE = Path(__file__).parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json"
TEXT = FILE.read_text(encoding="utf-8")
PACK = parse_json(TEXT)


def prices(day: str) -> list[int]:
    """The purchase price of each hour; all four quarters must agree."""
    slots = [s.buy_price for s in PACK.tariff_for(day_of(day)).slots]
    assert all(len(set(slots[h * 4 : h * 4 + 4])) == 1 for h in range(24))
    return slots[::4]


def test_prices_equal_the_published_ones_when_floated() -> None:
    """1.0782, 0.739 and 0.4634 yuan/kWh: the float applies to the purchase price alone."""
    summer = prices("2025-07-15")
    assert set(summer) == {107_820, 73_900, 46_340}
    assert summer == [46_340] * 6 + [73_900] * 5 + [46_340] * 2 + [73_900] + [107_820] * 8 + [73_900] * 2
    assert prices("2026-01-15") == summer


def test_hours_wrap_midnight_when_spring_and_autumn() -> None:
    autumn = prices("2025-10-15")
    assert autumn == (
        [73_900] * 2 + [46_340] * 4 + [73_900] * 4 + [46_340] * 4 + [73_900] + [107_820] * 7 + [73_900] * 2
    )
    assert prices("2026-04-01") == autumn


def test_network_price_holds_wheeling_and_losses_when_the_tariff_is_made() -> None:
    slots = {(s.buy_price, s.network_price, s.sell_price) for s in PACK.tariff_for(day_of("2025-06-01")).slots}
    assert slots == {(46_340, 2_927, 39_100), (73_900, 3_478, 39_100), (107_820, 4_156, 39_100)}
    check_fit_for_groups(PACK.tariff_for(day_of("2025-06-01")))


def test_examples_are_marked_unverified_when_shown() -> None:
    assert PACK.unverified == ("sell_price", "wheeling_price", "loss_ppm", "fee_bp")
    assert not PACK.verified
    assert PACK.fee_bp.value == 500


def test_pack_reads_back_when_written() -> None:
    assert parse(to_plain(PACK)) == PACK
    assert parse_json(json.dumps(to_plain(PACK))) == PACK


def test_pack_is_refused_for_a_day_when_it_is_not_in_force() -> None:
    with pytest.raises(PackNotInForce):
        PACK.tariff_for(day_of("2025-05-31"))
    with pytest.raises(NoPackInForce):
        pack_for((PACK,), day_of("2025-05-31"))
    plain = to_plain(PACK) | {"name": "newer", "effective_from": "2026-06-01", "effective_to": "2026-12-31"}
    newer = parse(plain)
    assert pack_for((newer, PACK), day_of("2026-07-01")) == newer
    assert pack_for((newer, PACK), day_of("2027-01-01")) == PACK


def changed(path: str, value: object) -> dict[str, Any]:
    plain = copy.deepcopy(json.loads(TEXT))
    at: Any = plain
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step) if step.isdigit() else step]
    at[int(last) if last.isdigit() else last] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("base_price/value", 0.424, "base_price.value"),
        ("base_price/value", True, "base_price.value"),
        ("base_price/value", -1, "base_price.value"),
        ("base_price/value", 10**9 + 1, "base_price.value"),
        ("base_price/verified", 1, "base_price.verified"),
        ("base_price/source", " ", "base_price.source"),
        ("base_price/note", "x", "base_price.note"),
        ("base_price", 42_400, "base_price"),
        ("fee_bp/value", 10_001, "fee_bp.value"),
        ("loss_ppm/value", 1_000_001, "loss_ppm.value"),
        ("floats_ppm/valley/value", -1_000_001, "floats_ppm.valley.value"),
        ("floats_ppm/noon", {}, "floats_ppm.noon"),
        ("extra", 1, "extra"),
        ("name", "", "name"),
        ("effective_from", "2025-6-1", "effective_from"),
        ("effective_to", "2025-05-01", "effective_to"),
        ("seasons", [], "seasons"),
        ("seasons/0/months", [1, 2, 6, 7, 8], "seasons"),
        ("seasons/0/months", [1, 1, 2, 6, 7, 8, 12], "seasons[0].months"),
        ("seasons/0/months/0", 13, "seasons[0].months[0]"),
        ("seasons/0/hours/peak", ["14:00-21:00"], "seasons[0].hours"),
        ("seasons/0/hours/peak", ["13:00-22:00"], "seasons[0].hours.flat[1]"),
        ("seasons/0/hours/peak", ["14:07-22:00"], "seasons[0].hours.peak[0]"),
        ("seasons/0/hours/peak", ["14:00-14:00"], "seasons[0].hours.peak[0]"),
        ("seasons/0/hours/peak", ["14:00 22:00"], "seasons[0].hours.peak[0]"),
        ("seasons/0/hours/peak", ["24:00-02:00"], "seasons[0].hours.peak[0]"),
        ("seasons/0/hours/peak", ["14:00-25:00"], "seasons[0].hours.peak[0]"),
        ("seasons/0/hours/peak", [7], "seasons[0].hours.peak[0]"),
        ("seasons/0/hours/critical", ["14:00-22:00"], "seasons[0].hours.critical"),
    ],
)
def test_field_value_and_limit_are_named_when_a_pack_is_wrong(path: str, value: object, field: str) -> None:
    with pytest.raises(PackMalformed) as caught:
        parse(changed(path, value))
    assert caught.value.field == field
    assert caught.value.value
    assert caught.value.limit


@pytest.mark.parametrize("name", sorted(set(json.loads(TEXT)) - {"v", "effective_to"}))
def test_field_is_named_when_it_is_missing(name: str) -> None:
    plain = json.loads(TEXT)
    del plain[name]
    with pytest.raises(PackMalformed) as caught:
        parse(plain)
    assert caught.value.field == name


@pytest.mark.parametrize("version", [2, "1", True, None])
def test_pack_is_refused_when_its_version_is_unknown(version: object) -> None:
    with pytest.raises(PackVersionUnknown):
        parse(changed("v", version))


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"v": 1, "v": 1}', "[" * 100_000, '{"v": ' + "9" * 5_000 + "}"])
def test_text_is_refused_when_it_is_not_a_pack(text: str) -> None:
    with pytest.raises(PackMalformed):
        parse_json(text)
