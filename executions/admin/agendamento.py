from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from executions import agenda, clock, cron
from executions.formatos import contados
from executions.models import Agendamento, Disparo, Script
from executions.templatetags.paginas import quando

NEXT, LAST = 5, 10
DE_SCRIPT = ("script", "parametros", "timeout_s")
DE_EXECUCAO = ("portal", "credencial", "robo", "mode", "max_robots", "titulo", "pasta", "nomes")
NIVEL = {
    Disparo.Desfecho.MANUAL: messages.SUCCESS, Disparo.Desfecho.INICIANDO: messages.INFO,
    Disparo.Desfecho.PULADO: messages.WARNING,
}  # fmt: skip


class AgendamentoForm(forms.ModelForm):
    """Nobody schedules what he may not start himself: it will run in his name."""

    usuario: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "parametros" in self.fields:
            # What changed is told from the row, not from a hidden field that came with the page.
            self.fields["parametros"].show_hidden_initial = False

    def clean_parametros(self) -> Any:
        """An emptied field is an empty object."""
        value = self.cleaned_data["parametros"]
        return {} if value is None else value

    def clean_script(self) -> Script | None:
        script: Script | None = self.cleaned_data["script"]
        if script and not (self.usuario.has_perm("executions.executar_script") and script.pode(self.usuario)):
            raise ValidationError(gettext("Você não pode executar este script."))
        return script

    def clean_portal(self) -> Any:
        portal = self.cleaned_data["portal"]
        if portal and not self.usuario.has_perms(["executions.enfileirar", "executions.iniciar"]):
            raise ValidationError(gettext("Você não pode iniciar execuções."))
        return portal


@admin.register(Agendamento)
class AgendamentoAdmin(admin.ModelAdmin):
    form = AgendamentoForm
    list_display = ("nome", "em_palavras", "o_que", "proximo", "situacao", "usuario")
    list_filter = ("pausado_em", "script")
    list_select_related = ("script", "portal", "usuario")
    search_fields = ("nome", "script__nome", "titulo")
    search_help_text = _("Nome, script ou título")
    actions = ("pausar", "retomar", "executar_agora")
    filter_horizontal = ("destinos",)
    readonly_fields = ("em_palavras", "proximos_horarios", "ultimos_disparos", "pausado_em", "usuario")
    fieldsets = (
        (None, {"fields": ("nome", "cron", "em_palavras", "proximos_horarios", "pausado_em", "usuario")}),
        (_("Um script"), {"fields": DE_SCRIPT}),
        (_("Ou uma execução de arquivos"), {"fields": DE_EXECUCAO}),
        (_("Avisos"), {"fields": ("avisar_em", "destinos")}),
        (_("Últimos disparos"), {"fields": ("ultimos_disparos",)}),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("FormDoUsuario", (form,), {"usuario": request.user})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agendamento]:
        return super().get_queryset(request).select_related("script", "portal", "credencial", "usuario")

    @admin.display(description=_("quando"))
    def em_palavras(self, obj: Agendamento) -> str:
        return obj.em_palavras if obj.pk else ""

    @admin.display(description=_("o quê"))
    def o_que(self, obj: Agendamento) -> str:
        return (
            gettext("script %(script)s") % {"script": obj.script}
            if obj.script
            else gettext("execução em %(portal)s") % {"portal": obj.portal}
        )

    @admin.display(description=_("próximo disparo"), ordering="proximo_em")
    def proximo(self, obj: Agendamento) -> SafeString:
        return quando(obj.proximo_em)

    @admin.display(description=_("situação"), ordering="pausado_em")
    def situacao(self, obj: Agendamento) -> str:
        return gettext("pausado") if obj.pausado_em else gettext("ativo")

    @admin.display(description=_("próximos horários"))
    def proximos_horarios(self, obj: Agendamento) -> str:
        if not obj.pk:
            return ""
        try:
            times = cron.proximos(obj.cron, clock.db_now(), NEXT)
        except cron.CronInvalido as error:
            return str(error)
        told = format_html_join(", ", "{}", ((quando(at),) for at in times))
        return format_html(gettext("Pausado. Se retomado: {horarios}"), horarios=told) if obj.pausado_em else told

    @admin.display(description=_("últimos disparos"))
    def ultimos_disparos(self, obj: Agendamento) -> str:
        if not obj.pk:
            return ""
        rows = [(quando(d.due_at or d.at), d.em_palavras) for d in obj.disparos.all()[:LAST]]
        items = format_html_join("", "<li>{}: {}</li>", rows)
        return format_html("<ul>{}</ul>", items) if rows else gettext("nenhum ainda")

    def save_model(
        self, request: HttpRequest, obj: Agendamento, form: "forms.ModelForm[Agendamento]", change: bool
    ) -> None:
        """It runs in the name of who saved it last. Only what was edited is written: schedulers move the rest."""
        obj.usuario = request.user  # type: ignore[assignment]
        if not change:
            obj.save()
            return
        names = {"usuario", *form.changed_data} - {"destinos"}
        if "cron" in form.changed_data:
            obj.pausado_em = Agendamento.objects.values_list("pausado_em", flat=True).get(pk=obj.pk)
            obj.remarcar(clock.db_now())
            names.add("proximo_em")
        obj.save(update_fields=sorted(names))

    # ---- acts ------------------------------------------------------------------------------------------------------
    @admin.action(description=_("Pausar"), permissions=["change"])
    def pausar(self, request: HttpRequest, queryset: QuerySet[Agendamento]) -> None:
        n = sum(agendamento.pausar(_quem(request)) for agendamento in queryset)
        self._contar(request, n, ngettext("%(n)s agendamento pausado.", "%(n)s agendamentos pausados.", n))

    @admin.action(description=_("Retomar"), permissions=["change"])
    def retomar(self, request: HttpRequest, queryset: QuerySet[Agendamento]) -> None:
        n = sum(agendamento.retomar(_quem(request)) for agendamento in queryset)
        self._contar(request, n, ngettext("%(n)s agendamento retomado.", "%(n)s agendamentos retomados.", n))

    @admin.action(description=_("Executar agora"), permissions=["change"])
    def executar_agora(self, request: HttpRequest, queryset: QuerySet[Agendamento]) -> None:
        for agendamento in queryset:
            if not agendamento.pode_ser_iniciado_por(request.user):
                self.message_user(
                    request,
                    gettext("%(agendamento)s: você não pode iniciar isto.") % {"agendamento": agendamento},
                    messages.ERROR,
                )
                continue
            disparo = agenda.executar_agora(agendamento, _quem(request))
            level = NIVEL.get(Disparo.Desfecho(disparo.desfecho), messages.ERROR)
            self.message_user(request, f"{agendamento}: {disparo.em_palavras}", level)

    def _contar(self, request: HttpRequest, n: int, texto: str) -> None:
        text = contados(texto, n) if n else gettext("Nada mudou.")
        self.message_user(request, text, messages.SUCCESS if n else messages.INFO)


def _quem(request: HttpRequest) -> AbstractBaseUser:
    assert isinstance(request.user, AbstractBaseUser)
    return request.user
