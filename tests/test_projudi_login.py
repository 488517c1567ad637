"""What the Projudi reader makes of the pages around a login, of the search form and of alerts."""

import pytest

from tests.replica import pages
from workers.errors import Bloqueado, Captcha, Codigo2fa, Falha, LayoutMudou, PortalIndisponivel, SessaoExpirada
from workers.portals.projudi_reader import conhecida, ler_alerta, ler_formulario, ler_login

CAPTCHA = '<input type="hidden" name="cf-turnstile-response">'


@pytest.mark.parametrize(("page", "status", "expected"), [
    (pages.main_page(late=False), 200, True),
    (pages.login("Usuário ou senha inválidos. Mantenha uma única sessão ativa."), 200, False),
    (pages.login("Senha incorreta. Tente novamente mais tarde."), 200, False),
    (pages.login("CPF não confere" + CAPTCHA), 200, False),
    (pages.login(), 200, False),
    (pages.login("Já existe uma SESSÃO ATIVA."), 200, Bloqueado),
    (pages.login("Tente novamente mais tarde"), 200, PortalIndisponivel),
    (pages.login("Sua sessão expirou"), 200, PortalIndisponivel),
    (pages.login(), 503, PortalIndisponivel),
    (pages.login(CAPTCHA), 200, Captcha),
    (pages.login("Captcha inválido"), 200, Captcha),
    (pages.code(), 200, Codigo2fa),
    (pages.page("Informe o token"), 200, Codigo2fa),
    (pages.page("Bem-vindo"), 200, LayoutMudou),
    (pages.main_page(late=True), 200, LayoutMudou),  # the iframe is still to come: the adapter looks again
])  # fmt: skip
def test_what_follows_a_login(page: str, status: int, expected: bool | type[Falha]) -> None:
    if isinstance(expected, bool):
        assert ler_login(page, status=status) is expected
    else:
        with pytest.raises(expected):
            ler_login(page, status=status)


def test_a_working_portal_is_known_by_its_forms_and_its_frame() -> None:
    assert all(map(ler_formulario, (pages.login(), pages.search_form(3), pages.main_page(late=False))))
    assert not ler_formulario(pages.login(), status=503)
    assert not ler_formulario(pages.page("Manutenção"))


def test_a_page_without_the_form_is_waited_for_only_while_it_says_nothing() -> None:
    assert not conhecida(pages.page("Aguarde..."))
    assert all(map(conhecida, (pages.login(), pages.main_page(late=False), pages.page("tente novamente mais tarde"))))


@pytest.mark.parametrize(
    "text", ["Sessão expirada!", "Sua sessão expirou. Entre de novo.", "SESSAO ENCERRADA", "Sessão inválida"]
)
def test_an_alert_that_the_session_is_over_is_understood(text: str) -> None:
    with pytest.raises(SessaoExpirada):
        ler_alerta(f"O portal mostrou um alerta: {text}")


def test_other_alerts_say_nothing() -> None:
    for text in ("Bem-vindo", "Sua sessão vai expirar em 5 minutos", "Processo com prazo"):
        ler_alerta(text)
