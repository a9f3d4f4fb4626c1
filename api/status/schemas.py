"""Bodies about the service itself."""

from api.wire import Hex20, Hex32, Milliseconds, Wire


class HealthAnswer(Wire):
    """The process answers."""

    status: str


class JobAnswer(Wire):
    """How a job fares."""

    name: str
    last_tick: Milliseconds | None
    last_success: Milliseconds | None
    error: str | None
    halted: bool


class ReadyAnswer(Wire):
    """Whether the service does its work; `now` is the service's clock, which may be a simulated one."""

    ready: bool
    now: Milliseconds
    head_block: int | None
    jobs: tuple[JobAnswer, ...]


class BeaconAnswer(Wire):
    """The newest block that is F deep: what edges put into segments; `timestamp` in unix seconds."""

    block: int
    hash: Hex32
    timestamp: int


class ServiceAnswer(Wire):
    """What clients must know of this service beside the deployment."""

    alliance: Hex32
    chain_id: int
    acknowledger: Hex20
    finality_blocks: int
    epoch_seconds: int
    settlement_grace_minutes: int
    lockstep: bool
    now: Milliseconds
