"""The order of the jobs in a tick (protocol 10.7): follow, send, close epochs, plan, settle."""

from api.jobs.anchor import CloseEpochs
from api.jobs.follow import Follow
from api.jobs.loop import Job
from api.jobs.plan import PlanTomorrow
from api.jobs.send import Send
from api.jobs.settle import SettleDays
from api.platform import Platform


def jobs_of(platform: Platform) -> tuple[Job, ...]:
    """Every job of the service, in order. A new job takes its place here."""
    return (Follow(platform), Send(platform), CloseEpochs(platform), PlanTomorrow(platform), SettleDays(platform))
