"""The HTTP application (protocol 10): the slices under one roof, their errors as problems, the page beside them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.jobs.loop import Job, run_loop
from api.plans.runner import PlanRunner
from api.platform import Platform
from api.slices import ROUTERS
from api.upload import BodyLimit

_DOCS = Path(__file__).parent / "docs.html"
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_PUBLIC = ("/ipfs/", "/grants/")
"""What a verifier's page from anywhere may read, refusals included: it trusts nothing of it before it is hashed."""
_FROM_ANYWHERE = ((b"access-control-allow-origin", b"*"),)


def build_app() -> FastAPI:
    """The routes alone, without a platform: enough for the OpenAPI document."""
    app = FastAPI(
        title="Storage Alliance", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json",
        separate_input_output_schemas=False, strict_content_type=True,
    )  # fmt: skip
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route("/docs", _docs, include_in_schema=False, response_class=HTMLResponse)
    problems.install(app)
    return app


def create_app(platform: Platform, *, jobs: Sequence[Job] = (), worker: Executor | None = None) -> FastAPI:
    """The application on a platform; its jobs run in `worker` (one thread) while it is served."""
    app = build_app()
    app.state.platform = platform
    app.router.lifespan_context = _lifespan(platform, jobs, worker)
    app.add_middleware(BodyLimit, limit_bytes=platform.settings.max_body_bytes)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(platform.settings.allowed_hosts))
    app.add_middleware(SecurityHeaders)
    _serve_page(app, platform.settings.page)
    return app


class SecurityHeaders:
    """ASGI middleware: headers that keep browsers from guessing types, framing the page, or leaking addresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to every answer."""

        public = str(scope.get("path", "")).startswith(_PUBLIC)
        added = (*_SECURITY, *_FROM_ANYWHERE) if public else _SECURITY

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, guarded)


def _lifespan(platform: Platform, jobs: Sequence[Job], worker: Executor | None):  # type: ignore[no-untyped-def]  # Starlette's own alias is private
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(run_loop(platform.pacer, jobs, platform.health, worker)) if jobs else None
        planner = PlanRunner(platform)
        planner.start()
        try:
            yield
        finally:
            await asyncio.to_thread(planner.stop)
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return lifespan


def _docs() -> Response:
    return FileResponse(_DOCS, media_type="text/html; charset=utf-8")


def _serve_page(app: FastAPI, folder: Path) -> None:
    """Serve the built page: files as they are, every other path that a browser opens as the page itself."""
    index = folder / "index.html"
    if not index.is_file():
        return
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}

    def page(path: str) -> Response:
        found = files.get(path)
        if found is None and (path.startswith(("v1/", "ipfs/", "log/", "grants/")) or "." in path.rsplit("/", 1)[-1]):
            raise HTTPException(404)
        lasting = found is not None and path.startswith("assets/")
        cache = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return FileResponse(found or index, headers={"Cache-Control": cache})

    app.add_api_route("/{path:path}", page, methods=["GET", "HEAD"], include_in_schema=False)
