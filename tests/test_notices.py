"""Notices: sent by short tasks to real servers on this machine, again when it failed, each once."""

import socket
from typing import Any

import pytest
from django_q.models import OrmQ

from executions import avisos, queue
from executions.models import Aviso, Destino
from tests import factories
from tests.conftest import Tempo
from tests.destinations import (  # noqa: F401 (fixtures too)
    destino,
    entregar,
    servidor_de_email,
    servidor_http,
    terminado,
)
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from workers import notices, tasks

pytestmark = pytest.mark.django_db(transaction=True)


# ---- delivered ------------------------------------------------------------------------------------------------------
def test_a_notice_reaches_a_real_mail_server(correio: Any) -> None:
    server = correio()
    factories.novo_host()
    assert avisos.do_processo(terminado("tempo", destino("Mailto:ana@example.org"))) == 1
    assert entregar() == 1
    (mail,) = server.mails
    assert "To: ana@example.org" in mail and "From: controle-de-robos@localhost" in mail
    aviso = Aviso.objects.get()
    assert aviso.assunto == "[Controle de Robôs] Script s.py: tempo limite"
    assert aviso.sent_at and aviso.next_at is None and aviso.attempts == 1


def test_a_notice_reaches_a_real_http_server(webhook: Any) -> None:
    hook = webhook()
    factories.novo_host()
    avisos.do_processo(terminado("falha", destino(hook.url)))
    entregar()
    (told,) = hook.told
    assert told["title"] == "[Controle de Robôs] Script s.py: falhou"
    assert "Código de saída 3." in told["message"]


def test_a_destination_that_fails_and_then_answers_gets_it_once(webhook: Any, tempo: Tempo) -> None:
    hook = webhook(500, 503, 200)
    factories.novo_host()
    avisos.do_processo(terminado("falha", destino(hook.url)))
    waits = []
    for _ in range(3):
        assert entregar() == 1
        assert avisos.passo() == 0  # not before its time
        aviso = Aviso.objects.get()
        waits.append(round((aviso.next_at - tempo.agora).total_seconds() / 60) if aviso.next_at else None)
        _avancar(tempo, aviso)
        avisos.passo()
    assert waits == [1, 5, None] and len(hook.told) == 1
    assert (aviso.attempts, aviso.erro, aviso.falhou_em) == (3, "", None) and aviso.sent_at


def _avancar(tempo: Tempo, aviso: Aviso) -> None:
    if aviso.next_at:
        tempo.agora = aviso.next_at
    factories.Host.objects.update(heartbeat_at=tempo.agora)


def test_it_gives_up_after_six_attempts_and_says_why(webhook: Any, tempo: Tempo) -> None:
    hook = webhook(404)
    factories.novo_host()
    avisos.do_processo(terminado("falha", destino(hook.url)))
    began = tempo.agora
    for _ in range(10):
        entregar()
        _avancar(tempo, Aviso.objects.get())
        avisos.passo()
    aviso = Aviso.objects.get()
    assert (aviso.attempts, aviso.sent_at, aviso.next_at) == (6, None, None)
    assert (aviso.falhou_em - began).total_seconds() == 60 * (1 + 5 + 15 + 60 + 60)
    assert aviso.erro == "O destino não aceitou o aviso ou não respondeu (erro 404)."
    assert not OrmQ.objects.exists() and not hook.told


@pytest.mark.parametrize(
    ("url", "refuse", "erro", "final"),
    [
        ("ana@example.org", None, "O envio de e-mail não está configurado neste servidor (variável EMAIL_HOST).", True),
        ("ana@example.org", b"550 no such user\r\n", "O servidor de e-mail recusou o destinatário (550).", True),
        ("ana@example.org", b"451 later\r\n", "O servidor de e-mail recusou o destinatário (451).", False),
        ("nada://x", None, "O endereço do destino não é conhecido pelo apprise. Grave-o de novo.", True),
        ("json://127.0.0.1:1/", None, "O destino não aceitou o aviso ou não respondeu.", False),
    ],
)
def test_what_cannot_be_sent_says_why_and_is_not_tried_in_vain(
    correio: Any, settings: Any, url: str, refuse: bytes | None, erro: str, final: bool
) -> None:
    settings.EMAIL_BACKEND = notices.CONSOLE
    if refuse:
        correio(refuse)
    aviso = destino(url).testar()
    notices.enviar_aviso(aviso.pk)
    aviso.refresh_from_db()
    assert (aviso.erro, bool(aviso.falhou_em), bool(aviso.next_at)) == (erro, final, not final)


def test_a_destination_that_drips_or_hangs_costs_no_more_than_the_time_limit(settings: Any) -> None:
    settings.NOTICE_TIMEOUT_SECONDS = 1
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        aviso = destino(f"json://127.0.0.1:{deaf.getsockname()[1]}/").testar()
        notices.enviar_aviso(aviso.pk)
    aviso.refresh_from_db()
    assert aviso.attempts == 1 and aviso.next_at
    assert "não respondeu" in aviso.erro


def test_an_inactive_or_unreadable_destination_fails_at_once() -> None:
    off, lost = destino("a@example.org", "um", ativo=False), destino("a@example.org", "dois")
    Destino.objects.filter(pk=lost.pk).update(url_cifrada="x")
    rows = [off.testar(), lost.testar()]
    for row in rows:
        notices.enviar_aviso(row.pk)
        row.refresh_from_db()
    assert [row.erro for row in rows] == [
        "O destino está desativado.", "O endereço do destino não pode ser lido. Grave-o de novo.",
    ]  # fmt: skip
    assert all(row.falhou_em for row in rows)


# ---- once -----------------------------------------------------------------------------------------------------------
def test_two_ticks_at_once_and_doubled_messages_send_nothing_twice(webhook: Any) -> None:
    hook = webhook()
    for _ in range(4):
        factories.novo_host()
    place = destino(hook.url)
    for n in range(4):
        terminado("falha", place, nome=f"s{n}.py")
    factories.in_threads(4, lambda _: avisos.passo())
    assert Aviso.objects.count() == OrmQ.objects.count() == 4
    ids = [message.args()[0] for message in OrmQ.objects.all()]
    factories.in_threads(8, lambda n: tasks.enviar_aviso(ids[n % 4]))
    assert sorted(t["title"] for t in hook.told) == [f"[Controle de Robôs] Script s{n}.py: falhou" for n in range(4)]
    assert not Aviso.objects.por_enviar().exists()


def test_a_host_is_asked_for_one_at_a_time_and_each_one_sent_brings_the_next(webhook: Any) -> None:
    hook = webhook()
    factories.novo_host()
    for n in range(3):
        terminado("falha", destino(hook.url, f"d{n}"), nome=f"s{n}.py")
    assert [avisos.passo(), avisos.passo()] == [1, 0]
    assert [entregar() for _ in range(4)] == [1, 1, 1, 0]
    assert len(hook.told) == 3


def test_a_lost_message_and_a_sender_that_died_are_made_up_by_the_tick(webhook: Any, tempo: Tempo) -> None:
    hook = webhook()
    host = factories.novo_host()
    avisos.do_processo(terminado("falha", destino(hook.url)))
    assert queue.forget(host.nome) == 1
    assert avisos.passo() == 0
    factories.Host.objects.update(heartbeat_at=tempo.avancar(61))
    assert avisos.passo() == 1
    assert Aviso.objects.get().reivindicar()  # by a worker that dies
    assert entregar() == 1 and not hook.told  # its lease still holds
    factories.Host.objects.update(heartbeat_at=tempo.avancar(61))
    assert avisos.passo() == 1
    entregar()
    assert len(hook.told) == 1 and Aviso.objects.get().attempts == 2


def test_a_late_sender_does_not_overwrite_what_the_next_one_wrote(tempo: Tempo) -> None:
    aviso = destino("a@example.org").testar()
    first = Aviso.objects.get(pk=aviso.pk)
    assert first.reivindicar()
    tempo.avancar(61)
    second = Aviso.objects.get(pk=aviso.pk)
    assert second.reivindicar() and second.enviado()
    assert not first.nao_enviado("x") and not first.enviado()
    assert Aviso.objects.get().sent_at


def test_with_no_host_alive_they_wait(webhook: Any) -> None:
    assert avisos.do_processo(terminado("falha", destino(webhook().url))) == 1
    assert avisos.passo() == 0 and not OrmQ.objects.exists()
    factories.novo_host()
    assert avisos.passo() == 1
