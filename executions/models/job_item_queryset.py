"""Questions about items, and the gate that hands them out."""

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction
from django.db.models import Count, Exists, F, Func, OuterRef, Q, Value
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.locks import locked
from executions.models.execucao import Execucao
from executions.models.medida import medidor
from executions.models.processo import Processo
from executions.results import Resultado

if TYPE_CHECKING:
    from collections.abc import Iterable

    from executions.models.conferencia import LinhaQuerySet
    from executions.models.job_item import JobItem


class Status(models.TextChoices):
    PENDING = "pending", _("pendente")
    RUNNING = "running", _("em andamento")
    DONE = "done", _("concluído")
    FAILED = "failed", _("falhou")


FREE: dict[str, Any] = {"processo": None, "lease_until": None}


class Inicio(Func):
    """The first 160 characters of a text: what groups failures by their message, and short enough for an index.

    Written out, not as parameters: only so does SQLite see that the index is of the same expression.
    """

    template = "SUBSTR(%(expressions)s, 1, 160)"
    output_field = models.CharField()


class JobItemQuerySet(models.QuerySet["JobItem"]):
    def abertos(self) -> "JobItemQuerySet":
        return self.filter(status__in=(Status.PENDING, Status.RUNNING))

    def pendentes(self) -> "JobItemQuerySet":
        return self.filter(status=Status.PENDING)

    def em_andamento(self) -> "JobItemQuerySet":
        return self.filter(status=Status.RUNNING)

    def falhados(self) -> "JobItemQuerySet":
        return self.filter(status=Status.FAILED)

    def terminados(self) -> "JobItemQuerySet":
        """Those that ended, the latest first."""
        return self.filter(finished_at__isnull=False).order_by("-finished_at")

    def respondidos(self) -> "JobItemQuerySet":
        """Those with an answer, whatever it says."""
        return self.filter(status=Status.DONE)

    def protocolados(self) -> "JobItemQuerySet":
        return self.respondidos().filter(resultado=Resultado.PROTOCOLADA)

    def criar(self, itens: "Iterable[JobItem]") -> int:
        """Inserts these (unsaved) items, a thousand at a time: a batch may be long. Returns how many."""
        n, source = 0, iter(itens)
        while chunk := list(islice(source, 1000)):
            self.bulk_create(chunk)  # type: ignore[arg-type]
            n += len(chunk)
        return n

    def das_conferidas(self, batch: Execucao, linhas: "LinhaQuerySet", agora: datetime) -> int:
        """Inserts the items of these checked lines, with their files, inside the database. Returns how many.

        One statement: a hundred thousand lines through Python would hold SQLite's only writer for too long.
        """
        new = self.model(execucao=batch, available_at=agora)
        taken = {"ordem": "ordem", "nome_arquivo": "nome", "arquivo": "arquivo__conteudo", "sha256": "sha256",
                 "numero_processo": "numero", "identificador": "identificador", "avisos": "avisos",
                 "busca": "busca"}  # fmt: skip
        columns: list[str] = []
        values: list[Any] = []
        for field in self.model._meta.concrete_fields:
            default = getattr(new, field.attname)
            if field.name in taken:
                values.append(F(taken[field.name]))
            elif default is not None:
                output = models.BigIntegerField() if field.is_relation else field
                values.append(Value(default, output_field=output))
            else:
                continue
            columns.append(connection.ops.quote_name(str(field.column)))
        sql, params = linhas.order_by("ordem").values_list(*values).query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {self.model._meta.db_table} ({', '.join(columns)}) {sql}", params)
            return cursor.rowcount

    def disponiveis(self, agora: datetime) -> "JobItemQuerySet":
        return self.pendentes().filter(available_at__lte=agora)

    def em_recuo(self, agora: datetime) -> "JobItemQuerySet":
        """Pending, and not yet to be tried again."""
        return self.pendentes().filter(available_at__gt=agora)

    def contagem(self) -> "models.QuerySet[JobItem, dict[str, Any]]":
        """`n` a status, result and class of failure."""
        return self.order_by().values("status", "resultado", "erro_classe").annotate(n=Count("pk"))

    def por_falha(self) -> "models.QuerySet[JobItem, Any]":
        """Failures: `n` a class and message (its `inicio`), the biggest groups first."""
        groups = self.falhados().annotate(inicio=Inicio("erro")).order_by().values("erro_classe", "inicio")
        return groups.annotate(n=Count("pk")).order_by("-n", "erro_classe", "inicio")

    def para_tabela(self) -> "JobItemQuerySet":
        """With only what a table of items shows: never the files' contents."""
        return self.only(
            "execucao_id", "ordem", "nome_arquivo", "numero_processo", "identificador", "status", "resultado",
            "protocolada_em", "attempts", "erro_classe", "erro", "available_at", "detalhes", "started_at",
            "finished_at", "processo_id",
        )  # fmt: skip

    def vencidos(self, agora: datetime) -> "JobItemQuerySet":
        """Running, and their lease is past by the database's clock."""
        return self.em_andamento().filter(lease_until__lt=agora)

    def por_status(self) -> dict[str, int]:
        """Counts under the names of Execucao's counters."""
        return self.aggregate(**{f"n_{s}": Count("pk", filter=Q(status=s)) for s in Status.values})

    def falhar_todos(self, classe: str, mensagem: str, agora: datetime) -> int:
        """Fails these open items. Only for Execucao.interromper, which holds the lock and sets the counters."""
        return self.update(
            status=Status.FAILED, erro_classe=classe, erro=mensagem, finished_at=agora, token=F("token") + 1, **FREE
        )

    def voltar_a_pendentes(self, agora: datetime) -> int:
        """Reopens these failed items. Only for Execucao.reabrir, which holds the lock and sets the counters."""
        return self.update(
            status=Status.PENDING, attempts=0, crashes=0, snoozes=0, erro_classe="", erro="",
            available_at=agora, started_at=None, finished_at=None,
        )  # fmt: skip

    def tentar_iniciar(self, execucao: Execucao, processo: Processo, *, caso: str = "") -> "JobItem | None":
        """T3, the gate: the next item for this robot, or None when it may not, or there is none.

        Under the execution's row lock, so that however many robots, hosts and clicks compete, never more than
        `max_robots` items of a batch run. `caso` is the case the robot has open: its other items come first; then
        cases that no other robot is at, because one visit answers all items of a case.
        The item comes back with its lease running and `mais_do_caso` saying whether its case has more to claim.
        """
        with medidor.tomada() as claim, transaction.atomic():
            batch = locked(Execucao.objects.filter(pk=execucao.pk).select_related("portal")).get()
            if not batch.liberada:
                return None
            if batch.n_running >= batch.max_robots:
                claim.resultado = "cheio"
                return None
            agora = clock.db_now()
            if not processo.tocar(agora):
                return None
            item = self._next(batch, agora, caso)
            if item is None:
                return None
            item.execucao = batch  # its portal, as the gate saw it
            item.tomar(batch, processo, agora)
            claim.resultado = "ok"
        return item

    def _next(self, batch: Execucao, agora: datetime, caso: str) -> "JobItem | None":
        # Fresh cases before retried ones: a portal that is down is then met by different cases, and known to be down,
        # before any item has used its attempts up.
        rest = self.filter(execucao=batch).disponiveis(agora).order_by("attempts", "ordem")
        same = Exists(rest.filter(numero_processo=OuterRef("numero_processo")).exclude(pk=OuterRef("pk")))
        busy = self.filter(execucao=batch, numero_processo=OuterRef("numero_processo")).em_andamento()
        rest = rest.annotate(tem_mais=same)
        mine = rest.filter(numero_processo=caso).first() if caso else None
        found = mine or rest.filter(~Exists(busy)).first() or rest.first()
        if found:
            found.mais_do_caso = vars(found)["tem_mais"]
        return found
