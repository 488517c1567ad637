"""The Django admin: everything can be looked at, and no status nor secret can be written or read by hand."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions.models import (
    Aviso,
    Credencial,
    Execucao,
    Host,
    JobItem,
    Ocorrencia,
    Portal,
    Processo,
    Registro,
    Tentativa,
)
from tests.admin_pages import (
    SENHA,
    agir,
    da_equipe,
    ficha,
    lista,
    stock_templates,  # noqa: F401 (a fixture)
    um_mundo,
)
from tests.factories import (
    contadores,
    em_postgres,
    nova_execucao,
    novo_robo,
    tomado,
)
from tests.pages import pagina_leve  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
# All that is registered: a new model is tested from its first day.
MODELOS = [model for model in admin.site._registry if model._meta.app_label == "executions"]
SO_LEITURA = [Aviso, Execucao, Host, JobItem, Ocorrencia, Processo, Registro, Tentativa]
todos_os_modelos = pytest.mark.parametrize("model", MODELOS, ids=lambda model: model._meta.model_name)
os_de_leitura_e_portal = pytest.mark.parametrize(
    "model", [*(m for m in SO_LEITURA if m not in (Aviso, Ocorrencia)), Portal], ids=lambda m: m._meta.model_name
)
os_de_leitura = pytest.mark.parametrize("model", SO_LEITURA, ids=lambda model: model._meta.model_name)


@pytest.fixture
def chefe() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    return client


# ---- every list and every page --------------------------------------------------------------------------------------
@todos_os_modelos
def test_a_list_renders_in_under_ten_queries_however_long(model: Any, chefe: Client) -> None:
    um_mundo(1)
    with CaptureQueriesContext(connection) as short:
        assert chefe.get(lista(model)).status_code == 200
    um_mundo(5)
    with CaptureQueriesContext(connection) as long:
        response = chefe.get(lista(model))
    assert response.status_code == 200
    assert len(long) == len(short) < 10, [query["sql"][:120] for query in long.captured_queries]
    assert SENHA not in response.content.decode()


@pytest.mark.usefixtures("stock_templates")
@todos_os_modelos
def test_a_page_renders_in_under_ten_queries(model: Any, chefe: Client) -> None:
    um_mundo(2)
    obj = model.objects.first()
    with CaptureQueriesContext(connection) as captured:
        response = chefe.get(ficha(obj))
    assert response.status_code == 200
    assert len(captured) < 10 + em_postgres(), [query["sql"][:120] for query in captured.captured_queries]
    html = response.content.decode()
    assert SENHA not in html
    assert "senha_cifrada" not in html
    assert not [row.senha_cifrada for row in Credencial.objects.all() if row.senha_cifrada in html]


@todos_os_modelos
def test_every_list_can_be_searched(model: Any, chefe: Client) -> None:
    um_mundo(1)
    for words in ["1", "Petições", "x'\"%"]:
        assert chefe.get(lista(model), {"q": words}).status_code == 200


@pytest.mark.usefixtures("stock_templates")
@todos_os_modelos
def test_no_page_has_a_field_for_a_status(model: Any, chefe: Client) -> None:
    um_mundo(1)
    html = chefe.get(ficha(model.objects.first())).content.decode()
    names = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', html))
    assert not names & {"status", "breaker", "resultado", "token", "n_pending", "kill_requested_at", "situacao"}


@os_de_leitura
def test_nothing_is_added_nor_deleted_by_hand(model: Any, chefe: Client) -> None:
    um_mundo(1)
    obj = model.objects.first()
    name = f"admin:executions_{model._meta.model_name}"
    assert chefe.get(reverse(f"{name}_add")).status_code == 403
    assert chefe.post(reverse(f"{name}_delete", args=[obj.pk]), {"post": "yes"}).status_code == 403
    agir(chefe, "delete_selected", obj, confirmado=True)
    assert model.objects.filter(pk=obj.pk).exists()


@pytest.mark.parametrize("model", [m for m in SO_LEITURA if m is not Execucao], ids=lambda m: m._meta.model_name)
def test_what_robots_write_is_only_read(model: Any, chefe: Client) -> None:
    um_mundo(1)
    obj = model.objects.first()
    before = list(model.objects.filter(pk=obj.pk).values())
    assert chefe.post(ficha(obj), {"status": "done", "mensagem": "x", "nome": "x"}).status_code == 403
    assert list(model.objects.filter(pk=obj.pk).values()) == before


def test_django_q2_is_not_in_the_admin(chefe: Client) -> None:
    models = list(apps.get_app_config("django_q").get_models())
    assert models
    assert not [model for model in models if admin.site.is_registered(model)]
    assert "django_q" not in chefe.get(reverse("admin:index")).content.decode()


def test_the_admin_wears_the_tokens_and_links_back_to_the_pages(chefe: Client) -> None:
    html = chefe.get(reverse("admin:index")).content.decode()
    assert "Controle de Robôs" in html
    assert "css/tokens.css" in html
    assert '<a href="/">Voltar ao painel</a>' in html


# ---- an execution's two fields --------------------------------------------------------------------------------------
def _editar(client: Client, batch: Execucao, **campos: Any) -> Any:
    return client.post(
        ficha(batch), {"titulo": batch.titulo, "max_robots": batch.max_robots, "prioridade": batch.prioridade} | campos
    )


def test_the_maximum_of_robots_is_changed_through_its_verb(chefe: Client) -> None:
    batch = nova_execucao(2)
    assert _editar(chefe, batch, max_robots=3).status_code == 302
    batch.refresh_from_db()
    assert batch.max_robots == 3
    line = batch.registros.get(evento="max_robots")
    assert (line.mensagem, line.usuario.username) == ("Máximo de robôs: de 1 para 3.", "chefe")


def test_saving_an_execution_writes_nothing_but_what_was_edited(chefe: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = nova_execucao(2)
    robo = novo_robo(batch)
    clean = admin.site._registry[Execucao].save_model

    def while_a_robot_works(request: Any, obj: Any, form: Any, change: bool) -> None:
        tomado(batch, robo)
        clean(request, obj, form, change)

    monkeypatch.setattr(admin.site._registry[Execucao], "save_model", while_a_robot_works)
    _editar(chefe, batch, titulo="Novo", status="done", n_done=99)
    assert contadores(batch) == (1, 1, 0, 0)
    assert (batch.titulo, batch.status) == ("Novo", "running")


def test_a_maximum_below_one_is_refused(chefe: Client) -> None:
    batch = nova_execucao(2)
    assert _editar(chefe, batch, max_robots=0).status_code == 200
    batch.refresh_from_db()
    assert batch.max_robots == 1


def test_who_may_start_may_say_how_many_robots_and_a_reader_may_not() -> None:
    batch = nova_execucao(2)
    assert _editar(da_equipe("Leitores"), batch, max_robots=2).status_code == 403
    assert _editar(da_equipe("Operadores"), batch, max_robots=2).status_code == 302
    batch.refresh_from_db()
    assert batch.max_robots == 2


@pytest.mark.usefixtures("stock_templates")
@os_de_leitura_e_portal
def test_a_reader_sees_every_page(model: Any) -> None:
    um_mundo(1)
    client = da_equipe("Leitores")
    obj = model.objects.first()
    with CaptureQueriesContext(connection) as captured:
        response = client.get(ficha(obj))
    assert response.status_code == 200
    assert len(captured) < 10
    content = response.content.decode().split('id="content"')[1]
    assert not re.search(r'<(?:select|textarea|input(?! type="hidden"))[^>]* name="', content)
