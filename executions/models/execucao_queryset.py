"""Questions about batches, their enqueuing, and the counting that closes them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Case, Count, F, Min, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, JSONArray
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.linhas import Linhas
from executions.models.registro import Registro
from executions.results import ErroClasse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executions.intake import Linha
    from executions.models.conferencia import LinhaQuerySet
    from executions.models.credencial import Credencial
    from executions.models.destino import Destino
    from executions.models.execucao import Execucao
    from executions.models.portal import Portal


class Status(models.TextChoices):
    QUEUED = "queued", _("na fila")
    RUNNING = "running", _("em execução")
    DONE = "done", _("concluída")
    ERROR = "error", _("erro")


MAX_ROBOTS = 1000
OPEN = (Status.QUEUED, Status.RUNNING)


class Prioridade(models.IntegerChoices):
    """Who is served first when a turn or a place is free. One at work is never sent away for it."""

    BAIXA = -1, _("Baixa")
    NORMAL = 0, _("Normal")
    ALTA = 1, _("Alta")

    @classmethod
    def de_palavra(cls, palavra: str) -> "Prioridade":
        """From `baixa`, `normal` or `alta`. Raises KeyError."""
        return cls[palavra.upper()]


PRIORIDADES = tuple(p.name.lower() for p in Prioridade)


ATENCAO = timedelta(hours=24)  # for so long an end or a failure that needs a person is news
# Failures of an item that come back whatever the robots do; ends of a batch that nobody asked for.
DE_PESSOA = (ErroClasse.LAYOUT_MUDOU, ErroClasse.CODIGO_2FA, ErroClasse.CAPTCHA)
INTERRUPCOES = (ErroClasse.NAVEGADOR, ErroClasse.SEM_HEARTBEAT)


class ExecucaoQuerySet(models.QuerySet["Execucao"]):
    def abertas(self) -> "ExecucaoQuerySet":
        return self.filter(status__in=OPEN)

    def por_avisar(self) -> "ExecucaoQuerySet":
        """Ended, and nobody was told yet."""
        return self.exclude(status__in=OPEN).filter(avisada_em=None)

    def abertas_e(self, pk: int) -> "ExecucaoQuerySet":
        """The open ones and this one, whatever its state."""
        return self.filter(Q(status__in=OPEN) | Q(pk=pk))

    def com_nomes(self) -> "ExecucaoQuerySet":
        return self.select_related("portal", "credencial", "usuario")

    def com_espera(self, agora: datetime) -> "ExecucaoQuerySet":
        """With `prontos` (items claimable now), `retoma_em` and `ultima_em` (when the first and the last backoff end).

        Only those in backoff are read, by their index: the pending ones may be a hundred thousand.
        """
        from executions.models.job_item import JobItem  # noqa: PLC0415 (mutual nouns)

        later = JobItem.objects.filter(execucao=OuterRef("pk")).em_recuo(agora)
        n = later.order_by().values("execucao").annotate(n=Count("pk")).values("n")
        first, last = (later.order_by(order).values("available_at")[:1] for order in ("available_at", "-available_at"))
        ready = F("n_pending") - Coalesce(Subquery(n), 0)
        return self.annotate(prontos=ready, retoma_em=Subquery(first), ultima_em=Subquery(last))

    def com_respostas(self, ate: int, **quais: Any) -> "ExecucaoQuerySet":
        """With `respostas`: [status, result, class of failure, n] of the ended items, from an index alone.

        None where more than `ate` ended, or that are not `quais`: there the counters must do, so that the cost stays
        bounded.
        """
        from executions.models.job_item import JobItem  # noqa: PLC0415 (mutual nouns)

        counted = JobItem.objects.filter(execucao=OuterRef("pk"), status__in=("done", "failed")).contagem()
        lines = counted.annotate(linha=JSONArray("status", "resultado", "erro_classe", "n")).values("linha")
        few = When(terminados__range=(1, ate), **quais, then=Linhas(lines))
        ended = self.annotate(terminados=F("n_done") + F("n_failed"))
        return ended.annotate(respostas=Case(few, output_field=models.JSONField()))

    def que_pedem_atencao(self, agora: datetime) -> "ExecucaoQuerySet":
        """The open ones, those interrupted in the last day, and those with failures of that day that need a person.

        With `n_de_pessoa` and `classe_de_pessoa`: how many such failures, and the class of one of them.
        """
        from executions.models.job_item import JobItem  # noqa: PLC0415 (mutual nouns)

        since = agora - ATENCAO
        failed = JobItem.objects.filter(status="failed", finished_at__gte=since, erro_classe__in=DE_PESSOA).order_by()
        mine = failed.filter(execucao=OuterRef("pk")).values("execucao")
        stopped = Q(status=Status.ERROR, motivo_classe__in=INTERRUPCOES, finished_at__gte=since)
        wanted = Q(status__in=OPEN) | stopped | Q(pk__in=failed.values("execucao"))
        return self.filter(wanted).annotate(
            n_de_pessoa=Subquery(mine.annotate(n=Count("pk")).values("n")),
            classe_de_pessoa=Subquery(mine.annotate(c=Min("erro_classe")).values("c")),
        )

    def em_ordem(self) -> "ExecucaoQuerySet":
        """The order in which the scheduler serves: the most urgent first, then by arrival."""
        return self.order_by("-prioridade", "id")

    def caladas(self, desde: datetime) -> "ExecucaoQuerySet":
        """Started, open, not paused, and without a sign since then (T12's first half)."""
        return self.abertas().filter(started_at__isnull=False, pausada_em=None, heartbeat_at__lt=desde)

    def enfileirar(self, linhas: "Iterable[Linha] | LinhaQuerySet", **como: Any) -> "Execucao":
        """T1: the batch, all its items (the accepted lines) and who is told of its end, queued, in one transaction.

        `como`: portal, credencial, and whatever else of the fields; `destinos`. Raises ValueError when no line was
        accepted, or when the credential is not of this portal.
        """
        from executions.models.conferencia import LinhaQuerySet  # noqa: PLC0415 (mutual nouns)
        from executions.models.job_item import JobItem  # noqa: PLC0415

        agora = clock.db_now()
        with transaction.atomic():
            batch = self._vazia(agora, **como)
            if isinstance(linhas, LinhaQuerySet):
                n = JobItem.objects.das_conferidas(batch, linhas, agora)
            else:
                accepted = (linha for linha in linhas if linha.aceita)
                n = JobItem.objects.criar(JobItem.da_linha(batch, linha, agora) for linha in accepted)
            if not n:
                raise ValueError(gettext("Nenhum arquivo aceito: não há o que verificar."))
            batch.total_arquivos = batch.n_pending = n
            batch.save(update_fields=["total_arquivos", "n_pending"])
            text = ngettext("Enfileirada com %(n)d arquivo.", "Enfileirada com %(n)d arquivos.", n) % {"n": n}
            Registro.objects.anotar("enfileirada", text, execucao=batch, usuario=batch.usuario)
            if batch.portal.fora_do_ar:
                Registro.objects.repetir(batch.portal.queda(agora), [batch])
        return batch

    def _vazia(
        self, agora: datetime, *, portal: "Portal", credencial: "Credencial", destinos: "Iterable[Destino]" = (),
        **fields: Any,
    ) -> "Execucao":  # fmt: skip
        if credencial.portal_id != portal.pk:
            raise ValueError(gettext("A credencial não é deste portal."))
        batch = self.create(
            portal=portal, credencial=credencial, created_at=agora, heartbeat_at=agora, total_arquivos=0, **fields
        )
        batch.destinos.set(destinos)
        return batch

    def contar(
        self,
        pk: int,
        *,
        agora: datetime,
        pending: int = 0,
        running: int = 0,
        done: int = 0,
        failed: int = 0,
        **extra: Any,
    ) -> bool:
        """Moves the counters of one execution and, when its last open item ends, closes it in the same statement.

        This UPDATE is also the row lock that every change of an item takes first. False when the counters have
        nothing to give: the item was taken away together with them.
        """
        last = Q(n_pending=-pending, n_running=-running, status__in=OPEN)
        changes: dict[str, Any] = {
            "n_pending": F("n_pending") + pending,
            "n_running": F("n_running") + running,
            "n_done": F("n_done") + done,
            "n_failed": F("n_failed") + failed,
            "heartbeat_at": agora,
            "progress_at": agora,
        }
        if pending + running < 0:
            changes["status"] = Case(When(last, then=Value(Status.DONE)), default=F("status"))
            changes["finished_at"] = Case(When(last, then=Value(agora)), default=F("finished_at"))
        stocked = self.filter(pk=pk, n_pending__gte=-pending, n_running__gte=-running)
        return bool(stocked.update(**changes | extra))
