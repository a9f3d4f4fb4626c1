"""How the jobs fare (protocol 10.7): what `/readyz` tells."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class JobState:
    """The last outcome of one job."""

    last_tick_ms: int | None = None
    last_success_ms: int | None = None
    error: str | None = None
    halted: bool = False


class Health:
    """The last outcome of every job; written by the loop, read by routes."""

    def __init__(self) -> None:
        self._states: dict[str, JobState] = {}
        self.last_tick_ms: int | None = None
        """The last tick whose jobs are all done."""

    def of(self, job: str) -> JobState:
        """The state of a job."""
        return self._states.setdefault(job, JobState())

    def all(self) -> dict[str, JobState]:
        """Every job that has run, by name."""
        return dict(self._states)

    def succeeded(self, job: str, t_ms: int) -> None:
        """A job did its round."""
        self._states[job] = JobState(last_tick_ms=t_ms, last_success_ms=t_ms)

    def failed(self, job: str, t_ms: int, *, error: str, halted: bool) -> None:
        """A job's round raised; `halted` when only a person can help."""
        state = self.of(job)
        state.last_tick_ms, state.error, state.halted = t_ms, error, halted
