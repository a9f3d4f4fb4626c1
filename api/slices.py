"""The slices of the service: one router a noun. A new slice takes its place here."""

from fastapi import APIRouter

from api.archive import routes as archive
from api.charter import routes as charter
from api.configurations import routes as configurations
from api.curves import routes as curves
from api.demo import routes as demo
from api.devices import routes as devices
from api.directives import routes as directives
from api.epochs import routes as epochs
from api.history import routes as history
from api.instructions import routes as instructions
from api.leases import routes as leases
from api.live import routes as live
from api.members import routes as members
from api.plans import routes as plans
from api.privacy import routes as privacy
from api.profiles import routes as profiles
from api.readings import routes as readings
from api.rules import routes as rules
from api.schedules import routes as schedules
from api.segments import routes as segments
from api.session import routes as session
from api.settlements import routes as settlements
from api.stations import routes as stations
from api.status import routes as status
from api.texts import routes as texts
from api.tlog import routes as tlog

ROUTERS: tuple[APIRouter, ...] = (
    status.router,
    session.router,
    members.router,
    charter.router,
    texts.router,
    stations.router,
    devices.router,
    leases.router,
    segments.router,
    readings.router,
    epochs.router,
    tlog.router,
    archive.router,
    privacy.router,
    privacy.subjects_router,
    profiles.router,
    history.router,
    rules.router,
    live.router,
    schedules.router,
    instructions.router,
    directives.router,
    configurations.router,
    plans.router,
    curves.router,
    settlements.router,
    demo.router,
)
