"""What was handed over for a new execution and how each line was read, kept between "Conferir" and "Iniciar".

A private draft: its person's alone, gone CONFERENCIA_SECONDS after it was last checked. In the database, like the
files of an execution, so that any web process of any machine shows and starts it and nothing lies about on a disk.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions.busca import LIMITE, texto_de
from executions.intake import Linha

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from executions.models.portal import Portal

POR_PESSOA = 3  # drafts that one person may have at a time: the newest


class ConferenciaQuerySet(models.QuerySet["Conferencia"]):
    def de(self, usuario: "AbstractBaseUser", agora: datetime) -> "ConferenciaQuerySet":
        """This person's, not expired, the newest first."""
        return self.filter(usuario=usuario.pk, valida_ate__gt=agora).order_by("-criada_em")

    def varrer(self, agora: datetime) -> int:
        """Deletes what has expired, with its files. Returns how many drafts."""
        gone = list(self.filter(valida_ate__lte=agora).values_list("pk", flat=True))
        self.filter(pk__in=gone).delete()
        return len(gone)

    def so_as_ultimas(self, usuario: "AbstractBaseUser") -> None:
        """Deletes this person's drafts beyond the newest POR_PESSOA."""
        old = self.filter(usuario=usuario.pk).order_by("-criada_em").values_list("pk", flat=True)[POR_PESSOA:]
        self.filter(pk__in=list(old)).delete()


class Conferencia(models.Model):
    """`conferida_em` is empty while its lines are being read; `iniciada_em` is set once it became executions."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    usuario = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    portal = models.ForeignKey("executions.Portal", models.CASCADE, null=True, related_name="+")
    nomes = models.TextField()
    criada_em = models.DateTimeField()
    valida_ate = models.DateTimeField(db_index=True)
    conferida_em = models.DateTimeField(null=True)
    iniciada_em = models.DateTimeField(null=True)

    linhas: "LinhaQuerySet"
    arquivos: "models.QuerySet[ArquivoEnviado]"
    objects = models.Manager.from_queryset(ConferenciaQuerySet)()

    class Meta:
        db_table = "conferencias"
        verbose_name = _("conferência")
        verbose_name_plural = _("conferências")
        default_permissions = ()

    def __str__(self) -> str:
        return gettext("Conferência %(uuid)s") % {"uuid": self.uuid}

    def bytes_guardados(self) -> int:
        return self.arquivos.aggregate(n=models.Sum("tamanho"))["n"] or 0


class ArquivoEnviado(models.Model):
    """An uploaded file of a draft. `erro`: the sentence that refused it before its content was kept."""

    conferencia = models.ForeignKey(Conferencia, models.CASCADE, related_name="arquivos")
    nome = models.CharField(max_length=1000)
    tamanho = models.PositiveIntegerField()
    conteudo = models.BinaryField(null=True)
    erro = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "arquivos_enviados"
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.nome


@dataclass(frozen=True)
class Contagem:
    """How many lines a draft has, of each kind; every line is in exactly one of the first three."""

    recusadas: int = 0
    com_aviso: int = 0
    sem_aviso: int = 0
    respondidas: int = 0  # accepted, with a former answer
    reaproveitadas: int = 0  # of these, those that stay out

    @property
    def total(self) -> int:
        return self.recusadas + self.com_aviso + self.sem_aviso

    @property
    def entram(self) -> int:
        return self.com_aviso + self.sem_aviso - self.reaproveitadas


class LinhaQuerySet(models.QuerySet["LinhaConferida"]):
    def aceitas(self) -> "LinhaQuerySet":
        return self.exclude(tipo=LinhaConferida.Tipo.RECUSADA)

    def recusadas(self) -> "LinhaQuerySet":
        return self.filter(tipo=LinhaConferida.Tipo.RECUSADA)

    def respondidas(self) -> "LinhaQuerySet":
        return self.filter(anterior__isnull=False)

    def que_entram(self) -> "LinhaQuerySet":
        return self.aceitas().filter(Q(anterior=None) | Q(reaproveitar=False))

    def reaproveitadas_de(self) -> list[tuple[int, int]]:
        """(execution, how many lines keep an answer of it), at most twenty, the newest first."""
        kept = self.respondidas().filter(reaproveitar=True).order_by("-anterior__execucao")
        groups = kept.values_list("anterior__execucao").annotate(n=Count("pk"))
        return list(groups.values_list("anterior__execucao", "n")[:20])

    def para_tabela(self) -> "LinhaQuerySet":
        return self.select_related("portal", "anterior").order_by("ordem").defer(
            "anterior__arquivo", "anterior__dados", "anterior__evidencia"
        )  # fmt: skip

    def contar(self) -> Contagem:
        tipo = LinhaConferida.Tipo
        kept = Q(anterior__isnull=False)
        return Contagem(**self.aggregate(
            recusadas=Count("pk", filter=Q(tipo=tipo.RECUSADA)), com_aviso=Count("pk", filter=Q(tipo=tipo.AVISO)),
            sem_aviso=Count("pk", filter=Q(tipo=tipo.LIMPA)), respondidas=Count("pk", filter=kept),
            reaproveitadas=Count("pk", filter=kept & Q(reaproveitar=True)),
        ))  # fmt: skip

    def por_portal(self) -> "dict[Portal, int]":
        """How many of these lines each portal serves, by the portal's name."""
        from executions.models.portal import Portal  # noqa: PLC0415 (mutual nouns)

        counts = dict(self.order_by().values_list("portal").annotate(n=Count("pk")).values_list("portal", "n"))
        return {portal: counts[portal.pk] for portal in Portal.objects.filter(pk__in=counts)}

    def achar_respostas(self, agora: datetime) -> int:
        """Links each accepted line to the newest answer of the same petition in the last REAPROVEITAR_DIAS days.

        The same petition: same case and same identifier; without an identifier, same name or same content too. Only
        a filed petition is proposed for reuse: every other answer may have changed since. One statement, whatever the
        number of lines. Returns how many have an answer.
        """
        from executions.models.job_item import JobItem  # noqa: PLC0415 (mutual nouns)

        since = agora - timedelta(days=settings.REAPROVEITAR_DIAS)
        same_file = Q(nome_arquivo=OuterRef("nome")) | ~Q(sha256="") & Q(sha256=OuterRef("sha256"))
        former = (
            JobItem.objects.respondidos().filter(finished_at__gte=since)
            .filter(numero_processo=OuterRef("numero"), identificador=OuterRef("identificador"))
            .filter(~Q(identificador="") | same_file).order_by("-finished_at")
        )  # fmt: skip
        self.aceitas().update(anterior=Subquery(former.values("pk")[:1]))
        found = self.respondidas()
        found.filter(anterior__in=JobItem.objects.protocolados()).update(reaproveitar=True)
        return found.update(tipo=LinhaConferida.Tipo.AVISO)


class LinhaConferida(models.Model):
    """One line as it was read: accepted, with its warnings, or refused with the reason."""

    class Tipo(models.TextChoices):
        RECUSADA = "recusada"
        AVISO = "aviso"
        LIMPA = "limpa"

    conferencia = models.ForeignKey(Conferencia, models.CASCADE, related_name="linhas")
    ordem = models.PositiveIntegerField()
    nome = models.CharField(max_length=255)
    numero = models.CharField(max_length=25)
    identificador = models.CharField(max_length=60)
    portal = models.ForeignKey("executions.Portal", models.CASCADE, null=True, related_name="+", db_index=False)
    avisos = models.JSONField(default=list)
    erro = models.TextField()
    sha256 = models.CharField(max_length=64)
    busca = models.CharField(max_length=LIMITE)
    tipo = models.CharField(max_length=8, choices=Tipo.choices)
    arquivo = models.ForeignKey(ArquivoEnviado, models.CASCADE, null=True, related_name="linhas")
    anterior = models.ForeignKey("executions.JobItem", models.SET_NULL, null=True, related_name="+")
    reaproveitar = models.BooleanField(default=False)

    objects = models.Manager.from_queryset(LinhaQuerySet)()

    class Meta:
        db_table = "linhas_conferidas"
        ordering = ["conferencia", "ordem"]
        default_permissions = ()
        indexes = [models.Index(fields=["conferencia", "tipo", "ordem"], name="linha_por_tipo")]
        constraints = [models.UniqueConstraint(fields=["conferencia", "ordem"], name="uma_ordem_por_linha")]

    def __str__(self) -> str:
        return self.nome

    @classmethod
    def da_leitura(cls, conferencia: Conferencia, linha: Linha, **campos: Any) -> "LinhaConferida":
        """The row (unsaved) of a line of the intake; its content stays with its file."""
        tipo = cls.Tipo.RECUSADA if linha.erro else cls.Tipo.AVISO if linha.avisos else cls.Tipo.LIMPA
        return cls(
            conferencia=conferencia, ordem=linha.ordem, nome=linha.nome, numero=linha.numero, tipo=tipo,
            identificador=linha.identificador, avisos=list(linha.avisos), erro=linha.erro, sha256=linha.sha256,
            busca=texto_de(linha.nome, linha.numero, linha.identificador), **campos,
        )  # fmt: skip
