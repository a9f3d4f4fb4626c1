"""The health page as HTML (protocol 10.21): Chinese first, English by a link; no script, nothing from elsewhere.

It is a function of the document: what the document does not know is shown as a dash, never as 0.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import Any

from alliance.calendar import ZONE_OFFSET_MS
from edge.health.page_text import HEADINGS
from edge.health.sight import Document
from edge.health.texts import Language, word

_LOCAL = timezone(timedelta(milliseconds=ZONE_OFFSET_MS))
_DASH = "—"
_REFRESH_S = 5


def page(document: Document, *, language: Language, now_ms: int | None = None) -> str:
    """The whole page. `now_ms`: for ages; by default the round's own instant."""
    view = _View(document, language, now_ms)
    cards = (
        view.power, view.order, view.alarms, view.outbox, view.devices, view.plan, view.clock, view.about,
    )  # fmt: skip
    shown = "".join(card() for card in cards)
    t = view.t
    other = "en" if language == "zh" else "zh"
    tongue = "zh-CN" if language == "zh" else "en"
    state, tone = view.state()
    return (
        f'<!doctype html><html lang="{tongue}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{_REFRESH_S}">'
        f"<title>{t('station')} {document['station']} · {t('title')}</title>"
        f'<link rel="stylesheet" href="/page.css"></head><body><header><div><h1>{t("station")} {document["station"]}'
        f" <small>{t('title')}</small></h1><p>{t('updated')} {view.time(view.round.get('at'))}</p></div>"
        f'<p class="state {tone}" role="status">{state}</p>'
        f'<nav><a href="/?lang={other}" hreflang="{other}">{t("other")}</a><a href="/status.json">JSON</a>'
        f'<a href="/metrics">metrics</a></nav></header><main>{shown}</main>'
        f"<footer>{t('readonly')}</footer></body></html>"
    )


class _View:
    """A document in a language."""

    def __init__(self, document: Document, language: Language, now_ms: int | None) -> None:
        self._d, self._language = document, language
        self._comma = "、" if language == "zh" else ", "
        self.round: dict[str, Any] = document["round"] or {}
        self._now = datetime.fromtimestamp(now_ms / 1_000, UTC) if now_ms else _instant(self.round.get("at"))

    def t(self, name: str) -> str:
        return HEADINGS[name][0 if self._language == "zh" else 1]

    def state(self) -> tuple[str, str]:
        if not self.round:
            return self.t("waiting"), "idle"
        if self.round["failure"] is not None:
            return self.t("silent"), "bad"
        return (self.t("attention"), "warn") if self._d.get("alarms") else (self.t("good"), "good")

    def time(self, iso: str | None) -> str:
        at = _instant(iso)
        if at is None:
            return _DASH
        return f'<time datetime="{escape(str(iso))}">{at.astimezone(_LOCAL):%Y-%m-%d %H:%M:%S}</time>'

    def age(self, iso: str | None) -> str:
        at = _instant(iso)
        if at is None or self._now is None:
            return ""
        seconds = max(0, int((self._now - at).total_seconds()))
        for size, unit in ((86_400, self.t("days")), (3_600, "h"), (60, "min")):
            if seconds >= 2 * size:
                return f'<span class="muted">({seconds // size} {unit}{self.t("ago")})</span>'
        return f'<span class="muted">({seconds} s{self.t("ago")})</span>'

    def word(self, name: str) -> str:
        return escape(word(name, self._language))

    def power(self) -> str:
        sample: Mapping[str, Any] = self.round.get("sample") or {}
        soc = sample.get("socBp")
        bar = f'<meter min="0" max="10000" value="{soc}">{_percent(soc)}</meter>' if soc is not None else ""
        quality = sample.get("quality")
        marks = _DASH if quality is None else self._comma.join(map(self.word, quality)) or self.t("fine")
        hertz = sample.get("frequencyMhz") or None
        return self._card(
            "power",
            f'<p class="big">{_watts(sample.get("batteryPowerW"))}<small>{self.t("battery")}</small></p>'
            f'<p class="big">{_percent(soc)}<small>{self.t("soc")}</small></p>{bar}'
            + self._pairs(
                ("meter", _watts(sample.get("meterPowerW"))), ("soh", _percent(sample.get("sohBp"))),
                ("frequency", _DASH if hertz is None else f"{hertz / 1_000:.3f} Hz"),
                ("pcs", self.word(sample["pcsState"]) if sample else _DASH),
                ("mode", self.word(sample["mode"]) if sample else _DASH), ("quality", marks),
            )
            + f'<p class="muted">{self.t("out")}</p>',
        )  # fmt: skip

    def order(self) -> str:
        now = self.round
        ordered = self.t("none") if now.get("silent") else _watts(now.get("powerW"))
        reasons = "".join(f'<li class="chip warn">{self.word(reason)}</li>' for reason in now.get("reasons", ()))
        cut = f'<ul class="chips">{reasons}</ul>' if reasons else self.t("nocut") if now else _DASH
        unasked = self._comma.join(map(self.word, now.get("unasked", ()))) or _DASH
        return self._card(
            "order",
            f'<p class="big">{ordered}<small>{self.t("ordered")}</small></p>'
            + self._pairs(
                ("wish", _watts(now.get("wishW"))), ("source", self.word(now["source"]) if now else _DASH),
                ("droop", _watts(now.get("frequencyW"))), ("cut", cut), ("unasked", unasked),
            ),
        )  # fmt: skip

    def alarms(self) -> str:
        alarms: Mapping[str, Mapping[str, Any]] = self._d.get("alarms", {})
        if not alarms:
            return self._card("alarms", f'<p class="good">{self.t("noalarms")}</p>')
        rows = "".join(
            f'<li><strong>{self.word(name)}</strong> <span class="muted">{escape(_facts(facts))}</span></li>'
            for name, facts in alarms.items()
        )
        return self._card("alarms", f'<ul class="list">{rows}</ul>', tone="warn")

    def devices(self) -> str:
        rows = "".join(map(self._device, self._d["devices"]))
        head = "".join(f"<th>{self.t(name)}</th>" for name in ("device", "address", "lasterror"))
        told = self._d["lastAnswer"]
        return self._card(
            "devices",
            self._pairs(("answer", f"{self.time(told)} {self.age(told)}"))
            + f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )  # fmt: skip

    def _device(self, device: Mapping[str, Any]) -> str:
        error = device["lastError"]
        last = f'<span class="good">{self.t("noerror")}</span>'
        if error is not None:
            reason = f'<br><span class="bad">{escape(error["error"])}</span>'
            last = f"{self.time(error['at'])} {self.age(error['at'])}{reason}"
        name = escape(" ".join(filter(None, (device["name"], device["kind"]))))
        where = escape(device["host"] if device["transport"] == "rtu" else f"{device['host']}:{device['port']}")
        return f'<tr><td>{name}</td><td class="mono">{where}</td><td>{last}</td></tr>'

    def outbox(self) -> str:
        if self._d["storage"] is not None:
            return self._card(
                "outbox", f'<p class="bad">{self.t("storage")}: {escape(self._d["storage"])}</p>', tone="warn"
            )
        outbox, ack = self._d["outbox"], self._d["lastAck"] or {}
        reached = self.round.get("reached")
        link = _DASH if reached is None else f'<span class="good">{self.t("reached")}</span>' if reached else (
            f'<span class="bad">{self.t("unreached")}</span>'
        )  # fmt: skip
        received = ack.get("received")
        waiting = f"{self.t('segments')} · {outbox['readings']} {self.t('readings')}"
        return self._card(
            "outbox",
            f'<p class="big">{outbox["segments"]}<small>{waiting}</small></p>'
            + self._pairs(
                ("oldest", f"{self.time(outbox['oldest'])} {self.age(outbox['oldest'])}"),
                ("ack", f"{self.time(received)} {self.age(received)}"), ("refusals", str(len(outbox["refused"]))),
                ("platform", f'{link} <span class="mono">{escape(self._d["service"])}</span>'),
            ),
        )  # fmt: skip

    def plan(self) -> str:
        schedules = ", ".join(f"{one['day']} (r{one['revision']})" for one in self._d.get("schedules", ())) or _DASH
        rows = "".join(map(self._directive, self._d.get("directives", ())[:5]))
        counts = self.t("inforce" if self.round.get("envelope") else "notinforce")
        running = self.round.get("instruction")
        return self._card(
            "plan",
            self._pairs(
                ("schedules", escape(schedules)), ("envelope", counts),
                ("running", _DASH if running is None else f"№ {running}"),
            )
            + (f'<h3>{self.t("directives")}</h3><ul class="list">{rows}</ul>' if rows else ""),
        )  # fmt: skip

    def _directive(self, told: Mapping[str, Any]) -> str:
        answers = self._comma.join(
            self.word(answer["outcome"]) + (f"（{escape(answer['reason'])}）" if answer["reason"] else "")
            for answer in told["answers"]
        )
        return f"<li><strong>№ {told['number']}</strong> {answers}</li>"

    def clock(self) -> str:
        clock = self._d["clock"]
        synced = _DASH if clock is None else self.t("synced" if clock["synchronised"] else "unsynced")
        offset = _DASH if clock is None or not clock["synchronised"] else f"{clock['offsetUs'] / 1_000:+.3f} ms"
        pairs = [("sync", synced), ("offset", offset)]
        for cycle, name in (("control", "control"), ("frequency", "fast")):
            told = self._d["cycles"].get(cycle)
            if told:
                late = " / ".join(f"{told[key] / 1_000:.1f}" for key in ("medianUs", "p99Us", "maxUs"))
                rounds = f"{told['rounds']} {self.t('rounds')} · {self.t('missed')} {told['missed']}"
                pairs.append((name, f"{told['periodMs']} ms · {rounds}"))
                pairs.append(("late", f"{late} ms"))
        return self._card("clock", self._pairs(*pairs))

    def about(self) -> str:
        told = self._d.get("configuration") or {"number": 0}
        number = self.t("nonumber") if not told["number"] else f"№ {told['number']}"
        if told.get("onTrial"):
            number += f' <span class="chip warn">{self.t("trial")}</span>'
        events = self._d.get("events")
        log = _DASH if not events else f"{events['last']} {self.t('entries')} · {self.t('signed')} {events['signedTo']}"
        counters = ", ".join(f"{name} {count}" for name, count in self._d.get("counters", {}).items()) or _DASH
        return self._card(
            "about",
            self._pairs(
                ("version", escape(f"{self._d['version'] or _DASH} (Python {self._d['python']})")),
                ("configuration", number), ("events", log),
                ("deviceid", f'<span class="mono">{escape(self._d.get("device") or _DASH)}</span>'),
                ("key", f'<span class="mono">{escape(self._d.get("key") or _DASH)}</span>'),
                ("counters", f'<span class="mono">{escape(counters)}</span>'),
            ),
        )  # fmt: skip

    def _card(self, name: str, body: str, *, tone: str = "") -> str:
        kinds = f"card {tone}".rstrip()
        return f'<section class="{kinds}" aria-labelledby="{name}"><h2 id="{name}">{self.t(name)}</h2>{body}</section>'

    def _pairs(self, *pairs: tuple[str, str]) -> str:
        return "<dl>" + "".join(f"<dt>{self.t(name)}</dt><dd>{value}</dd>" for name, value in pairs) + "</dl>"


def _instant(iso: str | None) -> datetime | None:
    return None if iso is None else datetime.fromisoformat(iso)


def _watts(power_w: int | None) -> str:
    if power_w is None:
        return _DASH
    return f"{power_w / 1_000:,.1f} kW".replace("-", "−")


def _percent(bp: int | None) -> str:
    return _DASH if bp is None else f"{bp / 100:.1f} %"


def _facts(facts: Mapping[str, Any] | Iterable[Any]) -> str:
    return "，".join(f"{name}: {value}" for name, value in facts.items()) if isinstance(facts, Mapping) else str(facts)
