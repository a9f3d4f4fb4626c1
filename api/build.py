"""Building the outside world from settings (protocol 10.1): what `main` hands to the application."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from alliance.errors import Refused
from alliance.identity import Address
from api.database import Database
from api.epochs.tree import LogTree
from api.jobs.sending import already_done
from api.platform import Platform
from api.privacy.vault import Vault
from api.settings import Settings
from chain.intents import IntentStore
from chain.rpc import Rpc
from chain.sender import Sender
from oracle import deployment as deployments
from oracle import keys
from oracle.adapters import LockstepPacer, SystemPacer, SystemRandomness
from oracle.archive import FolderArchive
from oracle.deployment import Deployment
from oracle.grant import FolderGrants
from oracle.kubo import NodeArchive
from oracle.note import NoteSigner, origin_of
from oracle.replica import Copy, MendingArchive

_SYSTEM = SystemRandomness()
_ROLES: tuple[Literal["writer", "settler"], ...] = ("writer", "settler")


@dataclass(kw_only=True, eq=False)
class KeysNotSeparate(Refused):
    """One account was given for advancing the log and for posting statements; each needs its own nonce."""

    account: Address


def database_of(settings: Settings, deployment: Deployment) -> Database:
    """The opened, migrated database of a deployment's alliance. Raises DatabaseUnsafe or DatabaseForeign."""
    domain = deployment.domain
    database = Database(settings.database_path, alliance=domain.alliance)
    database.upgrade()
    database.claim(alliance=domain.alliance, chain_id=domain.chain_id, registry=domain.registry)
    return database


def platform_of_settings(settings: Settings) -> Platform:
    """The platform that settings describe, built in the thread that will run the jobs. Raises what its parts raise."""
    with ExitStack() as opened:
        platform = _build(settings, opened)
        platform.resources.push(opened.pop_all())
    return platform


def _build(settings: Settings, opened: ExitStack) -> Platform:
    """The platform; what `opened` holds is closed if anything raises."""
    deployment = deployments.load(settings.deployment_path)
    pacer, rpc = _pacer(settings), Rpc(settings.rpc_url)
    opened.callback(rpc.close)
    writer, settler = (_sender(settings, deployment, rpc, role, opened) for role in _ROLES)
    if writer.address == settler.address:
        raise KeysNotSeparate(account=writer.address)
    database, log = database_of(settings, deployment), LogTree()
    opened.callback(database.close)
    with database.reading() as connection:
        log.load(connection)
    archive, copy = _archives(settings, opened)
    return Platform(
        settings=settings,
        clock=pacer,
        pacer=pacer,
        randomness=_SYSTEM,
        database=database,
        archive=archive,
        copy=copy,
        vault=_vault(settings),
        grants=FolderGrants(settings.archive_path),
        deployment=deployment,
        rpc=rpc,
        writer=writer,
        settler=settler,
        acknowledger=keys.load(settings.key_path("acknowledger")),
        note=_note_signer(settings, deployment),
        session_secret=_SYSTEM.token(32),
        log=log,
    )


def _archives(settings: Settings, opened: ExitStack) -> tuple[FolderArchive | MendingArchive, Copy | None]:
    """The archive, which heals itself from its copy where there is one."""
    folder = FolderArchive(settings.archive_path)
    if settings.replica is None:
        return folder, None
    copy: Copy
    if settings.replica.startswith(("http://", "https://")):
        copy = NodeArchive(settings.replica, client=opened.enter_context(httpx.Client(timeout=30)))
    else:
        copy = FolderArchive(Path(settings.replica))
    return MendingArchive(folder, copy), copy


def _vault(settings: Settings) -> Vault:
    """The master key of subjects' keys; born at the first start, unless its file was given and stands."""
    path = settings.master_key or settings.state / "keys" / "master"
    return Vault(master=keys.secret_of(path, randomness=_SYSTEM), encrypts=settings.encrypt)


def _note_signer(settings: Settings, deployment: Deployment) -> NoteSigner:
    """The key of the log's notes; born at the first start, because nothing on chain hangs on it."""
    origin = origin_of(deployment.chain_id, deployment["AnchorLog"].address)
    secret = keys.secret_of(settings.note_key or settings.state / "keys" / "note", randomness=_SYSTEM)
    return NoteSigner(origin, secret)


def _sender(
    settings: Settings, deployment: Deployment, rpc: Rpc, role: Literal["writer", "settler"], opened: ExitStack
) -> Sender:
    store = IntentStore(settings.state / f"{role}.sqlite")
    opened.callback(store.close)
    return Sender(
        store,
        rpc,
        keys.load(settings.key_path(role)),
        already_done=already_done(rpc, deployment),
        finality_blocks=settings.finality_blocks,
    )


def _pacer(settings: Settings) -> SystemPacer | LockstepPacer:
    if settings.pacer == "system":
        return SystemPacer(settings.pacer_period_ms)
    host, _, port = settings.pacer_address.rpartition(":")
    return LockstepPacer(host, int(port), "service")
