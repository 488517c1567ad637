"""The alarms: each tick asks the database what somebody must be told of, and tells it once.

A rule yields (alarm, what it is about, sentence) while it holds. An occurrence opens with the first that sees it, whose
transaction also writes the notices; it closes when nobody has seen it for a minute. A dozen queries, whatever the size.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _

from executions import avisos, clock, metricas
from executions.acessos import LOGIN_FALHOU
from executions.models import Batida, Credencial, Execucao, Host, Portal, Processo, Registro, Tentativa
from executions.models.ocorrencia import SEM_FIM, Alarme, Ocorrencia
from executions.models.tentativa import POSSE_VENCIDA, ROBO_PERDIDO
from executions.results import ErroClasse, Resultado
from executions.sistema import LOOP_SECONDS, idade

PROGRESS_SECONDS = 300
QUEUE_SECONDS = 600
WINDOW_SECONDS = 600  # of what is counted
POISON_SECONDS = 3600
BREAKER_SECONDS = 300
POISON, LEASES, LOGINS = 3, 5, 5
CRASH_SHARE, CRASH_ATTEMPTS = 0.2, 10  # a share of fewer attempts says nothing
DISK_PERCENT = 10.0
QUEDAS = (ROBO_PERDIDO, POSSE_VENCIDA, ErroClasse.VENENO)

Caso = tuple[Alarme, str, str]
Regra = Callable[[datetime], Iterator[Caso]]


def passo() -> int:
    """One look; returns how many occurrences it opened. Two schedulers at once tell nothing twice."""
    agora = clock.db_now()
    going = {(alarme, alvo[:80]): text for regra in REGRAS for alarme, alvo, text in regra(agora)}
    open_ones = {(row.alarme, row.alvo): row for row in Ocorrencia.objects.abertas()}
    still = [row.pk for key, row in open_ones.items() if key in going]
    Ocorrencia.objects.abertas().filter(pk__in=still).update(vista_em=agora)
    opened = sum(_abrir(*key, text, agora) for key, text in going.items() if key not in open_ones)
    for row in Ocorrencia.objects.a_fechar(agora):
        _fechar(row, agora)
    return opened


def agendador_parado(agora: datetime) -> bool:
    """Nobody else would notice: then the watchdog looks."""
    age = idade(Batida.todas().get(Batida.Obra.AGENDADOR), agora)
    return age is not None and age > _s(LOOP_SECONDS)


def _abrir(alarme: Alarme, alvo: str, texto: str, agora: datetime) -> bool:
    with transaction.atomic():
        row, new = Ocorrencia.objects.get_or_create(
            alarme=alarme, alvo=alvo, fechada_em=None,
            defaults={"mensagem": texto[:300], "aberta_em": agora, "vista_em": agora},
        )  # fmt: skip
        if new:
            Registro.objects.anotar("alarme_aberto", texto, level="error")
            since = _("Desde %(hora)s.") % {"hora": avisos.hora(agora)}
            avisos.de_alarme(_("Alerta: %(alarme)s") % {"alarme": Alarme(alarme).label}, f"{texto}\n{since}")
    return new


def _fechar(row: Ocorrencia, agora: datetime) -> None:
    with transaction.atomic():
        if not row.fechar(agora) or row.alarme in SEM_FIM:
            return
        Registro.objects.anotar("alarme_fechado", _("Acabou: %(mensagem)s") % {"mensagem": row.mensagem})
        span = _("De %(inicio)s a %(fim)s.") % {"inicio": avisos.hora(row.aberta_em), "fim": avisos.hora(agora)}
        avisos.de_alarme(_("Acabou: %(mensagem)s") % {"mensagem": Alarme(row.alarme).label}, f"{row.mensagem}\n{span}")


def _s(segundos: float) -> float:
    return segundos / settings.TIME_DIVISOR


def _antes(agora: datetime, segundos: float) -> datetime:
    return agora - timedelta(seconds=_s(segundos))


# ---- the rules ------------------------------------------------------------------------------------------------------
def execucoes(agora: datetime) -> Iterator[Caso]:
    robots = Processo.objects.vivos().filter(execucao=OuterRef("pk"))
    old = Q(progress_at__lt=_antes(agora, PROGRESS_SECONDS))
    stuck = Execucao.objects.abertas().filter(old, pausada_em=None, n_running__gt=0).filter(Exists(robots))
    for batch in stuck[:20]:
        yield (
            Alarme.SEM_PROGRESSO,
            str(batch.pk),
            _("%(batch)s não avança há mais de 5 minutos, com robôs vivos.") % {"batch": batch},
        )
    # One that is only asked for says nothing: a machine that cannot start any goes on asking and losing them.
    idle = metricas.espera(agora) > _s(QUEUE_SECONDS)
    if idle and not Processo.objects.robos().trabalharam(_antes(agora, QUEUE_SECONDS)).exists():
        yield Alarme.FILA_PARADA, "", _("Há itens pendentes há mais de 10 minutos, e nenhum robô começou nesse tempo.")


def maquinas(agora: datetime) -> Iterator[Caso]:
    for host in Host.objects.vivos(agora):
        canary = idade(host.canary_at, agora)
        if canary is not None and canary > settings.CANARY_LIMIT_SECONDS:
            yield Alarme.CANARIO, host.nome, _("O canário da máquina %(nome)s não volta.") % {"nome": host.nome}
        if host.disco_livre is not None and host.disco_livre < DISK_PERCENT:
            yield (
                Alarme.DISCO,
                host.nome,
                _("A máquina %(nome)s tem menos de 10 %% do disco livre.") % {"nome": host.nome},
            )
        if host.orfaos:
            yield (
                Alarme.ORFAOS,
                host.nome,
                _("A máquina %(nome)s tem processos sem dono que não morrem.") % {"nome": host.nome},
            )


def lacos(agora: datetime) -> Iterator[Caso]:
    names = {Batida.Obra.AGENDADOR: Alarme.AGENDADOR, Batida.Obra.WATCHDOG: Alarme.WATCHDOG}
    for obra, at in Batida.todas().items():
        age = idade(at, agora)
        if obra in names and age is not None and age > _s(LOOP_SECONDS):
            alarme = names[Batida.Obra(obra)]
            yield alarme, "", _("%(label)s: nenhum passo há mais de 60 segundos.") % {"label": alarme.label}


def registros(agora: datetime) -> Iterator[Caso]:
    since = _antes(agora, WINDOW_SECONDS)
    watched = ("barrado", "contadores", LOGIN_FALHOU)
    rows = Registro.objects.order_by().filter(evento__in=watched, at__gte=since).values_list("evento")
    n: dict[str, int] = defaultdict(int, dict(rows.annotate(n=Count("pk"))))
    left = Processo.objects.filter(motivo=Processo.Motivo.CERCADO, ended_at__gte=since).exists()
    if n["barrado"] or left:
        yield Alarme.ESCRITA_BARRADA, "", _("Um robô tentou gravar um item que já não era dele. Nada foi gravado.")
    if n["contadores"]:
        yield Alarme.CONTADORES, "", _("Os contadores de uma execução estavam errados e foram corrigidos.")
    if n[LOGIN_FALHOU] >= LOGINS:
        yield Alarme.LOGINS, "", _("Cinco ou mais logins recusados em 10 minutos.")
    for line in Registro.objects.filter(evento="encerrar_todos", at__gte=since).select_related("usuario")[:20]:
        who = line.usuario.get_username() if line.usuario else _("a linha de comando")
        yield (
            Alarme.ENCERRAR_TODOS,
            str(line.pk),
            _("%(mensagem)s Por %(quem)s.") % {"mensagem": line.mensagem, "quem": who},
        )


def tentativas(agora: datetime) -> Iterator[Caso]:
    poison = Tentativa.objects.filter(outcome=ErroClasse.VENENO, ended__gte=_antes(agora, POISON_SECONDS)).count()
    if poison >= POISON:
        yield Alarme.VENENO, "", _("Três ou mais itens derrubaram seus robôs na última hora.")
    # By outcome, then by time, as the index has them.
    known: Any = (*Resultado.values, *metricas.SEM_RESPOSTA)
    rows = Tentativa.objects.order_by().filter(outcome__in=known, ended__gte=_antes(agora, WINDOW_SECONDS))
    n = dict(rows.values_list("outcome").annotate(n=Count("pk")))
    ended, crashed = sum(n.values()), sum(n.get(outcome, 0) for outcome in QUEDAS)
    if ended >= CRASH_ATTEMPTS and crashed > CRASH_SHARE * ended:
        yield Alarme.QUEDAS, "", _("Mais de 20 % das tentativas dos últimos 10 minutos derrubaram o robô.")
    if n.get(POSSE_VENCIDA, 0) > LEASES:
        yield Alarme.POSSES, "", _("Mais de cinco posses venceram em 10 minutos.")


def portais(agora: datetime) -> Iterator[Caso]:
    old = _antes(agora, BREAKER_SECONDS)
    for portal in Portal.objects.filter(breaker=Portal.Breaker.OPEN, breaker_em__lt=old):
        yield Alarme.PORTAL, portal.slug, _("%(nome)s não responde há mais de 5 minutos.") % {"nome": portal.nome}
    for credencial in Credencial.objects.filter(recusada_em__isnull=False).select_related("portal"):
        text = _("%(nome)s recusou a senha de %(usuario)s.") % {
            "nome": credencial.portal.nome,
            "usuario": credencial.usuario,
        }
        yield Alarme.CREDENCIAL, str(credencial.pk), text


REGRAS: tuple[Regra, ...] = (execucoes, maquinas, lacos, registros, tentativas, portais)
