"""The dashboard as one ASGI application: routes, log-in, forms, and the one thread in which pages are made.

It decides who may see a page and never what stands on it. Deny by default: every route is made by ``_page``, which asks
for a log-in, but for the few that stand in ``_open``. Reading and rendering happen in one thread of its own, so that
the loop that carries the streams is never held up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from gammainfra import __version__
from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.store.dashboard import DashboardReader
from gammainfra.store.engine import StoreUnusable
from gammainfra.web.dashboard import security
from gammainfra.web.dashboard.desk import Ask, Desk, GoTo, Missing, Page, View
from gammainfra.web.dashboard.events import Events
from gammainfra.web.dashboard.export import EXPORTS, Export
from gammainfra.web.dashboard.rendering import render, statics
from gammainfra.web.dashboard.views import (
    guide,
    keys,
    models,
    overview,
    providers,
    request_detail,
    request_list,
    session_detail,
    session_list,
    settings_page,
    usage_page,
)
from gammainfra.web.incoming import Message, Receive, Send

T = TypeVar("T")
HOME: Final = "/dashboard"
LOGIN: Final = HOME + "/login"
_QUERY_FIELDS: Final = 40
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_PRIVATE: Final = {"cache-control": "no-store"}

PAGES: Final[Mapping[str, View]] = {
    HOME: overview.show_page,
    HOME + "/requests": request_list.show,
    HOME + "/requests/{id}": request_detail.show_page,
    HOME + "/sessions": session_list.show,
    HOME + "/sessions/{id:path}": session_detail.show_page,
    HOME + "/usage": usage_page.show,
    HOME + "/models": models.show_page,
    HOME + "/keys": keys.show,
    HOME + "/providers": providers.show_page,
    HOME + "/settings": settings_page.show,
    HOME + "/start": guide.show,
}
FORMS: Final[Mapping[str, View]] = {
    HOME + "/keys/create": keys.create,
    HOME + "/keys/revoke": keys.revoke,
    HOME + "/start/key": guide.create,
}


class Site:
    """The application; ``build`` makes it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reader = DashboardReader(desk.store)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gammainfra-dashboard")
        self._waiting = 0
        self._events = Events(desk)
        routes = [Route(path, self._page(view), methods=["GET"]) for path, view in PAGES.items()]
        forms = [Route(path, self._form(view), methods=["POST"]) for path, view in FORMS.items()]
        exports = [Route(path, self._export(one), methods=["GET"]) for path, one in EXPORTS.items()]
        guarded = [
            Route(HOME + "/events", self._tell, methods=["GET"]),
            Route(HOME + "/logout", self._log_out, methods=["POST"]),
        ]
        # Most particular first: a session's id may hold anything.
        self._router = Router(
            [*self._open(), *guarded, *forms, *exports, *routes], redirect_slashes=False, default=self._nowhere
        )

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer; whatever the answer is, it carries the security headers."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *security.HEADERS]}
            await send(message)

        # Starlette writes into the scope; ours is shared with the API.
        await self._router(dict(scope), receive, send_guarded)

    def close(self) -> None:
        """End the thread and close the connections."""
        self._thread.shutdown(wait=True)
        self._reader.close()

    # ---- routes -----------------------------------------------------------------------------------------------------
    def _open(self) -> Sequence[Route]:
        """What needs no log-in: the way in, and files that hold nothing of anybody's."""
        return [
            Route(LOGIN, self._log_in, methods=["GET"]),
            Route(HOME + "/static/{name:path}", self._static, methods=["GET"]),
        ]

    def _page(self, view: View) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            ask = self._ask(request)
            return self._closed(request) if ask is None else await self._show(request, view, ask)

        return answer

    def _form(self, view: View) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            form = await _read_form(request)
            ask = self._ask(request, form)
            if ask is None:
                return self._closed(request)
            if not security.is_own_form(request.headers, form, ask.login):
                message = "This form did not come from a page of this dashboard, or the page is of an earlier log-in."
                return self._say(request, 403, "Not done", message, "Load the page again and repeat it there.")
            return await self._show(request, view, ask)

        return answer

    def _export(self, export: Export) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            ask = self._ask(request)
            if ask is None:
                return self._closed(request)
            try:
                chunks = export(ask)
                first = await self._in_thread(lambda: next(chunks))
            except Refused as refused:
                return self._say(request, refused.status, "Not exported", refused.message)

            async def body() -> AsyncIterator[bytes]:
                chunk: bytes | None = first
                while chunk is not None:
                    yield chunk
                    chunk = await self._in_thread(lambda: next(chunks, None))

            name = request.url.path.rpartition("/")[2]
            headers = {**_PRIVATE, "content-disposition": f'attachment; filename="gammainfra-{name}"'}
            return StreamingResponse(body(), media_type="text/csv; charset=utf-8", headers=headers)

        return answer

    async def _tell(self, request: Request) -> Response:
        cookie = self._cookie(request)
        if self._desk.logins.find(cookie) is None:
            return Response(status_code=401)
        if self._events.full:
            return Response(status_code=503, headers={"retry-after": "10"})
        stream = self._events.stream(lambda: self._desk.logins.holds(cookie))
        return StreamingResponse(stream, media_type="text/event-stream", headers=_PRIVATE)

    async def _static(self, request: Request) -> Response:
        found = statics().get(request.path_params["name"])
        if found is None:
            return Response(status_code=404)
        return Response(found[1], media_type=found[0], headers=_FOREVER)

    # ---- log-in -----------------------------------------------------------------------------------------------------
    async def _log_in(self, request: Request) -> Response:
        private = self._is_private(request)
        if not private and not self._desk.allow_http:
            return self._plain_http(request)
        token = request.query_params.get("token", "")
        if not token and self._desk.logins.find(self._cookie(request)) is not None:
            return RedirectResponse(HOME, 303)
        if not self._desk.links.open(token):
            return self._closed(request, was_tried=bool(token))
        self._desk.logins.close(self._cookie(request))
        cookie, _ = self._desk.logins.open(self._desk.account_id)
        answer = RedirectResponse(HOME, 303, headers=_PRIVATE)
        answer.headers["set-cookie"] = security.set_cookie(cookie, limits.LOGIN_S, private=private)
        return answer

    async def _log_out(self, request: Request) -> Response:
        form = await _read_form(request)
        login = self._desk.logins.find(self._cookie(request))
        if login is not None and security.is_own_form(request.headers, form, login):
            self._desk.logins.close(self._cookie(request))
        answer = RedirectResponse(LOGIN, 303, headers=_PRIVATE)
        answer.headers["set-cookie"] = security.set_cookie("", 0, private=self._is_private(request))
        return answer

    def _closed(self, request: Request, *, was_tried: bool = False) -> Response:
        if not self._is_private(request) and not self._desk.allow_http:
            return self._plain_http(request)
        return self._answer(request, Page("login.html", {"was_tried": was_tried}, status=401))

    def _plain_http(self, request: Request) -> Response:
        return self._answer(request, Page("plain_http.html", status=403))

    def _is_private(self, request: Request) -> bool:
        return security.is_private(request.headers, request.url.scheme)

    def _cookie(self, request: Request) -> str:
        return security.cookie_of(request.cookies, private=self._is_private(request))

    # ---- making pages -----------------------------------------------------------------------------------------------
    def _ask(self, request: Request, form: Mapping[str, str] | None = None) -> Ask | None:
        login = self._desk.logins.find(self._cookie(request))
        if login is None or not (self._is_private(request) or self._desk.allow_http):
            return None
        on = self._desk.on
        scheme = "https" if security.is_https(request.headers, request.url.scheme) else "http"
        return Ask(
            self._desk,
            self._reader,
            login,
            request.path_params,
            dict(list(request.query_params.items())[:_QUERY_FIELDS]),
            form or {},
            f"{scheme}://{request.headers.get('host', 'localhost')}/v1",
            on.clock.wall(),
            on.clock.now(),
            on.health.snapshot(),
        )

    async def _show(self, request: Request, view: View, ask: Ask) -> Response:
        frame = self._frame(request, ask)

        def make() -> tuple[int, bytes | str]:
            page = view(ask)
            return (303, page.where) if isinstance(page, GoTo) else (page.status, render(page, frame))

        try:
            status, body = await self._in_thread(make)
        except Missing as missing:
            return self._say(request, 404, "Not here", missing.what)
        except Refused as refused:
            return self._say(request, refused.status, "Not shown", refused.message)
        except StoreUnusable as error:
            return self._say(request, 503, "The database cannot be read", f"{error}.")
        if isinstance(body, str):
            return RedirectResponse(body, status, headers=_PRIVATE)
        return _html(status, body)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What ``work`` returns and raises; Refused 503 when too many pages wait already."""
        if self._waiting >= limits.DASHBOARD_WAITING:
            raise Refused(503, "overloaded", "Too many pages are being made: try again in a second.", retry=True)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _frame(self, request: Request, ask: Ask | None) -> dict[str, object]:
        """What every page has."""
        theme = request.cookies.get(security.THEME_COOKIE, "")
        return {
            "here": request.url.path,
            "theme": theme if theme in {"light", "dark"} else "",
            "version": __version__,
            "plain_http": not self._is_private(request),
            "logged_in": ask is not None,
            "form_token": "" if ask is None else ask.login.form_token,
            "now": self._desk.on.clock.wall(),
            "written": self._desk.writer.written,
            "in_flight": self._desk.on.admission.requests,
            "is_part": "hx-request" in request.headers,
        }

    def _answer(self, request: Request, page: Page) -> Response:
        """A page that reads nothing: made at once."""
        return _html(page.status, render(page, self._frame(request, self._ask(request))))

    def _say(self, request: Request, status: int, title: str, message: str, remedy: str = "") -> Response:
        values = {"title": title, "message": message, "remedy": remedy}
        return self._answer(request, Page("error.html", values, status))

    async def _nowhere(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        request = Request(dict(scope))
        answer = self._say(request, 404, "Not here", f"There is no page {request.url.path}.")
        await answer(dict(scope), receive, send)


def build(desk: Desk) -> Site:
    """The application. Raises StoreUnusable."""
    return Site(desk)


def _html(status: int, body: bytes) -> Response:
    return Response(body, status, headers=_PRIVATE, media_type="text/html; charset=utf-8")


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form; none when it is no form or too large."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limits.DASHBOARD_FORM_BYTES:
            return {}
    try:
        return dict(parse_qsl(body.decode("utf-8"), max_num_fields=_QUERY_FIELDS))
    except ValueError:
        return {}
