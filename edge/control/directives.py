"""The directives in hand (protocol 9.15): taken or refused by name, kept durably, obeyed until they expire.

A directive counts once: its number exceeds every number taken or refused before. What was decided is answered under
the box's own signature, kept until the platform has taken the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import AllianceError, Refused
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.obedience import SUPERSEDED, Outcome
from alliance.ports import Signer
from edge.control.guard import Before, Situation, guard
from edge.control.limits import Limits
from edge.evidence.store import Store
from oracle import directive as directives
from oracle import eip712
from oracle.directive import LONGEST_MS, SKEW_MS, Body, Directive, Envelope, Instruction
from oracle.eip712 import Domain
from oracle.hashing import sha256

_KEPT_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A box's word on a directive, not yet signed."""

    row: int
    directive: Digest
    number: int
    outcome: Outcome
    t_ms: int
    reason: str
    """A name of ours; empty where all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An accepted directive with its body read."""

    digest: Digest
    directive: Directive
    body: Body


@dataclass(kw_only=True, eq=False)
class DirectiveForeign(Refused):
    """A directive is another station's, or not signed by a pinned dispatcher; it changes nothing and has no answer."""

    station: int
    signer: Address


class Directives:
    """The directives in hand, on the disk and in memory."""

    def __init__(
        self, store: Store, *, station: int, domain: Domain, dispatchers: frozenset[Address], limits: Limits
    ) -> None:
        self._store, self._station, self._domain, self._limits = store, station, domain, limits
        self._dispatchers = dispatchers
        self._held = _stored(store, domain)
        self._newest_ms = 0

    @property
    def expected(self) -> bool:
        """Whether anybody may send directives."""
        return bool(self._dispatchers)

    @property
    def highest(self) -> int:
        """The highest number that was taken or refused."""
        return int(str(self._store.rows("SELECT coalesce(max(number), 0) FROM directive")[0][0]))

    def take(self, raw: bytes, *, t_ms: int, now: Situation | None) -> Answer | None:
        """Decide on a directive, durably; None where it, or one of the same or a higher number, was decided on before.

        Raises DirectiveForeign, StorageFailed, or what `oracle.directive.read` raises.
        """
        given = directives.read(raw)
        named = directives.digest(given.directive, self._domain)
        if self._store.rows("SELECT 1 FROM directive WHERE digest = ?", named):
            return None
        signer = directives.signer_of(given, self._domain)
        if signer not in self._dispatchers or given.directive.station != self._station:
            raise DirectiveForeign(station=given.directive.station, signer=signer)
        if given.directive.number <= self.highest:
            return None
        body, reason = self._judge(given.directive, self._time(t_ms), now)
        outcome = Outcome.REFUSED if reason else Outcome.ACCEPTED
        self._write(given.directive, named, raw, outcome, reason, t_ms)
        if body is not None and not reason:
            self._held.append(Held(digest=named, directive=given.directive, body=body))
        return next(one for one in self.unsent() if one.directive == named)

    def instruction(self, t_ms: int) -> tuple[Held, Instruction] | None:
        """The instruction that counts now: of several the one with the highest number."""
        t_ms = self._time(t_ms)
        for held in reversed(self._held):
            if isinstance(held.body, Instruction) and held.directive.from_ms <= t_ms < held.directive.until_ms:
                return held, held.body
        return None

    def envelope(self, t_ms: int) -> tuple[Envelope, bool] | None:
        """The newest envelope that has begun, and whether it still counts; None before the first one."""
        t_ms = self._time(t_ms)
        for held in reversed(self._held):
            if isinstance(held.body, Envelope) and held.directive.from_ms <= t_ms:
                return held.body, t_ms < held.directive.until_ms
        return None

    @property
    def envelope_until_ms(self) -> int:
        """Until when the newest envelope counts; 0 before the first one."""
        return max((one.directive.until_ms for one in self._held[::-1] if isinstance(one.body, Envelope)), default=0)

    def close(self, *, t_ms: int) -> None:
        """Answer what has run out, or what a newer one has replaced, as done; forget what is long past.

        Raises StorageFailed.
        """
        t_ms = self._time(t_ms)
        newest = {type(held.body): held for held in self._held if held.directive.from_ms <= t_ms}
        for held in list(self._held):
            after = newest.get(type(held.body))
            replaced = after is not None and after.directive.number > held.directive.number
            if t_ms < held.directive.until_ms and not replaced:
                continue
            if after is not held or isinstance(held.body, Instruction):  # the last envelope keeps its safe schedule
                self._held.remove(held)
            self._finish(held, SUPERSEDED if t_ms < held.directive.until_ms else "", t_ms)

    def unsent(self) -> list[Answer]:
        """Answers that the platform has not taken yet, oldest first."""
        rows = self._store.rows(
            "SELECT a.row, a.digest, d.number, a.outcome, a.t_ms, a.reason FROM answer a"
            " JOIN directive d ON d.digest = a.digest WHERE NOT a.sent ORDER BY a.row"
        )
        return [
            Answer(
                row=int(str(row)), directive=_digest(digest), number=int(str(number)),
                outcome=Outcome(int(str(outcome))), t_ms=int(str(t_ms)), reason=str(reason),
            )
            for row, digest, number, outcome, t_ms, reason in rows
        ]  # fmt: skip

    def sent(self, answers: Sequence[Answer]) -> None:
        """The platform has taken answers. Raises StorageFailed."""
        with self._store.change() as db:
            db.executemany("UPDATE answer SET sent = 1 WHERE row = ?", [(answer.row,) for answer in answers])

    def signed(self, answer: Answer, signer: Signer) -> dict[str, object]:
        """An answer as it travels: JSON values under the box's signature."""
        named = eip712.answer_digest(
            self._domain, directive=answer.directive, outcome=answer.outcome, t_ms=answer.t_ms,
            reason=sha256(answer.reason.encode()),
        )  # fmt: skip
        return {
            "directive": "0x" + answer.directive.hex(), "outcome": int(answer.outcome), "t": answer.t_ms,
            "reason": answer.reason, "alg": signer.alg, "signature": "0x" + signer.sign(named).hex(),
        }  # fmt: skip

    def _time(self, t_ms: int) -> int:
        """The latest instant seen: a clock that steps back makes nothing count longer."""
        self._newest_ms = max(self._newest_ms, t_ms)
        return self._newest_ms

    def _judge(self, given: Directive, t_ms: int, now: Situation | None) -> tuple[Body | None, str]:
        """The body, and why it is refused; the first reason that holds."""
        try:
            body = directives.body_of(given.body)
        except AllianceError as wrong:
            return None, wrong.code
        for reason, holds in (
            ("plan_missing", given.plan == ZERO_DIGEST),
            ("span_empty", given.until_ms <= given.from_ms),
            ("span_too_long", given.until_ms - min(given.from_ms, given.issued_ms) > LONGEST_MS[type(body)]),
            ("issued_later", given.issued_ms > t_ms + SKEW_MS),
            ("expired", given.until_ms <= t_ms),
            ("over_rating", self._exceeds(body)),
        ):
            if holds:
                return None, reason
        return body, self._impossible(body, now)

    def _exceeds(self, body: Body) -> bool:
        charge_w, discharge_w = self._limits.charge_power_w, self._limits.discharge_power_w
        if isinstance(body, Instruction):
            return not -charge_w <= body.power_w <= discharge_w
        most_wh = max((abs(wh) for wh in body.safe_wh), default=0)
        return (
            body.reserve_up_w > discharge_w
            or body.reserve_down_w > charge_w
            or most_wh * 4 > max(charge_w, discharge_w)
        )

    def _impossible(self, body: Body, now: Situation | None) -> str:
        """Why the guard would let nothing at all of an instruction through now, ramp aside (A10)."""
        if isinstance(body, Envelope) or body.power_w == 0:
            return ""
        standing = Before(power_w=body.power_w, elapsed_ms=0)
        order = guard(body.power_w, limits=self._limits, now=now, before=standing)
        return "" if order.power_w else ",".join(order.reasons)

    def _write(self, given: Directive, named: Digest, raw: bytes, outcome: Outcome, reason: str, t_ms: int) -> None:
        with self._store.change() as db:
            db.execute(
                "INSERT INTO directive VALUES (?, ?, ?, ?, ?)",
                (given.number, named, given.until_ms, int(outcome == Outcome.ACCEPTED), raw),
            )
            db.execute(
                "INSERT INTO answer (digest, outcome, t_ms, reason) VALUES (?, ?, ?, ?)",
                (named, int(outcome), t_ms, reason),
            )

    def _finish(self, held: Held, reason: str, t_ms: int) -> None:
        if self._store.rows("SELECT 1 FROM answer WHERE digest = ? AND outcome = ?", held.digest, int(Outcome.DONE)):
            return
        with self._store.change() as db:
            db.execute(
                "INSERT INTO answer (digest, outcome, t_ms, reason) VALUES (?, ?, ?, ?)",
                (held.digest, int(Outcome.DONE), t_ms, reason),
            )
            keep = [one.digest for one in self._held]
            past = db.execute("SELECT digest FROM directive WHERE until_ms < ?", (t_ms - _KEPT_MS,)).fetchall()
            last = db.execute("SELECT digest FROM directive ORDER BY number DESC LIMIT 1").fetchone()[0]
            for (digest,) in past:
                if digest != last and digest not in keep:
                    db.execute("DELETE FROM answer WHERE digest = ? AND sent", (digest,))
                    db.execute(
                        "DELETE FROM directive WHERE digest = ? AND digest NOT IN (SELECT digest FROM answer)",
                        (digest,),
                    )


def shown(store: Store) -> list[dict[str, object]]:
    """What the box was told last, the newest first, and what it answered, as JSON values."""
    rows = store.rows("SELECT number, digest, until_ms FROM directive ORDER BY number DESC LIMIT 10")
    return [
        {
            "number": number, "directive": "0x" + _digest(digest).hex(), "until": until_ms,
            "answers": [
                {"outcome": Outcome(int(str(outcome))).name.lower(), "t": t_ms, "reason": reason, "sent": bool(sent)}
                for outcome, t_ms, reason, sent in store.rows(
                    "SELECT outcome, t_ms, reason, sent FROM answer WHERE digest = ? ORDER BY row", digest
                )
            ],
        }
        for number, digest, until_ms in rows
    ]  # fmt: skip


def _stored(store: Store, domain: Domain) -> list[Held]:
    found = []
    for (raw,) in store.rows("SELECT message FROM directive WHERE accepted ORDER BY number"):
        assert isinstance(raw, bytes)
        given = directives.read(raw).directive
        found.append(
            Held(digest=directives.digest(given, domain), directive=given, body=directives.body_of(given.body))
        )
    return found


def _digest(value: object) -> Digest:
    assert isinstance(value, bytes)
    return Digest(value)
