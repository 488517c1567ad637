import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.busca import LIMITE, texto_de
from executions.errors import StaleClaim
from executions.models.campos import Conteudo
from executions.models.execucao import Execucao
from executions.models.job_item_queryset import FREE, Inicio, JobItemQuerySet, Status
from executions.models.processo import Processo
from executions.models.tentativa import POSSE_VENCIDA, ROBO_PERDIDO, Tentativa
from executions.results import ErroClasse, Resposta, Resultado

if TYPE_CHECKING:
    from executions.intake import Linha

MAX_ATTEMPTS = 3
MAX_CRASHES = 3
MAX_SNOOZES = 5


class JobItem(models.Model):
    """One file of a batch. It is done when its row says so; every change of status is one guarded statement."""

    Status = Status

    execucao = models.ForeignKey(Execucao, models.CASCADE, related_name="itens", verbose_name=_("execução"))
    ordem = models.PositiveIntegerField(_("ordem"))
    nome_arquivo = models.CharField(_("arquivo"), max_length=255)
    arquivo = Conteudo(_("conteúdo"), null=True, blank=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    numero_processo = models.CharField(_("processo"), max_length=25)
    identificador = models.CharField(_("identificador"), max_length=60, blank=True)
    avisos = models.JSONField(_("avisos"), default=list, blank=True)
    status = models.CharField(_("situação"), max_length=8, choices=Status.choices, default=Status.PENDING)
    processo = models.ForeignKey(
        Processo, models.RESTRICT, null=True, blank=True, related_name="itens", verbose_name=_("robô")
    )
    token = models.PositiveIntegerField(_("token"), default=0)
    lease_until = models.DateTimeField(_("posse até"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("tentativas"), default=0)
    crashes = models.PositiveIntegerField(_("quedas"), default=0)
    snoozes = models.PositiveIntegerField(_("adiamentos"), default=0)
    available_at = models.DateTimeField(_("disponível em"))
    started_at = models.DateTimeField(_("começou"), null=True, blank=True)
    finished_at = models.DateTimeField(_("terminou"), null=True, blank=True)
    erro_classe = models.CharField(_("classe da falha"), max_length=24, choices=ErroClasse.choices, blank=True)
    erro = models.TextField(_("falha"), blank=True)
    resultado = models.CharField(_("resultado"), max_length=24, choices=Resultado.choices, blank=True)
    protocolada_em = models.DateTimeField(_("protocolada em"), null=True, blank=True)
    juntada_em = models.DateTimeField(_("juntada em"), null=True, blank=True)
    protocolo = models.CharField(_("protocolo"), max_length=60, blank=True)
    documento = models.CharField(_("documento"), max_length=300, blank=True)
    detalhes = models.TextField(_("detalhes"), blank=True)
    evidencia = models.TextField(_("evidência"), blank=True)
    dados = models.JSONField(_("dados"), default=dict, blank=True)
    busca = models.CharField(_("busca"), max_length=LIMITE, blank=True, editable=False)  # what a person finds it by

    mais_do_caso = False  # after a claim: whether its case has more items to claim
    objects = models.Manager.from_queryset(JobItemQuerySet)()

    class Meta:
        db_table = "job_items"
        ordering = ["execucao_id", "ordem"]
        verbose_name = _("item")
        verbose_name_plural = _("itens")
        indexes = [
            models.Index(fields=["execucao", "attempts", "ordem"], condition=Q(status="pending"), name="item_pendente"),
            models.Index(fields=["execucao", "numero_processo"], condition=Q(status__in=("pending", "running")),
                         name="item_aberto_por_caso"),
            models.Index(fields=["execucao", "available_at"], condition=Q(status="pending"), name="item_em_recuo"),
            models.Index(fields=["finished_at", "status", "resultado", "execucao", "started_at"], name="item_por_fim"),
            models.Index(fields=["finished_at", "erro_classe", "execucao"], condition=Q(status="failed"),
                         name="item_falhado"),
            models.Index(fields=["lease_until"], condition=Q(status="running"), name="item_posse"),
            models.Index(fields=["execucao", "status", "resultado", "erro_classe"], name="item_por_resultado"),
            models.Index(fields=["execucao", "nome_arquivo", "ordem"], name="item_por_arquivo"),
            models.Index(fields=["execucao", "numero_processo", "ordem"], name="item_por_processo"),
            models.Index("execucao", "erro_classe", Inicio("erro"), condition=Q(status="failed"),
                         name="item_por_falha"),
            models.Index(fields=["execucao", "finished_at"], condition=Q(finished_at__isnull=False),
                         name="item_terminado"),
            models.Index(fields=["numero_processo", "identificador"], name="item_por_caso"),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["execucao", "ordem"], name="uma_ordem_por_item"),
            models.UniqueConstraint(fields=["processo"], condition=Q(status="running"), name="um_item_por_robo"),
            models.CheckConstraint(
                condition=Q(status="running", processo__isnull=False, lease_until__isnull=False)
                | Q(processo__isnull=True, lease_until__isnull=True) & ~Q(status="running"),
                name="em_andamento_tem_dono",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="item_status"),
            models.CheckConstraint(condition=~Q(status="done") | ~Q(resultado=""), name="concluido_tem_resultado"),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(erro_classe=""), name="falha_tem_classe"),
        ]

    def __str__(self) -> str:
        return self.nome_arquivo

    @property
    def aguarda_nova_tentativa(self) -> bool:
        """Pending after a failure or a snooze (its class says which): not before `available_at`."""
        return self.status == Status.PENDING and bool(self.erro_classe)

    @property
    def ultima_tentativa(self) -> bool:
        return self.attempts >= MAX_ATTEMPTS

    @classmethod
    def da_linha(cls, batch: Execucao, linha: "Linha", agora: datetime) -> "JobItem":
        """The item (unsaved) of an accepted line of the intake."""
        return cls(
            execucao=batch, ordem=linha.ordem, nome_arquivo=linha.nome, arquivo=linha.conteudo, sha256=linha.sha256,
            numero_processo=linha.numero, identificador=linha.identificador, avisos=list(linha.avisos),
            available_at=agora, busca=texto_de(linha.nome, linha.numero, linha.identificador),
        )  # fmt: skip

    def tomar(self, batch: Execucao, processo: Processo, agora: datetime) -> None:
        """The writes of a claim. Only for the gate, which holds the lock."""
        self.token, self.attempts, self.status, self.processo = (
            self.token + 1,
            self.attempts + 1,
            Status.RUNNING,
            processo,
        )
        self.lease_until, self.started_at = agora + timedelta(seconds=settings.LEASE_SECONDS), agora
        JobItem.objects.filter(pk=self.pk).update(
            status=self.status, processo=processo, token=self.token, attempts=self.attempts,
            lease_until=self.lease_until, started_at=agora, finished_at=None,
        )  # fmt: skip
        # The token is also the running number: it goes up by one a claim and by one an expiry, and is never reused.
        Tentativa.objects.create(
            item=self, n=self.token, token=self.token, geracao=batch.geracao, processo=processo, began=agora
        )
        started: dict[str, Any] = {
            "started_at": Case(When(started_at__isnull=True, then=Value(agora)), default=F("started_at"))
        }
        Execucao.objects.contar(batch.pk, agora=agora, pending=-1, running=+1, status="running", **started)

    def _move(self, agora: datetime, outcome: str, *, guard: Q | None = None, status: str, **changes: Any) -> None:
        """Gives up the item: counters first (the batch's lock), then the guarded row, then the attempt's end.

        Raises StaleClaim, and writes nothing, when it is not running with this token (or the guard) any more.
        """
        with transaction.atomic():
            counted = self._count(agora, running=-1, **{str(status): +1})
            mine = JobItem.objects.filter(guard or Q(), pk=self.pk, status=Status.RUNNING, token=self.token)
            if not (counted and mine.update(status=status, **FREE, **changes)):
                raise StaleClaim(
                    gettext("O item %(item)s não está mais em andamento com o token %(token)s.")
                    % {"item": self.pk, "token": self.token}
                )
            Tentativa.objects.filter(item=self.pk, token=self.token).update(
                ended=agora, outcome=outcome[:40], erro=changes.get("erro", "")
            )

    def _count(self, agora: datetime, **moved: int) -> bool:
        """Moves the batch's counters. Some that are wrong (none runs, but this item does) are put right first."""
        if Execucao.objects.contar(self.execucao_id, agora=agora, **moved):
            return True
        runs = JobItem.objects.filter(pk=self.pk, status=Status.RUNNING, token=self.token).exists()
        wrong = runs and Execucao.objects.get(pk=self.execucao_id).recontar()
        return bool(wrong) and Execucao.objects.contar(self.execucao_id, agora=agora, **moved)

    def _leave(self, agora: datetime, outcome: str, **changes: Any) -> None:
        """T6, T7, T8, T15. A commit can succeed although its client saw an error: said again, it is a success that
        writes nothing, when the attempt of my token has ended with this very outcome."""
        try:
            self._move(agora, outcome, **changes)
        except StaleClaim:
            mine = Tentativa.objects.filter(item=self.pk, token=self.token, ended__isnull=False)
            if not mine.filter(outcome=outcome[:40]).exists():
                raise

    def concluir(self, resposta: Resposta, *, agora: datetime | None = None) -> None:
        """T6: answered. Raises StaleClaim when the item is somebody else's by now."""
        answer = {name: getattr(resposta, name) for name in Resposta.__dataclass_fields__}
        answer["documento"], answer["protocolo"] = resposta.documento[:300], resposta.protocolo[:60]
        agora = agora or clock.db_now()
        self._leave(
            agora, resposta.resultado, status=Status.DONE, finished_at=agora, erro_classe="", erro="", **answer
        )  # fmt: skip

    def falhar(self, classe: str, erro: str, *, agora: datetime | None = None) -> None:
        """T6: failed for good, with its class. Raises StaleClaim."""
        agora = agora or clock.db_now()
        self._leave(agora, classe, status=Status.FAILED, finished_at=agora, erro_classe=classe, erro=erro)

    def tentar_de_novo(self, classe: str, erro: str, *, agora: datetime | None = None) -> None:
        """T7: pending again after a backoff of 10·2ⁿ s with jitter, or failed when its attempts are used up."""
        if self.ultima_tentativa:
            return self.falhar(classe, erro, agora=agora)
        agora = agora or clock.db_now()
        wait = settings.RETRY_BASE_SECONDS * 2 ** (self.attempts - 1) * random.uniform(1.0, 1.2)  # noqa: S311 (jitter)
        later = agora + timedelta(seconds=wait)
        return self._leave(agora, classe, status=Status.PENDING, erro_classe=classe, erro=erro, available_at=later)

    def adiar(self, classe: str, erro: str, segundos: float, *, agora: datetime | None = None) -> None:
        """T8: pending again after these seconds, the attempt given back; the sixth time it is a retry instead."""
        if self.snoozes >= MAX_SNOOZES:
            return self.tentar_de_novo(classe, erro, agora=agora)
        agora = agora or clock.db_now()
        later = agora + timedelta(seconds=segundos)
        given_back: dict[str, Any] = {"attempts": F("attempts") - 1, "snoozes": F("snoozes") + 1}
        return self._leave(
            agora, classe, status=Status.PENDING, erro_classe=classe, erro=erro, available_at=later, **given_back
        )

    def devolver(self, motivo: str = "parada", *, agora: datetime | None = None) -> None:
        """T15: back to pending at once, the attempt given back; no failure."""
        agora = agora or clock.db_now()
        self._leave(agora, motivo, status=Status.PENDING, attempts=F("attempts") - 1, available_at=agora)

    def expirar(self, *, dono_morto: bool) -> None:
        """T9: its robot is gone. Pending with the attempt given back and a crash counted; the third is `veneno`.

        Without `dono_morto` only if the lease is past by the database's clock, checked in the same statement.
        """
        agora = clock.db_now()
        guard = None if dono_morto else Q(lease_until__lt=agora)
        changes: dict[str, Any] = {"token": F("token") + 1, "crashes": F("crashes") + 1, "attempts": F("attempts") - 1}
        if self.crashes + 1 < MAX_CRASHES:
            how = ROBO_PERDIDO if dono_morto else POSSE_VENCIDA
            return self._move(agora, how, guard=guard, status=Status.PENDING, available_at=agora, **changes)
        changes |= {
            "erro_classe": ErroClasse.VENENO,
            "erro": gettext("Derrubou o robô %(n)s vezes.") % {"n": MAX_CRASHES},
            "finished_at": agora,
        }
        return self._move(agora, ErroClasse.VENENO, guard=guard, status=Status.FAILED, **changes)

    def renovar(self, *, agora: datetime | None = None) -> bool:
        """T4: the lease again in full. False when the item is not this token's any more."""
        until = (agora or clock.db_now()) + timedelta(seconds=settings.LEASE_SECONDS)
        mine = JobItem.objects.filter(pk=self.pk, status=Status.RUNNING, token=self.token)
        return bool(mine.update(lease_until=until))
