"""Every model that the admin shows, new ones included: short lists, honest templates, no status to write by hand."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions import clock
from executions.models import Agendamento, Aviso, Destino, TokenAPI
from tests.addresses import a_world
from tests.admin_pages import ficha, lista, stock_templates, um_mundo  # noqa: F401 (a fixture)
from tests.factories import novo_host
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from tests.processos import novo_script, pasta_de_scripts  # noqa: F401 (a fixture)

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("grupos", "pagina_leve", "stock_templates"),
]
MODELOS = list(admin.site._registry)
todos = pytest.mark.parametrize("model", MODELOS, ids=lambda model: model._meta.model_name)
BY_HAND = {
    "status", "breaker", "breaker_em", "probe_at", "resultado", "erro_classe", "token", "n_pending", "n_running",
    "n_done", "n_failed", "kill_requested_at", "cancel_requested_at", "situacao", "draining_at", "desfecho", "sent_at",
    "proximo_em", "pausado_em", "sha256", "senha_cifrada", "url_cifrada", "recusada_em", "accepted_at", "livre_em",
    "revogado_em",
}  # fmt: skip


@pytest.fixture
def chefe(pasta: Path) -> Client:
    a_world(pasta)
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    return client


def mais(pasta: Path) -> None:
    """Five more rows of everything."""
    um_mundo(5)
    destino = Destino.objects.create(nome="Outros", url_cifrada="x")
    for n in range(5):
        novo_host()
        script = novo_script(pasta)
        Agendamento.objects.create(nome=f"a{n}", cron="0 8 * * *", script=script)
        Aviso.objects.create(destino=destino, assunto="x", next_at=clock.db_now())
        user = User.objects.create_user(f"u{n}")
        user.groups.add(Group.objects.create(name=f"g{n}"))
        TokenAPI(user=user, nome="x").gerar()
        Destino.objects.create(nome=f"d{n}", url_cifrada="x")


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@todos
def test_a_list_takes_as_few_queries_with_more_rows(model: Any, chefe: Client, pasta: Path) -> None:
    short, before = queries(chefe, lista(model)), model._default_manager.count()
    mais(pasta)
    assert model._default_manager.count() >= before + 5, f"mais() makes no {model._meta.model_name}"
    assert queries(chefe, lista(model)) == short < 10


@todos
def test_every_page_renders_and_no_form_writes_what_verbs_write(model: Any, chefe: Client) -> None:
    row = model._default_manager.order_by("pk").first()
    names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    form = chefe.get(ficha(row))
    assert form.status_code == 200
    assert chefe.get(reverse(f"{names}_history", args=[row.pk])).status_code == 200
    assert chefe.get(lista(model), {"q": "x'\"%"}).status_code == 200
    assert chefe.get(reverse(f"{names}_delete", args=[row.pk])).status_code in (200, 403)
    add = chefe.get(reverse(f"{names}_add"))
    assert add.status_code in (200, 403)
    fields = r'<(?:input|select|textarea)[^>]* name="([^"]+)"'
    assert not set(re.findall(fields, form.content.decode() + add.content.decode())) & BY_HAND
    assert not admin.site._registry[model].list_editable


def test_no_action_is_offered_to_or_done_by_who_may_only_look(chefe: Client) -> None:
    reader = User.objects.create_user("leitora", is_staff=True)
    view = Permission.objects.filter(content_type__app_label="executions", codename__startswith="view_")
    reader.user_permissions.set(view)
    client = Client()
    client.force_login(reader)
    actions = [(model, name) for model in MODELOS for name in admin.site._registry[model].actions or ()]
    assert len(actions) > 10
    for model, name in actions:
        rows = list(model._default_manager.order_by("pk").values())
        data = {"action": name, "_selected_action": [row["id"] for row in rows], "confirmado": "sim"}
        assert client.post(lista(model), data).status_code in (200, 302, 403), name
        assert list(model._default_manager.order_by("pk").values()) == rows, name
        assert f'value="{name}"' not in client.get(lista(model)).content.decode(), name
