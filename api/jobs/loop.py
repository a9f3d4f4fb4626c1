"""The job loop (protocol 10.7): at each tick every job in order; the tick is reported done when the last one is.

A job that fails does not stop the others: with the chain away, metering and dispatch go on and epochs catch up later.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Protocol

import structlog

from alliance.errors import AllianceError
from alliance.ports import Pacer
from api.jobs.health import Health
from oracle.adapters import SupervisorGone

_LOG = structlog.get_logger()


class Job(Protocol):
    """One kind of work of a tick, synchronous, restartable at any point."""

    @property
    def name(self) -> str:
        """Stable name for logs and `/readyz`."""
        ...

    def run(self, t_ms: int) -> None:
        """Do all work that is due at a tick, UTC milliseconds; nothing twice, whatever happened before."""
        ...


class Halted(Exception):
    """Mixed into an error after which a job must not run again before a person looked."""


async def run_loop(pacer: Pacer, jobs: Sequence[Job], health: Health, worker: Executor | None) -> None:
    """Run the jobs at every tick, in the worker, until cancelled or the supervisor leaves."""
    try:
        while True:
            t_ms = await pacer.next_tick()
            await asyncio.get_running_loop().run_in_executor(worker, run_tick, jobs, t_ms, health)
    except SupervisorGone as error:
        _LOG.warning("jobs.supervisor_gone", address=error.address)
    finally:
        await pacer.close()


def run_tick(jobs: Sequence[Job], t_ms: int, health: Health) -> None:
    """Run each job once, in order."""
    for job in jobs:
        if not health.of(job.name).halted:
            _run(job, t_ms, health)
    health.last_tick_ms = t_ms


def _run(job: Job, t_ms: int, health: Health) -> None:
    try:
        job.run(t_ms)
    except Exception as error:  # one job's fault must not take the others along; it is shown and tried again
        text = str(error) if isinstance(error, AllianceError) else f"{type(error).__name__}: {error}"
        if health.of(job.name).error != text:  # the same trouble at every tick is one line
            _LOG.error("jobs.failed", job=job.name, t_ms=t_ms, error=text)
        health.failed(job.name, t_ms, error=text, halted=isinstance(error, Halted))
    else:
        health.succeeded(job.name, t_ms)
