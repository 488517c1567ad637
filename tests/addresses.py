"""Every address of the product, from its URL patterns, with the rows of a small world in them.

A new page is found here by itself; one whose address names something new makes this fail until WORLD knows it.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from executions import clock, conferencias
from executions.models import (
    Agendamento,
    Aviso,
    Conferencia,
    Destino,
    Disparo,
    Execucao,
    Host,
    JobItem,
    Ocorrencia,
    Portal,
    Processo,
    Quadro,
    Script,
    TokenAPI,
)
from tests.admin_pages import um_mundo
from tests.factories import nova_credencial
from tests.intake_helpers import NOME, NUMERO, OUTRO
from tests.pages import JPEG
from tests.processos import escrever, novo_script, rodada, terminada


def a_draft(person: User | None = None) -> Conferencia:
    """What this person (the superuser) has checked: a draft is its person's alone."""
    boss = person or User.objects.filter(is_superuser=True).latest("id")
    draft = Conferencia.objects.filter(usuario=boss).first()
    if draft is None:
        draft = conferencias.abrir(boss)
        answer = {"status": "done", "resultado": "protocolada", "finished_at": clock.db_now(), "erro_classe": ""}
        former = JobItem.objects.exclude(status="running")[0]
        JobItem.objects.filter(pk=former.pk).update(numero_processo=NUMERO, identificador="4321_87654", **answer)
        names = "\n".join(
            [NOME, f"{OUTRO}.pdf", f"{OUTRO}_123_4567_.pdf", "Relatório.docx", *(f"{n}.pdf" for n in range(60))]
        )
        conferencias.conferir(draft, names, [], Portal.objects.order_by("id")[0])
    return draft


# The beginning of an address -> a row of what it shows.
WORLD = {
    "execucoes/nova": a_draft,
    "execucoes": lambda: Execucao.objects.abertas().order_by("-id")[0],
    "robos": lambda: Processo.objects.vivos().robos().order_by("-id")[0],
    "processos": lambda: Processo.objects.vivos().filter(tipo="script")[0],
    "scripts": lambda: Script.objects.get(nome="livre.py"),
    "agenda": lambda: Agendamento.objects.all()[0],
    "portais": lambda: Portal.objects.all()[0],
    "maquinas": lambda: Host.objects.all()[0],
}


def a_world(pasta: Any) -> None:
    """Batches with robots, answers and failures; scripts running, ended, and free to run; a schedule that fired."""
    batch = um_mundo(2)
    batch.itens.update(evidencia="12 | Petição | 19/11/2026 16:02:11 | Petição.pdf")
    script = novo_script(pasta, nome="analise.py", descricao="Analisa o balanceamento da distribuição.")
    novo_script(pasta, nome="livre.py")
    terminada(script)
    terminada(script, exit_code=3)
    escrever(rodada(script), "linha 1\nlinha 2\n")
    agendamento = Agendamento.objects.create(nome="Análise diária", cron="0 8 * * 1-5", script=script)
    Agendamento.objects.create(nome="Sempre às dez", cron="0 10 * * *", script=script).pausar()
    Disparo.objects.create(agendamento=agendamento, at=batch.created_at, due_at=batch.created_at, desfecho="iniciado")
    Aviso.objects.create(
        destino=Destino.objects.create(nome="Plantão", url_cifrada="x"), assunto="Falhou", next_at=batch.created_at
    )
    at = batch.created_at
    Ocorrencia.objects.create(alarme="disco", alvo="m", mensagem="A máquina m está cheia.", aberta_em=at, vista_em=at)
    TokenAPI(user=User.objects.create_user("integrador"), nome="integração").gerar()
    Quadro.objects.guardar(WORLD["robos"]().pk, JPEG, batch.created_at)
    portal = Portal.objects.order_by("id")[0]
    nova_credencial(portal).recusar()
    portal.abrir_disjuntor()


def patterns() -> Iterator[URLPattern]:
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and resolver.namespace == "executions":
            yield from (pattern for pattern in resolver.url_patterns if isinstance(pattern, URLPattern))


def addresses() -> dict[str, str]:
    """Name -> address, of every pattern of `executions`."""
    return {str(pattern.name): _address(pattern) for pattern in patterns()}


def _address(pattern: URLPattern) -> str:
    route = str(pattern.pattern)
    names = pattern.pattern.converters
    if not names:
        return reverse(f"executions:{pattern.name}")
    kind = next((k for k in WORLD if "/" in k and route.startswith(f"{k}/")), route.split("/")[0])
    assert kind in WORLD, f"{route}: tests/addresses.py does not know what {kind!r} is"
    row: Any = WORLD[kind]()
    values = {name: getattr(row, name, 1) for name in names}
    return reverse(f"executions:{pattern.name}", kwargs=values)


def pages(client: Client, *, refused: bool = False) -> dict[str, str]:
    """Name -> address of what this person sees as a page: acts (405 to GET) and downloads left out.

    `refused`: some may be closed to this person (403), and are left out, too.
    """
    found = {}
    for name, url in addresses().items():
        response = client.get(url)
        if response.status_code == 405 or (refused and response.status_code == 403):
            continue
        assert response.status_code == 200, f"{name}: {url} answers {response.status_code}"
        if response["Content-Type"].startswith("text/html") and "<html" in response.content.decode():
            found[name] = url
    return found


def admin_pages() -> Iterator[str]:
    """The index, of every registered model its list and its forms, and one history and one deletion."""
    yield reverse("admin:index")
    yield reverse("admin:password_change")
    for model in admin.site._registry:
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"a_world has no {model._meta.model_name}"
        yield from (reverse(f"{names}_changelist"), reverse(f"{names}_change", args=[row.pk]), reverse(f"{names}_add"))
    portal = Portal.objects.all()[0]
    yield from (reverse(f"admin:executions_portal_{view}", args=[portal.pk]) for view in ("history", "delete"))
