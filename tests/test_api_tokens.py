"""A token: made and shown once, hashed, revoked at once, never stronger than its user."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from executions.models import Registro, TokenAPI
from tests.admin_pages import agir, da_equipe, ficha, lista, stock_templates  # noqa: F401
from tests.api import Api, certo, http, problema, token, usuario  # noqa: F401

pytestmark = pytest.mark.django_db
ADICIONAR = "/admin/executions/tokenapi/add/"


def test_only_the_hash_is_kept() -> None:
    texto = token()
    row = TokenAPI.objects.get()
    assert texto.startswith(row.prefixo) and len(texto) > 40
    assert texto not in str(list(TokenAPI.objects.values())) + str(list(Registro.objects.values()))
    assert TokenAPI.objects.do_texto(texto) == row
    for wrong in (row.prefixo, row.sha256, texto[:-1], texto.upper(), "", "\udcff"):
        assert TokenAPI.objects.do_texto(wrong) is None


def test_a_revoked_token_and_one_of_an_inactive_user_are_401_at_once() -> None:
    api, other = Api("view_processo"), Api("view_processo")
    row = TokenAPI.objects.do_texto(api.texto)
    assert row and certo(api.get("/api/processos")) == []
    assert row.revogar() and not row.revogar()
    assert problema(api.get("/api/processos"), 401)
    assert certo(other.get("/api/processos")) == []
    User.objects.update(is_active=False)
    assert problema(other.get("/api/processos"), 401)
    assert Registro.objects.filter(evento="token_revogado").count() == 1


def test_a_permission_taken_away_counts_at_once() -> None:
    api = Api("view_processo")
    certo(api.get("/api/processos"))
    User.objects.get().user_permissions.clear()
    assert problema(api.get("/api/processos"), 403)


def test_its_last_use_is_noted_once_a_minute(tempo, django_assert_num_queries) -> None:
    api = Api("view_processo")
    api.get("/api/processos")
    first = TokenAPI.objects.get().usado_em
    assert first == tempo.agora
    tempo.avancar(59)
    api.get("/api/processos")
    assert TokenAPI.objects.get().usado_em == first
    tempo.avancar(1)
    api.get("/api/processos")
    assert TokenAPI.objects.get().usado_em == first + timedelta(seconds=60)


def test_the_command_makes_one_shows_it_and_revokes_it() -> None:
    user = usuario("view_processo")
    out, err = StringIO(), StringIO()
    call_command("api_token", user.username, nome="escritório", stdout=out, stderr=err)
    texto = out.getvalue().strip()
    assert certo(Api(texto=texto).get("/api/processos")) == [] and "não será mostrado" in err.getvalue()
    row = TokenAPI.objects.get()
    assert (row.nome, row.user) == ("escritório", user)
    for said in ("Token revogado.", "Nada mudou"):
        out = StringIO()
        call_command("api_token", user.username, revogar=row.prefixo, stdout=out)
        assert said in out.getvalue()
    assert problema(Api(texto=texto).get("/api/processos"), 401)
    for wrong in (["ninguém"], [user.username, "--revogar", "cr_nada"]):
        with pytest.raises(CommandError):
            call_command("api_token", *wrong)


def shown(page: str) -> str:
    return page.split("de novo: ")[1].split("<")[0].strip()


@pytest.mark.usefixtures("stock_templates")
def test_the_admin_shows_a_new_token_once() -> None:
    client, user = Client(), usuario("view_processo")
    client.force_login(User.objects.create_superuser("chefe"))
    page = client.post(ADICIONAR, {"user": user.pk, "nome": "integração"}, follow=True).content.decode()
    texto = shown(page)
    assert certo(Api(texto=texto).get("/api/processos")) == []
    row = TokenAPI.objects.get()
    for url in (lista(TokenAPI), ficha(row)):
        page = client.get(url).content.decode()
        assert row.prefixo in page and texto not in page and row.sha256 not in page
    assert Registro.objects.get(evento="token_criado").usuario == User.objects.get(username="chefe")
    agir(client, "revogar", row)
    assert problema(Api(texto=texto).get("/api/processos"), 401)
    assert client.post(reverse("admin:executions_tokenapi_delete", args=[row.pk])).status_code == 403


@pytest.mark.usefixtures("stock_templates")
def test_who_is_no_superuser_makes_and_sees_only_his_own() -> None:
    chief = User.objects.create_superuser("chefe")
    TokenAPI(user=chief, nome="do chefe").gerar()
    client = da_equipe(permissoes=("add_tokenapi", "view_tokenapi"))
    assert "do chefe" not in client.get(lista(TokenAPI)).content.decode()
    page = client.post(ADICIONAR, {"user": chief.pk, "nome": "meu"}, follow=True).content.decode()
    made = TokenAPI.objects.do_texto(shown(page))
    assert made and made.user != chief and made.nome == "meu"
    agir(client, "revogar", TokenAPI.objects.get(user=chief))
    assert TokenAPI.objects.get(user=chief).revogado_em is None
    assert da_equipe(permissoes=("view_tokenapi",)).post(ADICIONAR, {"nome": "x"}).status_code == 403


def test_the_groups_may_do_with_scripts_what_they_should(grupos: None) -> None:
    def of(name: str) -> set[str]:
        mine = Group.objects.get(name=name).permissions.filter(content_type__model__in=("script", "saida"))
        return set(mine.values_list("codename", flat=True))

    assert of("Leitores") == {"view_script"}
    assert of("Operadores") == {"view_script", "executar_script", "view_saida"}
    assert of("Supervisores") == of("Operadores") | {"add_script", "change_script", "delete_script"}
