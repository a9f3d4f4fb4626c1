"""One planning job in a process of its own, with hard limits of memory and time: `python -m optimizer.planjob`.

Standard input: the request's length, a newline, the request as JSON. Standard output, a JSON object a line: what it is
at (`stage`), at last `result` or `failed` with the named reason. When its parent lets go of standard input, it stops.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

from alliance.errors import AllianceError
from alliance.schedule import to_plain

Say = Callable[[dict[str, object]], None]


def main() -> None:
    """Do the one job that standard input holds."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    request = json.loads(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))
    _limit(memory_mb=request["memoryMb"], processor_s=request["processorS"])
    threading.Thread(target=_stop_when_left, daemon=True).start()
    try:
        answer: dict[str, object] = {"result": run(request, say=_say)}
    except AllianceError as error:
        answer = {"failed": {"code": error.code, "facts": error.facts, "text": str(error)}}
    except MemoryError:
        facts = {"memory_mb": request["memoryMb"]}
        answer = {"failed": {"code": "memory_exhausted", "facts": facts, "text": "out of memory"}}
    _say(answer)


def run(request: dict[str, Any], *, say: Say) -> dict[str, object]:
    """The result of a job: `certificate` or `record`, and a `summary`. Raises what planning raises."""
    match request["kind"]:
        case "fleet":
            return _fleet(request, say)
        case "day":
            return _day(request)
        case _:
            return _replan(request, say)


def _fleet(request: dict[str, Any], say: Say) -> dict[str, object]:
    from alliance.fleetplan import problem_from_plain
    from alliance.fleetproof import certificate_to_plain, check
    from optimizer.fleet.arrays import arrays_of
    from optimizer.fleet.plan import plan_fleet

    problem = problem_from_plain({"v": 1, "fleet": request["fleet"]})
    found = plan_fleet(arrays_of(problem), settings=_settings(request), told=_stages(say))
    certificate = found.certificate(problem)
    proof = check(certificate)
    summary = _summary(proof) | {"optimal": found.optimal}
    return certificate_to_plain(certificate) | {"summary": summary}


def _day(request: dict[str, Any]) -> dict[str, object]:
    from alliance.certificate import certificate_to_plain, check
    from alliance.plain_json import plain_of, to_json
    from optimizer.planning import plan_day
    from optimizer.problem import problem_from_plain
    from optimizer.solver import Backend, SolverSettings

    problem = problem_from_plain(plain_of({"v": 1, "problem": request["problem"]}, source="problem"))
    backend = Backend.GLPK if request["solver"] == "glpk" else Backend.HIGHS
    found = plan_day(problem, settings=SolverSettings(backend=backend, time_limit_s=request["timeLimitS"]))
    plain = to_json(certificate_to_plain(found.certificate))
    assert isinstance(plain, dict)
    return plain | {"summary": _summary(check(found.certificate)) | {"optimal": True}}


def _replan(request: dict[str, Any], say: Say) -> dict[str, object]:
    from alliance.fleetproof import certificate_from_plain
    from alliance.replan.check import check_replan
    from alliance.replan.record import MeasuredState, ReplanTerms, replan_from_plain, replan_to_plain
    from alliance.schedule import from_plain
    from optimizer.fleet.rolling import replan

    base = certificate_from_plain(request["base"])
    after = None if request["after"] is None else replan_from_plain(request["after"])
    terms = from_plain(ReplanTerms, request["terms"], where="terms")
    states = [from_plain(MeasuredState, s, where=f"states[{k}]") for k, s in enumerate(request["states"])]
    made = replan(base, after, terms=terms, states=states, settings=_settings(request), told=_stages(say))
    proof = check_replan(made, base=base, after=after)
    summary = _summary(proof.proof) | {
        "keptMicrocents": None if proof.kept_cost_microcents is None else str(proof.kept_cost_microcents),
        "savedMicrocents": None if proof.saved_microcents is None else str(proof.saved_microcents),
        "unservedWh": proof.unserved_wh,
        "spilledWh": proof.spilled_wh,
        "unheldWh": proof.unheld_wh,
        "takenMoreWh": proof.taken_more_wh,
        "notMeasured": proof.not_measured,
    }
    return replan_to_plain(made) | {"summary": summary}


def _settings(request: dict[str, Any]) -> Any:
    from optimizer.fleet.plan import FleetPath, FleetSettings

    return FleetSettings(path=FleetPath(request["solver"]), time_limit_s=request["timeLimitS"])


def _stages(say: Say) -> Callable[[Any], None]:
    return lambda stage: say({"stage": str(stage)})


def _summary(proof: Any) -> dict[str, object]:
    return {
        "objectiveMicrocents": str(proof.objective_microcents),
        "lowerBoundMicrocents": str(proof.lower_bound_microcents),
        "gapPpm": proof.gap_ppm,
    }


def _limit(*, memory_mb: int, processor_s: int) -> None:
    """For this process and, each for itself, for the solver's."""
    for kind, most in ((resource.RLIMIT_AS, memory_mb << 20), (resource.RLIMIT_CPU, processor_s)):
        resource.setrlimit(kind, (most, most))


def _stop_when_left() -> None:
    """Nothing more is sent: the end of standard input means that the parent is gone or wants no answer."""
    while os.read(0, 1):  # not through the buffer, whose lock this thread would hold when the program ends
        pass
    with contextlib.suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    """A fact of an error: a value type in its plain form, anything else as text."""
    return to_plain(value) if is_dataclass(value) else str(value)


if __name__ == "__main__":
    main()
