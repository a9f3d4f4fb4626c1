"""A dispatcher's desk (protocol 9.15): signs directives with its own key and leaves them at the service.

The key never leaves this process; the service stores and relays what it signed. Directives are numbered by the
millisecond in which they are signed, so that two desks of one alliance ascend together.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alliance.errors import Malformed, Missing, Refused
from alliance.identity import Digest, digest
from alliance.instruction_check import check, check_state, ordered_w
from oracle import cbor
from oracle import deployment as deployments
from oracle import directive as directives
from oracle.deployment import Deployment
from oracle.directive import Body, Directive, Envelope, Instruction
from oracle.keyfile import Lock, load
from oracle.keys import KeyFileExposed
from oracle.signature import KeySigner, SecpSigner
from simulation.membership import ServiceSession

PASSPHRASE_VARIABLE = "ALLIANCE_DISPATCHER_PASSPHRASE"
SKEW_MS = 60_000
DAG_CBOR = "application/vnd.ipld.dag-cbor"
PAGE = 500


@dataclass(kw_only=True, eq=False)
class ClocksApart(Refused):
    """This machine's clock and the service's differ so far that boxes would refuse what is signed by it."""

    here_ms: int
    there_ms: int


@dataclass(kw_only=True, eq=False)
class KeyUnfit(Refused):
    """A dispatcher's key is of another algorithm than secp256k1."""

    alg: int


@dataclass(kw_only=True, eq=False)
class PlanAbsent(Missing):
    """Neither a plan was named nor is there a schedule for the station's day: make an instruction first."""

    station: int


@dataclass(kw_only=True, eq=False)
class StateAbsent(Missing):
    """An instruction's measured state of a station is not to be had: its power cannot be told."""

    call: int
    station: int


@dataclass(kw_only=True, eq=False)
class EnvelopeNoJson(Malformed):
    """An envelope's file is no JSON object."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one station is to do; `given_w` of it is its part of an instruction's target."""

    station: int
    body: Body
    from_ms: int
    until_ms: int
    plan: Digest
    given_w: int | None = None


def lock_of(passphrase_file: Path | None) -> Lock:
    """What opens the dispatcher's key: a file of its owner's alone, or the environment. Raises KeyFileExposed."""
    if passphrase_file is not None:
        mode = passphrase_file.stat().st_mode & 0o777
        if mode & 0o077:
            raise KeyFileExposed(path=str(passphrase_file), mode=oct(mode))
        return Lock(passphrase=passphrase_file.read_bytes().rstrip(b"\r\n") or None)
    text = os.environ.get(PASSPHRASE_VARIABLE)
    return Lock(passphrase=text.encode() if text else None)


@dataclass
class Desk:
    """A dispatcher at a service; opens its session when it first reads."""

    url: str
    deployment: Deployment
    signer: SecpSigner
    service_clock: bool = False
    """Whether directives carry the service's time: for simulated days alone."""
    _session: ServiceSession = field(init=False)
    _signed_in: bool = field(default=False, init=False)
    _ahead_ms: int = field(default=0, init=False)
    _last: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._session = ServiceSession(self.url)
        here_ms, there_ms = _clock_ms(), int(self._session.get("/v1/service")["now"])
        if self.service_clock:
            self._ahead_ms = there_ms - here_ms
        elif abs(here_ms - there_ms) > SKEW_MS:
            raise ClocksApart(here_ms=here_ms, there_ms=there_ms)

    def now_ms(self) -> int:
        """The time by which this desk signs."""
        return _clock_ms() + self._ahead_ms

    def instruction(self, call: int) -> Mapping[str, Any]:
        """An instruction of the service with its states. Raises CallRefused."""
        found: Mapping[str, Any] = self._read(f"/v1/instructions/{call}")
        return found

    def plan_of(self, station: int) -> Digest:
        """The digest of the station's schedule in force. Raises PlanAbsent or CallRefused."""
        for one in self._session.get("/v1/schedules")[::-1]:
            return digest(one["digest"], field="schedule")
        raise PlanAbsent(station=station)

    def tasks_of(self, call: int) -> list[Task]:
        """What an instruction asks of its stations, recomputed from record and states; who gives nothing is left out.

        Raises RecordWrong, StateAbsent or CallRefused.
        """
        found = self.instruction(call)
        record, states = found["record"], {one["station"]: one for one in found["states"]}
        check(record)
        tasks = []
        for row in record["stations"]:
            if not row["givenW"]:
                continue
            state = states.get(row["station"])
            if state is None:
                raise StateAbsent(call=call, station=row["station"])
            check_state(row, state, record=record)
            tasks.append(
                Task(
                    station=row["station"], body=Instruction(service="dispatch", power_w=ordered_w(row, state)),
                    from_ms=record["issuedMs"], until_ms=record["issuedMs"] + 1_000 * record["durationS"],
                    plan=digest(record["digest"], field="digest"), given_w=row["givenW"],
                )
            )  # fmt: skip
        return tasks

    def send(self, tasks: Sequence[Task]) -> list[Mapping[str, Any]]:
        """Sign tasks, each under the same number, and leave them at the service, all or none. Raises CallRefused."""
        issued_ms = self.now_ms()
        if self.service_clock and not self._last:  # a simulated clock stands still between its ticks
            self._last = max((one["number"] for one in self._read("/v1/directives", limit="1")["items"]), default=0)
        self._last = max(issued_ms, self._last + 1)
        messages = [
            directives.signed(
                Directive(
                    station=task.station, number=self._last, issued_ms=issued_ms, from_ms=task.from_ms,
                    until_ms=task.until_ms, plan=task.plan, body=directives.body_bytes(task.body),
                ),
                domain=self.deployment.domain, signer=self.signer,
            )
            for task in tasks
        ]  # fmt: skip
        body = cbor.encode({"v": 1, "directives": messages})
        found: list[Mapping[str, Any]] = self._session.post_bytes("/v1/directives", body, kind=DAG_CBOR)["items"]
        return found

    def told(self, **wanted: str) -> list[Mapping[str, Any]]:
        """Directives with their answers, the newest first, `PAGE` at most. Raises CallRefused."""
        found: list[Mapping[str, Any]] = self._read("/v1/directives", limit=str(PAGE), **wanted)["items"]
        return found

    def _read(self, path: str, **params: str) -> Any:
        if not self._signed_in:
            self._session.sign_in(self.signer)
            self._signed_in = True
        return self._session.get(path, **params)


def open_desk(
    *, url: str, deployment: Path, key: Path, passphrase_file: Path | None, service_clock: bool
) -> Desk:  # fmt: skip
    """A desk from files. Raises what the key file, the deployment and the service raise."""
    return Desk(
        url=url, deployment=deployments.load(deployment), signer=_fit(load(key, lock_of(passphrase_file))),
        service_clock=service_clock,
    )  # fmt: skip


def envelope_of(text: str) -> Envelope:
    """An envelope from JSON, named as in protocol 9.15.2, without `v` and `kind`. Raises what `body_of` raises."""
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise EnvelopeNoJson(problem=str(error)) from None
    if not isinstance(plain, dict):
        raise EnvelopeNoJson(problem="not an object")
    body = directives.body_of(cbor.encode({**plain, "v": 1, "kind": "envelope"}))
    assert isinstance(body, Envelope)
    return body


def _fit(signer: KeySigner) -> SecpSigner:
    if not isinstance(signer, SecpSigner):
        raise KeyUnfit(alg=signer.alg)
    return signer


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
