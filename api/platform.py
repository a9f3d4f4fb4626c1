"""What every route and job is handed: the outside world, built once in `main` (protocol 10.1)."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from alliance.ports import Archive, Clock, Pacer, Randomness, Signer
from api.database import Database
from api.epochs.tree import LogTree
from api.jobs.health import Health
from api.live.board import LiveBoard
from api.privacy.vault import Vault
from api.settings import Settings
from chain.rpc import Rpc
from chain.sender import Sender
from oracle.deployment import Deployment
from oracle.grant import FolderGrants
from oracle.note import NoteSigner
from oracle.replica import Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The service's settings and ports; routes and jobs take all they need from here."""

    settings: Settings
    clock: Clock
    """The pacer's own clock, so that handlers and jobs live in one time."""
    pacer: Pacer
    randomness: Randomness
    """For sessions; salts of documents come from `api.documents`."""
    database: Database
    archive: Archive
    copy: Copy | None
    """A second archive that every block is copied to."""
    vault: Vault
    """The master key, under which subjects' keys are stored."""
    grants: FolderGrants
    """Readers' grants, beside the archive (protocol 4.8.2)."""
    deployment: Deployment
    rpc: Rpc
    """Read access to the chain."""
    writer: Sender
    """Owns the nonce of the key that advances the log."""
    settler: Sender
    """Owns the nonce of the key that posts statements."""
    acknowledger: Signer
    """Signs acknowledgements."""
    note: NoteSigner
    """Signs the heads of the log (protocol 4.11)."""
    session_secret: bytes
    """32 random bytes of this process: nonces and tokens hang on it."""
    log: LogTree
    """The log's tree; the anchor job alone grows it."""
    live: LiveBoard = field(default_factory=LiveBoard)
    """The last live values of each station."""
    health: Health = field(default_factory=Health)
    plan_bell: threading.Event = field(default_factory=threading.Event)
    """Set when a planning job is queued; the planner's thread waits for it."""
    resources: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Let go of files and connections; in the thread that built the platform."""
        self.resources.close()


def platform_of(request: Request) -> Platform:
    """The platform that serves a request."""
    platform: Platform = request.app.state.platform
    return platform


PlatformDep = Annotated[Platform, Depends(platform_of)]
