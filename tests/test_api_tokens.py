"""A token: made and shown once, hashed, revoked at once, never stronger than its user."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from executions.api import tentativas
from executions.models import Registro, TokenAPI
from tests.admin_pages import agir, da_equipe, ficha, lista, stock_templates  # noqa: F401
from tests.api import TODAS, Api, certo, http, problema, token, usuario  # noqa: F401

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
    err = StringIO()
    call_command("api_token", user.username, "--dias", "7", "--so-leitura", stdout=StringIO(), stderr=err)
    made = TokenAPI.objects.first()
    assert made and made.so_leitura and made.expira_em == made.criado_em + timedelta(days=7)
    assert "só leitura, válido até" in err.getvalue()
    for wrong in (["ninguém"], [user.username, "--revogar", "cr_nada"], [user.username, "--dias", "0"]):
        with pytest.raises(CommandError):
            call_command("api_token", *wrong)


# ---- its limits -----------------------------------------------------------------------------------------------------
def test_an_expired_token_is_401_from_that_second_on(tempo) -> None:
    texto = TokenAPI(user=usuario("view_processo"), nome="prazo", dias=2).gerar()
    assert TokenAPI.objects.get().expira_em == tempo.agora + timedelta(days=2)
    tempo.avancar(2 * 86400 - 1)
    assert certo(Api(texto=texto).get("/api/processos")) == []
    tempo.avancar(1)
    assert problema(Api(texto=texto).get("/api/processos"), 401)
    lasting = token("view_processo")
    tempo.avancar(20 * 365 * 86400)
    assert certo(Api(texto=lasting).get("/api/processos")) == []


def test_a_read_only_token_reads_and_does_nothing_whatever_its_user_may() -> None:
    texto = TokenAPI(user=usuario(*TODAS), nome="painel da parede", so_leitura=True).gerar()
    api = Api(texto=texto)
    for path in ("/api/processos", "/robots", "/api/openapi.json"):
        certo(api.get(path))
    for path in ("/enqueue", "/start-worker", "/robots/kill", "/robots/kill-workers", "/api/processos/executar",
                 "/api/processos/matar", "/api/processos/matar-todos"):  # fmt: skip
        assert problema(api.post(path, {}), 403)["detail"] == "Este token é só de leitura."
    assert set(Registro.objects.values_list("evento", flat=True)) == {"token_criado"}


def test_too_many_different_wrong_tokens_from_one_address_are_429_for_a_minute(settings, monkeypatch) -> None:
    settings.TOKEN_FAILURES_PER_MINUTE = 5
    now = [1000.0]
    monkeypatch.setattr("executions.api.tentativas.time.time", lambda: now[0])
    right = token("view_processo")
    for _ in range(20):  # one forgotten client with an old token shuts nobody out
        assert problema(Api(texto="cr_velho").get("/api/processos"), 401)
    for n in range(4):
        assert problema(Api(texto=f"cr_{n}").get("/api/processos"), 401)
    for texto in ("cr_mais", right):  # guessing it now would tell nothing
        response = Api(texto=texto).get("/api/processos")
        assert problema(response, 429)["title"] == "Tentativas demais" and response["Retry-After"] == "60"
    elsewhere = Client(headers={"authorization": f"Bearer {right}"}, REMOTE_ADDR="10.0.0.9")
    assert certo(elsewhere.get("/api/processos")) == []
    assert problema(Client().get("/api/processos"), 401)
    now[0] += 61
    assert certo(Api(texto=right).get("/api/processos")) == []
    assert problema(Api(texto="cr_x").get("/api/processos"), 401)


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "expected"),
    [
        (False, "10.0.0.1", "1.2.3.4", "10.0.0.1"), (True, "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (True, "10.0.0.1", "", "10.0.0.1"), (True, "10.0.0.1", None, "10.0.0.1"),
        (False, "2001:db8::1:2", None, "2001:db8::/64"), (True, "x", "lixo", "?"),
    ],
)  # fmt: skip
def test_an_address_cannot_be_made_up(settings, rf, trusted, remote, forwarded, expected) -> None:
    settings.TRUST_PROXY = trusted
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert tentativas.endereco(rf.get("/", REMOTE_ADDR=remote, **headers)) == expected


def shown(page: str) -> str:
    return page.split("de novo: ")[1].split("<")[0].strip()


@pytest.mark.usefixtures("stock_templates")
def test_the_admin_shows_a_new_token_once() -> None:
    client, user = Client(), usuario("view_processo")
    client.force_login(User.objects.create_superuser("chefe"))
    data = {"user": user.pk, "nome": "integração", "dias": "30", "so_leitura": "on"}
    page = client.post(ADICIONAR, data, follow=True).content.decode()
    texto = shown(page)
    assert certo(Api(texto=texto).get("/api/processos")) == []
    row = TokenAPI.objects.get()
    assert row.so_leitura and row.expira_em == row.criado_em + timedelta(days=30)
    assert "só leitura, válido até" in Registro.objects.get(evento="token_criado").mensagem
    assert "1" in client.post(ADICIONAR, data | {"dias": "0"}).context["adminform"].form.errors["dias"][0]
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
