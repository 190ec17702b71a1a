"""The way of every request: who is it, what does it want, may it, and then the function for it.

All errors become a `Status` here; what nobody foresaw is logged with its traceback and answered with 500.
"""

from __future__ import annotations

import time
import traceback

import attrs

from kube_actors.access.user import User
from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.kinds.deprecations import deprecation
from kube_actors.log import Log
from kube_actors.records import frozen
from kube_actors.server.audit import AuditLog
from kube_actors.server.call import Api, Call
from kube_actors.server.deadlines import in_time
from kube_actors.server.flow_control import FlowControl
from kube_actors.server.http import Full, Headers, HttpRequest, Response, Upgrade
from kube_actors.server.impersonation import impersonate
from kube_actors.server.large_bodies import answered
from kube_actors.server.request_info import request_info
from kube_actors.server.routes import answer_of

MAX_WARNINGS_BYTES = 4096  # kube-apiserver cuts the headers of one answer off here
UNAUTHORIZED = 401

log = Log(__name__)


@frozen(eq=False)
class Chain:
    """Answers requests of one API: the edge's handler. Writes are written down in `audit`, if there is one."""

    api: Api
    audit: AuditLog | None = None
    flow: FlowControl = attrs.field(default=attrs.Factory(lambda self: self.api.part(FlowControl), takes_self=True))

    async def __call__(self, request: HttpRequest) -> Response:
        """Answer one request; never raises but when it is cancelled."""
        began = time.monotonic()
        info = request_info(request.method, request.path, request.query)
        call = Call(self.api, request, info, User.anonymous())
        try:
            response = await in_time(call, self._answered)
        except ApiError as error:
            response = status_of(error, request)
        except Exception as error:  # whatever a handler did not foresee must not end the connection's task
            log.error(
                "a request failed",
                method=request.method,
                path=request.path,
                traceback="".join(traceback.format_exception(error)),
            )
            internal = ApiError("InternalError", 500, "Internal error occurred: see the server's log")
            response = status_of(internal, request)
        if self.audit is not None:
            self.audit.record(call, response, time.monotonic() - began)
        headers = (*call.headers, *warning_headers(call.warnings)) if call.warnings else call.headers
        return with_headers(response, headers)

    def close(self) -> None:
        """Write nothing down any more."""
        self.flow.close()
        if self.audit is not None:
            self.audit.close()

    async def _answered(self, call: Call) -> Response:
        call.user = self.api.authenticator.authenticate(call.request) or User.anonymous()
        impersonate(call)
        return await self.flow.answered(call, _allowed_answer)


async def _allowed_answer(call: Call) -> Response:
    info = call.info
    if info.is_resource:
        call.resource = call.api.registry.by_path(info.group, info.version, info.resource)
    call.check_allowed(call.attributes())
    _warn_of_old_kinds(call)
    return await answered(call, answer_of(call))


def _warn_of_old_kinds(call: Call) -> None:
    text = None if call.resource is None else deprecation(call.resource.id, call.resource.version)
    if text is not None:
        call.warn(text)


def status_of(error: ApiError, request: HttpRequest) -> Full:
    """An error as it is sent: a `Status` in a form that the client accepts, with `Retry-After` where one is to come
    back."""
    from kube_actors.server.reading.negotiation import encoded, form_of_errors

    headers: Headers = ()
    if error.retry_after_seconds is not None:
        headers = (("Retry-After", str(error.retry_after_seconds)),)
    if error.code == UNAUTHORIZED:
        headers = (*headers, ("WWW-Authenticate", 'Bearer realm="kubernetes"'))
    return attrs.evolve(encoded(form_of_errors(request), json.dumps(error.status()), error.code), headers=headers)


def with_headers(response: Response, headers: Headers) -> Response:
    """The answer with more headers; a connection that is handed over has only its own."""
    if not headers or isinstance(response, Upgrade):
        return response
    if isinstance(response, Full):  # most answers are, and this takes a third of what `evolve` takes
        together = response.headers + headers if response.headers else headers
        return Full(response.status, response.body, response.content_type, together, response.compressible)
    return attrs.evolve(response, headers=(*response.headers, *headers))


def warning_headers(warnings: list[str]) -> Headers:
    """A `Warning` header (RFC 9111, code 299) for each text, as long as they fit."""
    headers: list[tuple[str, str]] = []
    room = MAX_WARNINGS_BYTES
    for text in warnings:
        clean = " ".join(text.split()).encode("ascii", "replace").decode()
        escaped = clean.replace("\\", "\\\\").replace('"', '\\"')
        room -= len(escaped)
        if room < 0:
            break
        headers.append(("Warning", f'299 - "{escaped}"'))
    return tuple(headers)
