"""Who is told of what ended: rows in the database, written once an end, and sent by short tasks of live hosts.

Nothing here touches the network. A supervisor that calls it writes a few rows and goes on; a message that is lost is
sent again by the tick.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions import clock, queue
from executions.formatos import momento
from executions.models import Agendamento, AvisarEm, Aviso, Controle, Destino, Disparo, Execucao, Host, Processo, Script

SWEEP = 100  # ends told in one tick
AT_ONCE = 1  # notices a host sends at the same time: its workers are there for robots and scripts


def passo() -> int:
    """The tick: tells what ended without anybody having told it, and sends what is due. Returns how many it asked."""
    for processo in Processo.objects.por_avisar().order_by("id")[:SWEEP]:
        _anotar_processo(processo)
    for execucao in Execucao.objects.por_avisar().order_by("id")[:SWEEP]:
        _anotar_execucao(execucao)
    return despachar()


def do_processo(processo: Processo) -> int:
    """A script ended: its notices, once however often this is called. Returns how many were written."""
    n = _anotar_processo(processo)
    if n:
        despachar()
    return n


def do_disparo(disparo: Disparo) -> int:
    """A due time was missed or refused: told once for a whole streak of refusals. Returns how many were written."""
    agendamento = disparo.agendamento
    before = agendamento.disparos.filter(pk__lt=disparo.pk).order_by("-id").first()
    if before and before.desfecho == disparo.desfecho == Disparo.Desfecho.RECUSADO:
        return 0
    assunto = _("Agendamento %(agendamento)s: %(desfecho)s") % {
        "agendamento": agendamento,
        "desfecho": disparo.get_desfecho_display(),
    }
    head = (
        _("O disparo das %(hora)s do agendamento %(agendamento)s não iniciou nada.")
        if disparo.due_at
        else _("O disparo do agendamento %(agendamento)s não iniciou nada.")
    )
    corpo = f"{head % {'hora': hora(disparo.due_at), 'agendamento': agendamento}}\n{disparo.mensagem}"
    n = _criar(_destinos([agendamento], falhou=True), assunto, corpo)
    if n:
        despachar()
    return n


def de_alarme(assunto: str, corpo: str) -> int:
    """To every active destination that receives alerts; in the caller's transaction. Returns how many were written."""
    return _criar(list(Destino.objects.filter(ativo=True, recebe_alertas=True)), assunto, corpo)


def _anotar_processo(processo: Processo) -> int:
    with transaction.atomic():
        told = Processo.objects.por_avisar().filter(pk=processo.pk).update(avisado_em=clock.db_now())
        if not told:
            return 0
        row = Processo.objects.select_related("script", "host").get(pk=processo.pk)
        assert row.script is not None
        sources: list[Script | Agendamento] = [row.script, *Agendamento.objects.filter(disparos__processo=row)]
        chosen = _destinos(sources, falhou=row.motivo != Processo.Motivo.CONCLUIDO)
        return _criar(
            chosen,
            _("Script %(script)s: %(fim)s") % {"script": row.script, "fim": row.fim},
            _corpo_do_processo(row),
            processo=row,
        )


def _anotar_execucao(execucao: Execucao) -> int:
    with transaction.atomic():
        told = Execucao.objects.por_avisar().filter(pk=execucao.pk).update(avisada_em=clock.db_now())
        if not told:
            return 0
        row = Execucao.objects.select_related("portal").get(pk=execucao.pk)
        failed = row.status == Execucao.Status.ERROR or row.n_failed > 0
        sources: list[Execucao | Agendamento] = [row, *Agendamento.objects.filter(disparos__execucao=row)]
        failures = ngettext("%(n)d falha", "%(n)d falhas", row.n_failed) % {"n": row.n_failed}
        end = row.get_status_display()
        if row.n_failed:
            end = _("%(situacao)s com %(falhas)s") % {"situacao": end, "falhas": failures}
        corpo = "\n".join([
            f"{row}: {end}.", _("Portal: %(portal)s.") % {"portal": row.portal},
            _("%(respondidos)s e %(falhas)s.") % {"respondidos": _respondidos(row), "falhas": failures},
            _("De %(inicio)s a %(fim)s.") % {"inicio": hora(row.started_at), "fim": hora(row.finished_at)},
            row.motivo,
        ])  # fmt: skip
        return _criar(_destinos(sources, falhou=failed), f"{row}: {end}", corpo, execucao=row)


def _respondidos(row: Execucao) -> str:
    text = ngettext(
        "%(n)d de %(total)d arquivo respondido", "%(n)d de %(total)d arquivos respondidos", row.total_arquivos
    )
    return text % {"n": row.n_done, "total": row.total_arquivos}


def _destinos(fontes: "Iterable[Script | Agendamento | Execucao]", *, falhou: bool) -> list[Destino]:
    """The active destinations of those that want to hear of this end, each once. An execution's own always do."""
    chosen: dict[int, Destino] = {}
    for fonte in fontes:
        when = getattr(fonte, "avisar_em", AvisarEm.SEMPRE)
        if when == AvisarEm.SEMPRE or (when == AvisarEm.FALHA and falhou):
            chosen |= {destino.pk: destino for destino in fonte.destinos.filter(ativo=True)}
    return [chosen[pk] for pk in sorted(chosen)]


def _criar(
    destinos: list[Destino], assunto: str, corpo: str, *,
    processo: Processo | None = None, execucao: Execucao | None = None,
) -> int:  # fmt: skip
    agora = clock.db_now()
    head = " ".join((_("[Controle de Robôs] %(assunto)s") % {"assunto": assunto}).split())[:200]
    rows = [
        Aviso(destino=d, assunto=head, corpo=corpo.strip(), processo=processo, execucao=execucao, next_at=agora)
        for d in destinos
    ]
    return len(Aviso.objects.bulk_create(rows))


def _corpo_do_processo(row: Processo) -> str:
    code = _("Código de saída %(exit_code)s.") % {"exit_code": row.exit_code} if row.exit_code is not None else ""
    host = _("Máquina: %(host)s.") % {"host": row.host} if row.host else ""
    span = _("De %(inicio)s a %(fim)s.") % {"inicio": hora(row.started_at), "fim": hora(row.ended_at)}
    lines = [
        _("O script %(script)s terminou: %(fim)s.") % {"script": row.script, "fim": row.fim},
        row.erro,
        "" if code in row.erro else code,
        host,
        span,
    ]
    return "\n".join(filter(None, lines))


def hora(at: datetime | None) -> str:
    """With its offset: a notice is read anywhere."""
    if at is None:
        return _("(não começou)")
    offset = timezone.localtime(at).isoformat()[-6:]
    return _("%(hora)s (UTC%(fuso)s)") % {"hora": momento(at, "completo"), "fuso": offset}


def despachar() -> int:
    """Asks live hosts to send what is due, at most AT_ONCE each. Returns how many it asked for.

    With no host alive the rows wait. Called by the tick, by whoever writes notices and after each one sent.
    """
    agora = clock.db_now()
    if not Aviso.objects.vencidos(agora).exists():
        return 0
    with transaction.atomic():
        Controle.lock()
        hosts = list(Host.objects.de_todos(agora).values_list("nome", flat=True))
        free = AT_ONCE * len(hosts) - Aviso.objects.em_curso(agora).count()
        asked = list(Aviso.objects.vencidos(agora)[: max(0, free)])
        for aviso in asked:
            Aviso.objects.filter(pk=aviso.pk).update(asked_at=agora)
            queue.send_notice(aviso.pk, hosts[aviso.pk % len(hosts)])
    return len(asked)
