"""The console script `alliance-service` (protocol 10.1): builds the outside world once and serves it."""

import json
import logging
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from pydantic import ValidationError

from alliance.errors import AllianceError
from api import settings as service_settings
from api.app import build_app, create_app
from api.build import database_of, platform_of_settings
from api.jobs.order import jobs_of
from api.privacy import erasure
from api.session.principal import Principal
from api.settings import Settings
from oracle import deployment as deployments

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="The alliance's service: ingest, log, plan, settle.")
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file; ALLIANCE_SERVICE_… overrides it")]


@cli.command()
def run(settings_file: SettingsFile = None) -> None:
    """Serve until interrupted; brings the database up to date first."""
    settings = service_settings.load(settings_file)
    _configure_logs(settings)
    jobs_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jobs")
    with _listen(settings.host, settings.port) as listener, jobs_thread as worker:
        platform = worker.submit(platform_of_settings, settings).result()
        app = create_app(platform, jobs=jobs_of(platform), worker=worker)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            worker.submit(platform.close).result()


@cli.command()
def migrate(settings_file: SettingsFile = None) -> None:
    """Bring the database up to date and stop."""
    settings = service_settings.load(settings_file)
    database = database_of(settings, deployments.load(settings.deployment_path))
    database.close()
    typer.echo(f"{database.path}: up to date")


@cli.command()
def erase(
    station: Annotated[int, typer.Option(min=1, help="The station whose evidence is to be unreadable for good.")],
    confirm: Annotated[
        str, typer.Option(help="The words `erase the evidence of station <n>`; asked for if absent.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Do not wait for days that are not final.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Destroy a station's key, segment secrets, stored readings and grants. Proofs stay; copies cannot be recalled."""
    settings = service_settings.load(settings_file)
    words = confirm or typer.prompt(f'This cannot be undone. Type "{erasure.confirmation(station)}"')
    platform = platform_of_settings(settings)
    try:
        operator = Principal(address=None, member=None, operator=True)
        with platform.database.writing() as connection:
            erasure.ask(platform, connection, station, by=operator, confirm=words, force=force)
        erasure.finish_files(platform, [station])
    finally:
        platform.close()
    typer.echo(f"station {station}: erased; what its open epoch holds goes when the service closes that epoch")


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document; needs no chain and no database."""
    typer.echo(json.dumps(build_app().openapi(), ensure_ascii=False, indent=1))


def main() -> None:
    """Run the command line; an error that has a name is one line, not a traceback."""
    try:
        cli()
    except (AllianceError, OSError, ValidationError) as error:
        typer.echo(f"alliance-service: {_one_line(error)}", err=True)
        sys.exit(1)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def _configure_logs(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
