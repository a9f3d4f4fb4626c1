"""The service itself (protocol 10.7): `/healthz`, `/readyz`, the pinned deployment, the beacon."""

from typing import Any

from fastapi import APIRouter, Response

from api import projection
from api.platform import PlatformDep
from api.status.schemas import BeaconAnswer, HealthAnswer, JobAnswer, ReadyAnswer, ServiceAnswer
from oracle import deployment

router = APIRouter(tags=["status"])


@router.get("/healthz")
def healthz() -> HealthAnswer:
    """The process answers."""
    return HealthAnswer(status="ok")


@router.get("/readyz", responses={503: {"model": ReadyAnswer}})
def readyz(platform: PlatformDep, response: Response) -> ReadyAnswer:
    """Whether database and jobs work; 503 when one does not, with what it said."""
    with platform.database.reading() as connection:
        head = projection.head(connection)
    jobs = tuple(
        JobAnswer(
            name=name, last_tick=state.last_tick_ms, last_success=state.last_success_ms, error=state.error,
            halted=state.halted,
        )
        for name, state in sorted(platform.health.all().items())
    )  # fmt: skip
    ready = head is not None and all(job.error is None for job in jobs)
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    return ReadyAnswer(
        ready=ready, now=platform.clock.now_ms(), head_block=None if head is None else head.number, jobs=jobs
    )


@router.get("/v1/service")
def service(platform: PlatformDep) -> ServiceAnswer:
    """What clients must know of this service beside the deployment."""
    return ServiceAnswer(
        alliance=platform.deployment.domain.alliance,
        chain_id=platform.deployment.chain_id,
        acknowledger=platform.acknowledger.address,
        finality_blocks=platform.settings.finality_blocks,
        epoch_seconds=platform.deployment.epoch_seconds,
        settlement_grace_minutes=platform.settings.settlement_grace_minutes,
        lockstep=platform.settings.pacer == "lockstep",
        now=platform.clock.now_ms(),
    )


@router.get("/v1/deployment")
def pinned(platform: PlatformDep) -> dict[str, Any]:
    """The deployment file that this service runs with, and a node's address as a hint; a verifier pins its own copy."""
    return deployment.to_plain(platform.deployment) | {"rpcUrl": platform.settings.public_rpc_url}


@router.get("/v1/beacon")
def beacon(platform: PlatformDep) -> BeaconAnswer:
    """The newest block that is F deep."""
    depth = platform.settings.finality_blocks
    with platform.database.reading() as connection:
        block = projection.final_block(connection, depth)
    if block is None:
        raise projection.ChainNotFollowedYet(want_blocks=depth)
    return BeaconAnswer(block=block.number, hash=block.hash, timestamp=block.time_s)
