from django.http import HttpRequest, HttpResponse


def viva(request: HttpRequest) -> HttpResponse:
    """The web process answers. Asks nothing of the database, so a slow one never gets the process restarted."""
    return HttpResponse("ok", content_type="text/plain")
