"""Portals and credentials in the admin: only what people edit is written, and a password never comes out."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from executions.models import (
    Credencial,
    Portal,
)
from tests.admin_pages import (
    SENHA,
    da_equipe,
    ficha,
    stock_templates,  # noqa: F401 (a fixture)
)
from tests.factories import (
    nova_credencial,
    novo_portal,
)
from tests.pages import pagina_leve  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


@pytest.fixture
def chefe() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    return client


# ---- portals and credentials ----------------------------------------------------------------------------------------
def _dados_do_portal(**campos: Any) -> dict[str, Any]:
    dados = {"slug": "novo", "nome": "Novo", "adaptador": "projudi", "tribunais": '["8.99"]', "min_interval_s": "0"}
    return dados | {"base_url": "http://127.0.0.1:1/", "max_sessions": ""} | campos


def test_a_supervisor_adds_a_portal() -> None:
    response = da_equipe("Supervisores").post(reverse("admin:executions_portal_add"), _dados_do_portal())
    assert response.status_code == 302
    assert Portal.objects.get(slug="novo").tribunais == ["8.99"]


def test_a_portal_of_an_unknown_adapter_is_refused(chefe: Client) -> None:
    response = chefe.post(reverse("admin:executions_portal_add"), _dados_do_portal(adaptador="nada"))
    assert "Adaptador desconhecido." in response.content.decode()
    assert not Portal.objects.exists()


def test_saving_a_portal_leaves_what_robots_write_alone(chefe: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = novo_portal()
    model_admin = admin.site._registry[Portal]
    clean = model_admin.save_model

    def while_it_goes_down(*args: Any) -> None:
        portal.abrir_disjuntor()
        clean(*args)

    monkeypatch.setattr(model_admin, "save_model", while_it_goes_down)
    assert chefe.post(ficha(portal), _dados_do_portal(min_interval_s="2.5", breaker="closed")).status_code == 302
    portal.refresh_from_db()
    assert (portal.min_interval_s, portal.fora_do_ar) == (2.5, True)


def test_a_new_credential_needs_a_password_and_keeps_it_encrypted(chefe: Client) -> None:
    portal, url = novo_portal(), reverse("admin:executions_credencial_add")
    data = {"portal": portal.pk, "usuario": "adv", "max_sessions": ""}
    assert chefe.post(url, data | {"senha": ""}).status_code == 200
    assert not Credencial.objects.exists()
    assert chefe.post(url, data | {"senha": f" {SENHA} "}).status_code == 302
    saved = Credencial.objects.get()
    assert saved.senha == f" {SENHA} "
    assert SENHA not in saved.senha_cifrada


def test_a_blank_password_keeps_the_old_one_and_what_the_portal_said(chefe: Client) -> None:
    credencial = nova_credencial()
    before = Credencial.objects.values().get()
    assert chefe.post(ficha(credencial), {"usuario": "outro", "senha": "", "max_sessions": "2"}).status_code == 302
    assert Credencial.objects.values().get() == before | {"usuario": "outro", "max_sessions": 2}


def test_a_new_password_lets_a_refused_credential_be_tried_again(chefe: Client) -> None:
    credencial = nova_credencial()
    credencial.recusar()
    chefe.post(ficha(credencial), {"usuario": credencial.usuario, "senha": SENHA, "max_sessions": ""})
    credencial.refresh_from_db()
    assert (credencial.senha, credencial.recusada_em, credencial.accepted_at) == (SENHA, None, None)


def test_a_form_sent_back_with_an_error_does_not_repeat_the_password(chefe: Client) -> None:
    credencial = nova_credencial()
    response = chefe.post(ficha(credencial), {"usuario": "", "senha": SENHA, "max_sessions": ""})
    assert response.status_code == 200
    assert SENHA not in response.content.decode()


def test_the_admins_history_of_a_credential_does_not_hold_the_password(chefe: Client) -> None:
    credencial = nova_credencial()
    chefe.post(ficha(credencial), {"usuario": credencial.usuario, "senha": SENHA, "max_sessions": ""})
    html = chefe.get(reverse("admin:executions_credencial_history", args=[credencial.pk])).content.decode()
    assert "1 entrada" in html
    assert SENHA not in html


def test_a_credential_stays_with_its_portal(chefe: Client) -> None:
    credencial, other = nova_credencial(), novo_portal()
    chefe.post(ficha(credencial), {"portal": other.pk, "usuario": "x", "senha": "", "max_sessions": ""})
    credencial.refresh_from_db()
    assert credencial.portal_id != other.pk


@pytest.mark.usefixtures("stock_templates")
def test_who_may_only_look_at_a_credential_sees_no_password_field() -> None:
    client = da_equipe(permissoes=("view_credencial",))
    html = client.get(ficha(nova_credencial())).content.decode()
    assert 'type="password"' not in html and "Senha" not in html
