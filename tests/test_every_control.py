"""Every control of every page, for each role, by mouse and by keyboard: it does something, and nothing goes wrong."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import resolve, reverse

from executions.models import Processo
from tests import addresses
from tests.browser import chromium, session_of
from tests.controls import Walk, World
from tests.factories import nova_execucao, novo_host, novo_robo, tomado
from tests.pages import acao, pagina_leve  # noqa: F401 (a fixture)
from tests.processos import DECLARADOS, novo_script, pasta_de_scripts  # noqa: F401 (a fixture)
from tests.web import web

pytestmark = [
    pytest.mark.browser,
    pytest.mark.once,  # the world is restored by SQLite's own copy
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("grupos", "pagina_leve"),
]
MISSING = "/nada/"
ROLES = ("Leitores", "Operadores", "Supervisores", "superusuário")


def a_person(role: str) -> User:
    """Of the staff, too, but for a reader: the more is offered, the more may be wrong with it."""
    if role == "superusuário":
        return User.objects.create_superuser("chefe", password="x", first_name="Marina")
    user = User.objects.create_user("marina", password="x", is_staff=role != "Leitores")
    user.groups.add(Group.objects.get(name=role))
    return user


def other_states(pasta: Path) -> dict[str, str]:
    """Name -> address of pages whose controls are others than those of the small world's rows."""
    with_parameters = novo_script(pasta, nome="pede.py", parametros=DECLARADOS)
    ended, paused, queued, long = (nova_execucao(n, titulo=f"de {n}", max_robots=2) for n in (3, 4, 5, 60))
    tomado(ended, robot := novo_robo(ended)).falhar("navegador", "caiu")
    ended.encerrar()
    paused.pausar()
    novo_host().esvaziar()
    of = {e: reverse("executions:execucao", args=[e.pk]) for e in (ended, paused, queued, long)}
    return {
        "execucao encerrada": of[ended],
        "execucao pausada": of[paused],
        "execucao na fila": of[queued],
        "execucao filtrada": f"{of[ended]}?situacao=failed&nivel=erro",
        "execucao sem itens no filtro": f"{of[queued]}?q=nada",
        "execucao longa": f"{of[long]}?ordem=-numero_processo",
        "item que falhou": f"{of[ended]}itens/1/",
        "execucoes filtradas": "/execucoes/?q=de&estado=aberta",
        "execucoes de hoje": "/execucoes/?resultado=protocolada&desde=hoje",
        "processo que terminou": acao("processo", Processo.objects.scripts().exclude(ended_at=None)[0]),
        "robo que terminou": acao("robo", Processo.objects.get(pk=robot.pk)),
        "processos filtrados": "/processos/?desfecho=falha&de=2026-01-01",
        "painel com telas": "/?telas=1",
        "script que pede": reverse("executions:script", args=[with_parameters.pk]),
        "script que roda": reverse("executions:script", args=[Processo.objects.vivos().scripts()[0].script_id]),
        "pagina que falta": MISSING,
    }  # fmt: skip


def addresses_for(person: User, pasta: Path, monkeypatch: Any) -> dict[str, str]:
    """What this person may open: from the URL patterns, and the other states."""
    addresses.a_world(pasta)
    monkeypatch.setitem(addresses.WORLD, "execucoes/nova", lambda: addresses.a_draft(person))
    client = Client()
    client.force_login(person)
    found = addresses.pages(client, refused=True)
    more = other_states(pasta)
    return found | {name: url for name, url in more.items() if client.get(url).status_code in (200, 404)}


def the_walk(role: str, pasta: Path, tmp_path: Path, monkeypatch: Any, *, short: bool) -> Walk:
    """All pages of this role; `short`: a control that several pages have is worked on one of them."""
    person = a_person(role)
    urls = addresses_for(person, pasta, monkeypatch)
    (tmp_path / "baixados").mkdir()
    session = session_of(person)
    world = World()
    with web(workers=2, threads=2, SCRIPTS_DIR=pasta) as port, chromium(tmp_path / "perfil") as browser:
        walk = Walk(browser, f"http://127.0.0.1:{port}", tmp_path / "baixados", session, world, short=short)
        walk.page("barra", urls["painel"], bar=True)
        known: dict[str, set[str]] = {}
        for name, url in urls.items():
            view = "" if short or url == MISSING else resolve(url.split("?")[0]).view_name
            walk.page(name, url, known=known.setdefault(view, set()))
            print(f"{role}: {name}: {walk.done.get(name, 0)}", flush=True)
    return walk


@pytest.mark.slow
@pytest.mark.timeout(900)  # a minute on a machine that does nothing else
def test_every_control_works_wherever_it_is_first_met(pasta: Path, tmp_path: Path, monkeypatch: Any) -> None:
    walk = the_walk("superusuário", pasta, tmp_path, monkeypatch, short=True)
    assert not walk.wrong, "\n".join(walk.wrong)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("role", ROLES)
def test_every_control_of_every_page_works_by_mouse_and_by_keyboard(
    role: str, pasta: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    walk = the_walk(role, pasta, tmp_path, monkeypatch, short=False)
    assert not walk.wrong, "\n".join(walk.wrong)
