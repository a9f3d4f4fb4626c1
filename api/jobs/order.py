"""The order of a tick's jobs (10.7): follow, send, close, grant, plan, settle, escalate; then witnesses, copies."""

from api.jobs.anchor import CloseEpochs
from api.jobs.cosign import Cosign
from api.jobs.escalate import Escalate
from api.jobs.follow import Follow
from api.jobs.grant import GrantReaders
from api.jobs.loop import Job
from api.jobs.plan import PlanTomorrow
from api.jobs.replicate import Replicate
from api.jobs.send import Send
from api.jobs.settle import SettleDays
from api.platform import Platform


def jobs_of(platform: Platform) -> tuple[Job, ...]:
    """Every job of the service, in order. A new job takes its place here."""
    jobs: list[Job] = [
        Follow(platform), Send(platform), CloseEpochs(platform), GrantReaders(platform), PlanTomorrow(platform),
        SettleDays(platform), Escalate(platform),
    ]  # fmt: skip
    if platform.settings.witnesses:
        jobs.append(Cosign(platform))
    if platform.copy is not None:
        jobs.append(Replicate(platform, platform.copy))
    return tuple(jobs)
