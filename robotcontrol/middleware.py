"""What every request passes through that Django does not bring."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect

from executions import contexto

logger = logging.getLogger("robotcontrol.web")

SLOW_SECONDS = 1.0


class RequestMiddleware:
    """A number for each request, in its log lines and in the answer; a line for acts, faults and what took long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-request-id", "")
        number = given if re.fullmatch(r"[A-Za-z0-9-]{8,64}", given) else uuid.uuid4().hex
        began = time.monotonic()
        with contexto.com(request_id=number):
            response = self.get_response(request)
            took = time.monotonic() - began
            if request.method == "POST" or response.status_code >= 500 or took >= SLOW_SECONDS:
                extra = {"event": "pedido", "duration_ms": round(took * 1000), "usuario": _who(request)}
                logger.info("%s %s: %s", request.method, request.path, response.status_code, extra=extra)
        response["X-Request-ID"] = number
        return response


def _who(request: HttpRequest) -> str | None:
    """Only when the request has asked for its user already: a line of the log costs no query."""
    user = getattr(request, "_cached_user", None)
    return user.get_username() or None if user else None


class HtmxLoginMiddleware:
    """Sends the whole page to the login when a poll meets an expired session.

    Without it the browser follows the redirect and htmx swaps the login page into the fragment.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_htmx = bool(getattr(request, "htmx", False))
        if is_htmx and response.status_code == 302 and not request.user.is_authenticated:
            back = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
            return HttpResponseClientRedirect(redirect_to_login(back).url)
        return response
