"""What every answer tells the browser to refuse: a script that is not ours, a frame around us, a guessed type."""

from typing import Any

import pytest
from django.test import Client

from tests.pages import como, pagina_leve  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


def policy(response: Any) -> dict[str, str]:
    pairs = [part.split(maxsplit=1) for part in response["Content-Security-Policy"].split(";") if part.strip()]
    return {name: value for name, value in pairs}


@pytest.mark.parametrize(
    "url", ["/", "/entrar/", "/admin/", "/nada/", "/api/docs", "/healthz/live", "/api/openapi.json"]
)
def test_nothing_may_come_from_elsewhere_or_from_the_page_itself(url: str) -> None:
    assert policy(como("Operadores").get(url)) == {
        "default-src": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
    }


def test_the_other_headers_are_there() -> None:
    response = Client().get("/entrar/")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_over_https_the_browser_is_told_to_stay_there(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 2592000
    assert "max-age=2592000" in Client().get("/entrar/", secure=True)["Strict-Transport-Security"]


def test_the_admin_has_the_login_of_the_pages_and_its_way_out() -> None:
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0] == "/entrar/?next=%2Fadmin%2F"
    client = como("Operadores")
    assert client.post("/admin/logout/")["Location"] == "/entrar/"
    assert client.get("/")["Location"] == "/entrar/?next=/"
