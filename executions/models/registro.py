import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.results import ErroClasse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.contrib.auth.models import AbstractBaseUser

    from executions.models.execucao import Execucao


logger = logging.getLogger("robotcontrol.registro")
SERIOS = ("warning", "error")


class RegistroQuerySet(models.QuerySet["Registro"]):
    def do_log(
        self, execucao: "Execucao", nivel: str, depois: int | None, n: int, *, sem: "Collection[int]" = ()
    ) -> "list[Registro]":
        """At most n lines of this execution after that number (None: the last ones), in order, with who wrote them.

        `nivel`: "warning" (warnings and errors), "error", or all. `sem`: without these.
        """
        rows: models.QuerySet[Registro] = self.filter(execucao=execucao).select_related("processo", "usuario")
        if nivel in SERIOS:
            rows = rows.filter(level__in=SERIOS)
        if nivel == "error":
            rows = rows.filter(level="error")
        if depois is None:
            return list(rows.order_by("-id")[:n])[::-1]
        return list(rows.filter(id__gt=depois).exclude(id__in=sem).order_by("id")[:n])

    def eventos(self) -> "RegistroQuerySet":
        """What happened to executions themselves, not to an item or a robot; the latest first."""
        return self.filter(item=None, processo=None).order_by("-id")

    def de_portais(self, n: int) -> "list[Registro]":
        """The last n lines that tell that a portal fell or came back. They belong to no execution: an index serves."""
        return list(self.filter(execucao=None, evento__in=["portal_fora", "portal_no_ar"]).order_by("-id")[:n])

    def do_processo(self, processo_id: int, n: int) -> "list[Registro]":
        """The last n lines of this robot, the newest first."""
        rows = self.filter(processo=processo_id).order_by("-id")[:n]
        return sorted(rows, key=lambda row: (row.at, row.pk), reverse=True)

    def anotar(
        self,
        evento: str,
        mensagem: str,
        *,
        level: str = "info",
        execucao: "Execucao | int | None" = None,
        item_id: int | None = None,
        processo_id: int | None = None,
        usuario: "AbstractBaseUser | None" = None,
    ) -> "Registro":
        """Appends one line. An operator's act and its line share a transaction, the line last."""
        execucao_id = execucao if isinstance(execucao, int) or execucao is None else execucao.pk
        row = self.create(
            at=clock.db_now(),
            evento=evento,
            mensagem=mensagem[:2000],
            level=level,
            execucao_id=execucao_id,
            item_id=item_id,
            processo_id=processo_id,
            usuario=usuario,
        )
        transaction.on_commit(row.ao_log)
        return row

    def repetir(self, row: "Registro", execucoes: "Iterable[Execucao]") -> None:
        """The same line in the log of each of these."""
        same = {"at": row.at, "level": row.level, "evento": row.evento, "mensagem": row.mensagem}
        self.bulk_create(self.model(**same, execucao=execucao) for execucao in execucoes)


class Registro(models.Model):
    """One line of the log and of the history. Append-only: it is never changed, nor deleted by hand."""

    class Level(models.TextChoices):
        DEBUG = "debug", _("detalhe")
        INFO = "info", _("informação")
        WARNING = "warning", _("aviso")
        ERROR = "error", _("erro")

    at = models.DateTimeField(_("quando"), db_index=True)
    level = models.CharField(_("nível"), max_length=8, choices=Level.choices, default=Level.INFO)
    evento = models.CharField(_("evento"), max_length=40)
    mensagem = models.TextField(_("mensagem"))
    execucao = models.ForeignKey(
        "executions.Execucao",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="registros",
        verbose_name=_("execução"),
    )
    item = models.ForeignKey(
        "executions.JobItem", models.CASCADE, null=True, blank=True, related_name="registros", verbose_name=_("item")
    )
    processo = models.ForeignKey(
        "executions.Processo", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("processo")
    )
    usuario = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("usuário")
    )

    objects = models.Manager.from_queryset(RegistroQuerySet)()

    class Meta:
        db_table = "registros"
        ordering = ["-id"]
        verbose_name = _("registro")
        indexes = [
            models.Index(fields=["execucao", "-id"], name="registro_por_execucao"),
            models.Index(fields=["evento", "at"], name="registro_por_evento"),
            models.Index(fields=["execucao", "-id"], condition=Q(item=None, processo=None), name="registro_evento"),
            models.Index(fields=["execucao", "-id"], condition=Q(level__in=SERIOS), name="registro_serio"),
        ]

    def __str__(self) -> str:
        return f"{self.evento}: {self.mensagem[:80]}"

    def ao_log(self) -> None:
        """The same line for programs that read logs."""
        about = {
            "event": self.evento, "execucao_id": self.execucao_id, "item_id": self.item_id,
            "usuario": self.usuario.get_username() if self.usuario else None,
            "erro_classe": self.evento if self.evento in ErroClasse.values else None,
        }  # fmt: skip
        logger.log(logging.getLevelNamesMapping()[self.level.upper()], "%s", self.mensagem, extra=about)

    @property
    def autor(self) -> str:
        """Who wrote it: a person, a robot, or nobody but the system."""
        if self.usuario:
            return self.usuario.get_username()
        return str(self.processo) if self.processo else ""

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("A Registro is append-only.")
