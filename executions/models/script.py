import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock, parametros

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from executions.models.processo import ProcessoQuerySet

BY_SUFFIX = {".py": "", ".sh": "/bin/sh", ".js": "node", ".pl": "perl"}


class AvisarEm(models.TextChoices):
    """At which ends the chosen destinations are told."""

    NUNCA = "nunca", _("nunca")
    FALHA = "falha", _("só em falha")
    SEMPRE = "sempre", _("sempre")


class ArquivoRecusado(ValueError):
    """O arquivo do script não pode ser usado."""


class ScriptQuerySet(models.QuerySet["Script"]):
    def permitidos(self, usuario: "AbstractBaseUser | AnonymousUser") -> "ScriptQuerySet":
        """Those that this user may run: everybody's, and those of a group of his."""
        if getattr(usuario, "is_superuser", False):
            return self
        mine = Group.objects.filter(user=usuario.pk)
        return self.filter(Q(quem_pode=None) | Q(quem_pode__in=mine)).distinct()

    def paraveis(self, usuario: "AbstractBaseUser | AnonymousUser") -> "ScriptQuerySet":
        """Those that this user may cancel or kill: those that he may run, and all for who may end everything."""
        everything = usuario.has_perm("executions.encerrar_todos")  # type: ignore[union-attr]
        return self if everything else self.permitidos(usuario)


class Script(models.Model):
    """A file below SCRIPTS_DIR that may be run as a supervised process, with its limits and its typed parameters."""

    nome = models.CharField(_("nome"), max_length=100, unique=True)
    descricao = models.CharField(_("descrição"), max_length=300, blank=True)
    arquivo = models.CharField(_("arquivo"), max_length=300, help_text=_("Caminho dentro da pasta de scripts."))
    interpretador = models.CharField(
        _("interpretador"), max_length=200, blank=True, help_text=_("Vazio: pelo sufixo do arquivo.")
    )
    argumentos = models.JSONField(
        _("argumentos"), default=list, blank=True, help_text=_('Lista de textos; "{nome}" é um parâmetro.')
    )
    parametros = models.JSONField(_("parâmetros"), default=list, blank=True)
    timeout_s = models.PositiveIntegerField(
        _("tempo limite (s)"), default=600, validators=[MinValueValidator(1), MaxValueValidator(7 * 24 * 3600)]
    )
    max_memoria_mb = models.PositiveIntegerField(
        _("memória máxima (MB)"), default=1024, validators=[MinValueValidator(16)]
    )
    prioridade_cpu = models.PositiveSmallIntegerField(
        _("nice"), default=5, validators=[MaxValueValidator(19)], help_text=_("0 a 19: quanto maior, mais cede a vez.")
    )
    max_saida_kb = models.PositiveIntegerField(
        _("saída guardada (KB)"), default=2048, validators=[MinValueValidator(16)]
    )
    max_processos = models.PositiveIntegerField(_("processos no máximo"), default=50, validators=[MinValueValidator(1)])
    ativo = models.BooleanField(_("ativo"), default=True)
    quem_pode = models.ManyToManyField(
        Group,
        blank=True,
        related_name="+",
        verbose_name=_("quem pode executar"),
        help_text=_("Vazio: todos os operadores."),
    )
    avisar_em = models.CharField(_("avisar"), max_length=6, choices=AvisarEm.choices, default=AvisarEm.FALHA)
    destinos = models.ManyToManyField("executions.Destino", blank=True, related_name="+", verbose_name=_("destinos"))
    sha256 = models.CharField(_("SHA-256 confirmado"), max_length=64, editable=False)
    confirmado_em = models.DateTimeField(_("confirmado em"), null=True, blank=True, editable=False)

    processos: "ProcessoQuerySet"
    objects = models.Manager.from_queryset(ScriptQuerySet)()

    class Meta:
        db_table = "scripts"
        ordering = ["nome"]
        verbose_name = _("script")
        permissions = [("executar_script", _("Pode executar e cancelar scripts"))]

    def __str__(self) -> str:
        return self.nome

    @property
    def caminho(self) -> Path:
        """The file itself. Raises ArquivoRecusado for a path outside SCRIPTS_DIR, a symbolic link out, no file."""
        root = Path(settings.SCRIPTS_DIR).resolve()
        try:
            path = (root / self.arquivo).resolve()
            inside = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError) as error:
            raise ArquivoRecusado(
                gettext("O arquivo %(arquivo)s não pode ser lido.") % {"arquivo": f"{self.arquivo!r}"}
            ) from error
        if not inside:
            raise ArquivoRecusado(
                gettext("Não há arquivo %(arquivo)s dentro da pasta de scripts (%(root)s).")
                % {"arquivo": f"{self.arquivo!r}", "root": root}
            )
        return path

    def sha256_atual(self) -> str:
        """Of the file as it is now. Raises ArquivoRecusado."""
        try:
            return hashlib.sha256(self.caminho.read_bytes()).hexdigest()
        except OSError as error:
            raise ArquivoRecusado(
                gettext("O arquivo %(arquivo)s não pode ser lido.") % {"arquivo": f"{self.arquivo!r}"}
            ) from error

    @property
    def mudou(self) -> bool:
        """Is the file another one than was confirmed (or gone)?"""
        try:
            return self.sha256_atual() != self.sha256
        except ArquivoRecusado:
            return True

    def confirmar(self) -> None:
        """Pins the file as it is now (unsaved). Raises ArquivoRecusado."""
        self.sha256, self.confirmado_em = self.sha256_atual(), clock.db_now()

    def comando(self, aceitos: Mapping[str, str]) -> list[str]:
        """The whole argument list, interpreter first. Raises ArquivoRecusado."""
        path = self.caminho
        interpreter = self.interpretador or BY_SUFFIX.get(path.suffix)
        if interpreter == "":
            interpreter = sys.executable
        head = [interpreter] if interpreter else []
        # In the declared order: PostgreSQL keeps the keys of a JSON object in an order of its own.
        declared = [p["nome"] for p in self.parametros if p["nome"] in aceitos]
        return [*head, str(path), *parametros.argumentos(self.argumentos, {nome: aceitos[nome] for nome in declared})]

    def pode(self, usuario: "AbstractBaseUser | AnonymousUser") -> bool:
        return Script.objects.filter(pk=self.pk).permitidos(usuario).exists()

    def pode_parar(self, usuario: "AbstractBaseUser | AnonymousUser") -> bool:
        return Script.objects.filter(pk=self.pk).paraveis(usuario).exists()

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        try:
            self.caminho  # noqa: B018 (the question is whether it raises)
        except ArquivoRecusado as error:
            errors["arquivo"] = str(error)
        if not isinstance(self.argumentos, list) or not all(isinstance(a, str) for a in self.argumentos):
            errors["argumentos"] = gettext("Informe uma lista de textos.")
        try:
            parametros.conferir_declaracao(self.parametros)
        except parametros.ParametroInvalido as error:
            errors["parametros"] = str(error)
        if errors:
            raise ValidationError(errors)
