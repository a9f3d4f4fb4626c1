"""What members agreed for a day, as the charter's events say (protocol 7.6): the newest decision holds from its day."""

from collections.abc import Iterable
from dataclasses import dataclass

from alliance.calendar import Day
from alliance.identity import ZERO_DIGEST, Digest
from chain.charter import FEE_BP, GROUPS_PACK, LOSS_PPM, TARIFF_PACK
from chain.events import PackSet, ValueSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a settled day must keep to; None where members agreed on nothing, so that nothing is compared."""

    fee_bp: int | None = None
    loss_ppm: int | None = None
    tariff: Digest | None = None
    """`chain.charter.rule_hash` of the rule pack's document."""
    groups: Digest | None = None
    """`chain.charter.rule_hash` of the grouping's document."""


def agreed(found: Iterable[object], day: Day) -> Agreed:
    """What holds on a day; `found` are events in the order of the chain, others than the charter's among them."""
    values: dict[Digest, int] = {}
    packs: dict[Digest, Digest] = {}
    for event in found:
        if isinstance(event, ValueSet) and event.from_day <= day.number:
            values[event.name] = event.value
        elif isinstance(event, PackSet) and event.from_day <= day.number:
            packs[event.kind] = event.pack_hash
    known = {kind: pack_hash for kind, pack_hash in packs.items() if pack_hash != ZERO_DIGEST}
    return Agreed(
        fee_bp=values.get(FEE_BP), loss_ppm=values.get(LOSS_PPM), tariff=known.get(TARIFF_PACK),
        groups=known.get(GROUPS_PACK),
    )  # fmt: skip
