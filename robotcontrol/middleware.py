"""What every request passes through that Django does not bring."""

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect


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
