"""Bodies about rule packs, billing groups and tariffs."""

from typing import Annotated, Any

from pydantic import Field

from api.wire import Hex32, Wire


class RulePackBody(Wire):
    """A rule pack as its file holds it (`docs/protocol.md` 8.3)."""

    pack: dict[str, Any]


class GroupBody(Wire):
    """One billing group: a number and its stations."""

    group: Annotated[int, Field(ge=1)]
    stations: Annotated[tuple[int, ...], Field(min_length=1, strict=False)]


class GroupingBody(Wire):
    """The billing groups from a day on."""

    from_day: str
    groups: Annotated[tuple[GroupBody, ...], Field(min_length=1, strict=False)]


class FiledAnswer(Wire):
    """A document that was queued for the log."""

    name: str
    digest: Hex32
    epoch: int


class PackAnswer(Wire):
    """A rule pack by its name; `unverified` lists the numbers that nobody has checked against their document."""

    name: str
    jurisdiction: str
    tariff_class: str
    doc_no: str
    source: str
    effective_from: str
    effective_to: str | None
    verified: bool
    unverified: tuple[str, ...]
    fee_bp: int
    digest: Hex32
    content: Hex32
    """By which the charter names it: SHA-256 of its document's canonical DAG-CBOR."""


class TariffSlotAnswer(Wire):
    """A slot's prices, cents per MWh."""

    slot: int
    buy_price: int
    sell_price: int
    network_price: int


class TariffAnswer(Wire):
    """A day's tariff and the pack that it comes from."""

    day: str
    pack: PackAnswer
    slots: tuple[TariffSlotAnswer, ...]
