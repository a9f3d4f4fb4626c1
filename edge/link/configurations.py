"""The configuration in hand (protocol 9.20): taken on trial or refused by name, confirmed or rolled back, for good.

All of it is one value in the database, replaced whole and synced: a power cut leaves the state before or the one after.
A box that starts and finds a trial under way did not end it well, and rolls it back.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from alliance.errors import AllianceError, Refused
from alliance.identity import Address, Digest
from alliance.ports import Signer
from edge.evidence.store import StorageFailed, Store
from oracle import configuration as configurations
from oracle import eip712
from oracle.configuration import SKEW_MS, Body, Ending, Value
from oracle.eip712 import Domain
from oracle.hashing import sha256

_META = "configuration"
_MOST_ANSWERS = 100

Fits = Callable[[Mapping[str, Value]], object]
"""Raises why values cannot be set here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A box's word on a configuration, not yet signed."""

    configuration: Digest
    number: int
    outcome: Ending
    t_ms: int
    reason: str
    """A name of ours; empty where all is well."""


@dataclass(kw_only=True, eq=False)
class ConfigurationForeign(Refused):
    """A configuration is another station's, or not signed by a pinned configurer; it changes nothing, unanswered."""

    station: int
    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What is stored."""

    highest: int = 0
    confirmed: bytes | None = None
    trial: bytes | None = None
    answers: tuple[Answer, ...] = ()


class Configurations:
    """The configurations in hand, on the disk and in memory."""

    def __init__(self, store: Store, *, station: int, domain: Domain, configurers: frozenset[Address]) -> None:
        self._store, self._station, self._domain, self._configurers = store, station, domain, configurers
        self._state = _read(store)

    @property
    def expected(self) -> bool:
        """Whether anybody may send configurations."""
        return bool(self._configurers)

    @property
    def highest(self) -> int:
        """The highest number that was decided on."""
        return self._state.highest

    @property
    def on_trial(self) -> Body | None:
        """What is on trial."""
        return None if self._state.trial is None else _body(self._state.trial)

    @property
    def number(self) -> int:
        """Of the configuration in force, on trial or confirmed; 0: the settings alone."""
        raw = self._state.trial or self._state.confirmed
        return 0 if raw is None else configurations.read(raw).configuration.number

    @property
    def values(self) -> Mapping[str, Value]:
        """What stands over the settings now."""
        raw = self._state.trial or self._state.confirmed
        return {} if raw is None else _body(raw).values

    def take(self, raw: bytes, *, t_ms: int, fits: Fits, answering: bool) -> Answer | None:
        """Decide on a configuration, durably: None where it goes on trial, or was decided on before; else the refusal.

        `answering`: whether the devices answer now, without which no trial could be judged. Raises
        ConfigurationForeign, StorageFailed, or what `oracle.configuration.read` raises.
        """
        given = configurations.read(raw)
        heading = given.configuration
        signer = configurations.signer_of(given, self._domain)
        if signer not in self._configurers or heading.station != self._station:
            raise ConfigurationForeign(station=heading.station, signer=signer)
        if heading.number <= self._state.highest:
            return None
        reason = self._reason(heading, t_ms=t_ms, fits=fits, answering=answering)
        if reason:
            refused = self._answer(raw, Ending.REFUSED, reason, t_ms)
            self._keep(replace(self._state, highest=heading.number, answers=(*self._state.answers, refused)))
            return refused
        self._keep(replace(self._state, highest=heading.number, trial=raw))
        return None

    def confirm(self, *, t_ms: int) -> Answer | None:
        """What is on trial stands from now on. Raises StorageFailed."""
        raw = self._state.trial
        if raw is None:
            return None
        answer = self._answer(raw, Ending.CONFIRMED, "", t_ms)
        self._keep(replace(self._state, confirmed=raw, trial=None, answers=(*self._state.answers, answer)))
        return answer

    def roll_back(self, *, t_ms: int, reason: str) -> Answer | None:
        """What is on trial is taken back; what was confirmed before stands.

        So it is even while the disk takes nothing: a box that starts on a trial takes it back once more.
        """
        raw = self._state.trial
        if raw is None:
            return None
        answer = self._answer(raw, Ending.ROLLED_BACK, reason, t_ms)
        self._state = replace(self._state, trial=None, answers=(*self._state.answers, answer))
        with suppress(StorageFailed):
            self._keep(self._state)
        return answer

    def drop(self, *, t_ms: int, reason: str) -> Answer | None:
        """A confirmed configuration no longer fits the box's own settings: these rule alone, disk or no disk."""
        raw = self._state.confirmed
        if raw is None:
            return None
        answer = self._answer(raw, Ending.ROLLED_BACK, reason, t_ms)
        self._state = replace(self._state, confirmed=None, answers=(*self._state.answers, answer))
        with suppress(StorageFailed):
            self._keep(self._state)
        return answer

    def unsent(self) -> tuple[Answer, ...]:
        """Answers that the platform has not taken yet, oldest first."""
        return self._state.answers

    def sent(self, answers: tuple[Answer, ...]) -> None:
        """The platform has taken answers. Raises StorageFailed."""
        left = tuple(answer for answer in self._state.answers if answer not in answers)
        self._keep(replace(self._state, answers=left))

    def signed(self, answer: Answer, signer: Signer) -> dict[str, object]:
        """An answer as it travels: JSON values under the box's signature."""
        named = eip712.configuration_answer_digest(
            self._domain, configuration=answer.configuration, outcome=answer.outcome, t_ms=answer.t_ms,
            reason=sha256(answer.reason.encode()),
        )  # fmt: skip
        return {
            "configuration": "0x" + answer.configuration.hex(), "number": answer.number,
            "outcome": int(answer.outcome), "t": answer.t_ms, "reason": answer.reason, "alg": signer.alg,
            "signature": "0x" + signer.sign(named).hex(),
        }  # fmt: skip

    def _reason(
        self, heading: configurations.Configuration, *, t_ms: int, fits: Fits, answering: bool
    ) -> str:  # fmt: skip
        """Why it is refused; the first reason that holds."""
        for reason, holds in (
            ("issued_later", heading.issued_ms > t_ms + SKEW_MS),
            ("expired", heading.until_ms <= t_ms),
            ("trial_under_way", self._state.trial is not None),
            ("device_silent", not answering),
        ):
            if holds:
                return reason
        try:
            fits(configurations.body_of(heading.body).values)
        except AllianceError as wrong:
            return str(wrong)[:200]
        return ""

    def _answer(self, raw: bytes, outcome: Ending, reason: str, t_ms: int) -> Answer:
        heading = configurations.read(raw).configuration
        return Answer(
            configuration=configurations.digest(heading, self._domain), number=heading.number, outcome=outcome,
            t_ms=t_ms, reason=reason,
        )  # fmt: skip

    def _keep(self, state: _State) -> None:
        state = replace(state, answers=state.answers[-_MOST_ANSWERS:])
        self._store.keep(_META, json.dumps(_plain(state)).encode())
        self._state = state


def shown(store: Store) -> dict[str, object]:
    """The configuration in force, as JSON values: numbers, values, and what the platform has not heard yet."""
    state = _read(store)
    raw = state.trial or state.confirmed
    return {
        "number": 0 if raw is None else configurations.read(raw).configuration.number,
        "onTrial": state.trial is not None, "highest": state.highest,
        "set": {} if raw is None else dict(_body(raw).values), "unanswered": len(state.answers),
    }  # fmt: skip


def _body(raw: bytes) -> Body:
    return configurations.body_of(configurations.read(raw).configuration.body)


def _plain(state: _State) -> dict[str, object]:
    return {
        "highest": state.highest,
        "confirmed": None if state.confirmed is None else state.confirmed.hex(),
        "trial": None if state.trial is None else state.trial.hex(),
        "answers": [
            [one.configuration.hex(), one.number, int(one.outcome), one.t_ms, one.reason] for one in state.answers
        ],
    }  # fmt: skip


def _read(store: Store) -> _State:
    raw = store.meta(_META)
    if raw is None:
        return _State()
    told: dict[str, Any] = json.loads(raw)
    return _State(
        highest=told["highest"],
        confirmed=None if told["confirmed"] is None else bytes.fromhex(told["confirmed"]),
        trial=None if told["trial"] is None else bytes.fromhex(told["trial"]),
        answers=tuple(
            Answer(
                configuration=Digest(bytes.fromhex(named)), number=number, outcome=Ending(outcome), t_ms=t_ms,
                reason=reason,
            )
            for named, number, outcome, t_ms, reason in told["answers"]
        ),
    )  # fmt: skip
