"""Schedules: what is due is fired once, whatever the number of schedulers, and what came of it is kept as a Disparo.

A firing has two steps. The claim moves `proximo_em` on by compare-and-swap and writes the Disparo (unique for its due
time), in one transaction. Then it is started, in place for a script, by a task of a live host for an execution:
reading a folder of PDFs takes longer than a tick may. A firing whose starter died half-way is recorded as refused and
not repeated: at most once.

Missed ones are not made up. After a stop only the latest due time is fired, if it is at most LATE_SECONDS old; the
others are recorded together as one `pulado`.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from executions import avisos, clock, cron, intake, lotes, queue
from executions.formatos import momento
from executions.models import Agendamento, Controle, Disparo, Execucao, Host, Registro
from executions.robos import pedir_robos
from executions.scripts import JaEmExecucao, ScriptRecusado, pedir_script

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("robotcontrol.agenda")

LATE_SECONDS = 300
INTERRUPTED_SECONDS = 900
COUNTED = 1000  # missed ones are counted up to here
AT_ONCE = 1  # folders a host reads at the same time
Desfecho = Disparo.Desfecho


class NaoComecou(Exception):
    """O disparo não iniciou nada."""

    def __init__(self, mensagem: str, desfecho: str = Desfecho.RECUSADO) -> None:
        super().__init__(mensagem)
        self.desfecho = desfecho


def disparar(agora: datetime) -> int:
    """The scheduler's step: fires what is due by `agora`. Returns how many due times it claimed.

    One bad schedule blocks no other: whatever goes wrong with it is recorded, and it stays with it.
    """
    fired = 0
    for agendamento in Agendamento.objects.vencidos(agora).select_related("script"):
        disparo = _reivindicar(agendamento, agora)
        if disparo is not None:
            fired += 1
            if agendamento.script_id:
                comecar(disparo.pk)
    if Disparo.objects.por_comecar().exists():
        _interrompidos(agora)
        _enviar(agora)
    return fired


def executar_agora(agendamento: Agendamento, usuario: "AbstractBaseUser | None" = None) -> Disparo:
    """A firing that a person asked for, paused or not; the due times stay as they are."""
    with transaction.atomic():
        disparo = Disparo.objects.create(agendamento=agendamento, at=clock.db_now(), usuario=usuario)  # type: ignore[misc]
        text = _("Agendamento %(agendamento)s: disparo à mão.") % {"agendamento": agendamento}
        Registro.objects.anotar("agendamento_manual", text, usuario=usuario)
    if agendamento.script_id:
        comecar(disparo.pk)
    else:
        _enviar(clock.db_now())
    disparo.refresh_from_db()
    return disparo


# ---- the claim ------------------------------------------------------------------------------------------------------
def _reivindicar(agendamento: Agendamento, agora: datetime) -> Disparo | None:
    """The Disparo to start now; None when another scheduler was first, or when all that was due is too old."""
    first = agendamento.proximo_em
    assert first is not None
    try:
        following = cron.proximos(agendamento.cron, agora, 1)
        due = _a_disparar(agendamento.cron, first, agora)
        lost = _perdidos(agendamento.cron, first, due, agora) if due != first else ""
        verdict = Desfecho.PULADO
    except cron.CronInvalido as error:
        following, due = [], None
        lost = _("A expressão cron não pode ser lida, e ele não dispara mais: %(error)s") % {"error": error}
        verdict = Desfecho.RECUSADO
    with transaction.atomic():
        mine = Agendamento.objects.filter(pk=agendamento.pk, proximo_em=first, pausado_em=None)
        if not mine.update(proximo_em=following[0] if following else None):
            return None
        missed = _criar(agendamento, first, agora, verdict, lost) if lost else None
        disparo = _criar(agendamento, due, agora) if due else None
    if missed:
        avisos.do_disparo(missed)
    return disparo


def _a_disparar(expr: str, first: datetime, agora: datetime) -> datetime | None:
    """The latest due time by now, if it is not too old."""
    oldest = agora - timedelta(seconds=LATE_SECONDS)
    recent = [first] if first >= oldest else []
    for due in cron.horarios(expr, max(first, oldest - timedelta(seconds=1))):
        if due > agora:
            break
        recent.append(due)
    return recent[-1] if recent else None


def _perdidos(expr: str, first: datetime, due: datetime | None, agora: datetime) -> str:
    """The sentence for the due times from `first` on, before the one that is fired."""
    n, last = 1, first
    for missed in islice(cron.horarios(expr, first), COUNTED):
        if missed > agora or missed == due:
            break
        n, last = n + 1, missed
    if n == 1:
        return _("Perdido: nenhum agendador estava ligado nesta hora.")
    many = _("%(n)d disparos perdidos") if n <= COUNTED else _("Mais de %(n)d disparos perdidos")
    count = many % {"n": min(n, COUNTED)}
    return _("%(count)s, até %(hora)s: nenhum agendador estava ligado.") % {
        "count": count,
        "hora": momento(last, "curto"),
    }


def _criar(
    agendamento: Agendamento, due: datetime, agora: datetime, desfecho: str = Desfecho.INICIANDO, mensagem: str = ""
) -> Disparo | None:
    """None when this due time was fired before (its expression was changed and changed back)."""
    try:
        with transaction.atomic():
            return Disparo.objects.create(
                agendamento=agendamento, due_at=due, at=agora, desfecho=desfecho, mensagem=mensagem
            )
    except IntegrityError:
        return None


# ---- the start ------------------------------------------------------------------------------------------------------
def comecar(disparo_id: int) -> None:
    """Starts what this firing is for, if nobody does already, and records what came of it.

    The boundary of one schedule: only a database that is away goes further than its own record.
    """
    rows = Disparo.objects.select_related(
        "usuario", "agendamento__usuario", "agendamento__script", "agendamento__portal", "agendamento__credencial"
    )
    disparo = rows.filter(pk=disparo_id).first()
    if disparo is None or not disparo.reivindicar():
        return
    try:
        _iniciar(disparo)
    except NaoComecou as error:
        _recusar(disparo, error.desfecho, str(error))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 (one bad schedule must block neither the others nor its host)
        logger.exception("schedule %s could not start", disparo.agendamento_id, extra={"event": "agendamento_falhou"})
        _recusar(disparo, Desfecho.RECUSADO, _("Erro inesperado: %(nome)s.") % {"nome": type(error).__name__})


def _recusar(disparo: Disparo, desfecho: str, mensagem: str) -> None:
    if not disparo.concluir(desfecho, mensagem) or desfecho != Desfecho.RECUSADO:
        return
    text = _("Agendamento %(agendamento)s: %(mensagem)s") % {"agendamento": disparo.agendamento, "mensagem": mensagem}
    Registro.objects.anotar("agendamento_recusado", text, level="warning", usuario=disparo.usuario)
    disparo.desfecho, disparo.mensagem = desfecho, mensagem
    avisos.do_disparo(disparo)


def _iniciar(disparo: Disparo) -> None:
    """Raises NaoComecou."""
    if disparo.agendamento.script:
        _iniciar_script(disparo)
    else:
        _iniciar_execucao(disparo)


def _iniciar_script(disparo: Disparo) -> None:
    agendamento = disparo.agendamento
    assert agendamento.script is not None
    try:
        # One transaction: the script's end, however soon, finds whose firing it was.
        with transaction.atomic():
            processo = pedir_script(
                agendamento.script, agendamento.parametros, timeout=agendamento.timeout_s,
                usuario=disparo.usuario or agendamento.usuario,
            )  # fmt: skip
            disparo.concluir(Desfecho.INICIADO, processo=processo)
    except JaEmExecucao as error:
        raise NaoComecou(str(error), Desfecho.PULADO) from error
    except ScriptRecusado as error:
        raise NaoComecou(str(error)) from error


def _iniciar_execucao(disparo: Disparo) -> None:
    ag = disparo.agendamento
    assert ag.portal is not None and ag.credencial is not None
    still = Execucao.objects.abertas().filter(disparos__agendamento=ag).first()
    if still:
        raise NaoComecou(_("A execução %(n)s deste agendamento ainda está aberta.") % {"n": still.pk}, Desfecho.PULADO)
    try:
        lote = lotes.ler(_entradas(ag), ag.portal.slug)
    except lotes.UsoErrado as error:
        raise NaoComecou(str(error)) from error
    if not lote.aceitas:
        raise NaoComecou(_primeira_razao(lote))
    try:
        with transaction.atomic():
            batch = Execucao.objects.enfileirar(
                lote.aceitas, portal=ag.portal, credencial=ag.credencial, max_robots=ag.max_robots, robo=ag.robo,
                mode=ag.mode, titulo=ag.titulo or ag.nome, usuario=disparo.usuario or ag.usuario, origem="agenda",
            )  # fmt: skip
            if not disparo.concluir(Desfecho.INICIADO, _contagem(lote), execucao=batch):
                transaction.set_rollback(True)  # given up meanwhile
    except ValueError as error:
        raise NaoComecou(str(error)) from error
    pedir_robos(batch.pk)


def _entradas(agendamento: Agendamento) -> "Iterable[intake.Entrada | str]":
    """Raises NaoComecou for a folder that is not there, or holds no PDF."""
    if not agendamento.pasta:
        return [line for line in agendamento.nomes.splitlines() if line.strip()]
    pasta = Path(agendamento.pasta)
    try:
        pdfs = any(path.suffix.lower() == ".pdf" for path in pasta.iterdir())
    except (OSError, ValueError) as error:
        text = _("A pasta %(pasta)s não pode ser lida na máquina %(robot_host)s.") % {
            "pasta": agendamento.pasta,
            "robot_host": settings.ROBOT_HOST,
        }
        raise NaoComecou(text) from error
    if not pdfs:
        raise NaoComecou(_("A pasta não tem nenhum arquivo PDF."), Desfecho.PULADO)
    return intake.entradas_de_caminhos([str(pasta)])


def _contagem(lote: intake.Lote) -> str:
    return f"{lote.contagem}. {_primeira_razao(lote) if lote.rejeitadas else ''}".strip()


def _primeira_razao(lote: intake.Lote) -> str:
    if not lote.rejeitadas:
        return _("Nenhum arquivo aceito: não há o que verificar.")
    return f"{lote.rejeitadas[0].nome[:100]}: {lote.rejeitadas[0].erro}"


def _interrompidos(agora: datetime) -> None:
    """Those whose starter died: recorded, not repeated."""
    limit = agora - timedelta(seconds=INTERRUPTED_SECONDS)
    for disparo in Disparo.objects.por_comecar().filter(began_at__lt=limit).select_related("agendamento", "usuario"):
        _recusar(disparo, Desfecho.RECUSADO, _("O início foi interrompido. Não foi repetido."))


def _enviar(agora: datetime) -> None:
    """Firings of executions are given to live hosts, AT_ONCE each, and again when the message was lost.

    With no host alive they are started here.
    """
    fresh = agora - timedelta(seconds=settings.SENT_TIMEOUT_SECONDS)
    with transaction.atomic():
        Controle.lock()
        waiting = Disparo.objects.por_comecar().filter(began_at=None)
        hosts = list(Host.objects.de_todos(agora).values_list("nome", flat=True))
        busy = Disparo.objects.por_comecar().filter(
            Q(sent_at__gte=fresh) | Q(sent_at__isnull=False, began_at__isnull=False)
        )
        free = max(0, AT_ONCE * len(hosts) - busy.count())
        for disparo in waiting.exclude(sent_at__gte=fresh).order_by("id")[:free]:
            Disparo.objects.filter(pk=disparo.pk).update(sent_at=agora)
            queue.send_fire(disparo.pk, hosts[disparo.pk % len(hosts)])
        alone = [] if hosts else list(waiting.order_by("id").values_list("pk", flat=True))
    for pk in alone:
        comecar(pk)
