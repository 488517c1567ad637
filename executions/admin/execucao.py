from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from executions import robos
from executions.admin.base import SomenteLeitura
from executions.admin.confirmar import confirmado, pedir_confirmacao
from executions.formatos import contados, numero
from executions.models import Execucao
from executions.templatetags.paginas import quando
from executions.views import recados
from executions.views.baixas import Baixas

EDITAVEIS = ("titulo", "max_robots", "prioridade")


@admin.register(Execucao)
class ExecucaoAdmin(SomenteLeitura):
    """A batch. Only title, maximum of robots, priority and who is told are edited; the rest happens through actions."""

    list_display = (
        "id", "titulo", "portal", "situacao", "progresso", "n_failed", "max_robots", "prioridade", "usuario", "criada",
    )  # fmt: skip
    list_display_links = ("id", "titulo")
    list_filter = ("status", "prioridade", "portal", "mode", "origem", "created_at")
    list_select_related = ("portal", "usuario")
    search_fields = ("=id", "titulo", "solicitante", "usuario__username")
    search_help_text = _("Número, título ou quem enviou")
    actions = ("iniciar_worker", "pausar", "retomar", "reabrir_falhas", "encerrar", "encerrar_todos")
    filter_horizontal = ("destinos",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "titulo",
                    "max_robots",
                    "prioridade",
                    "destinos",
                    "situacao",
                    "motivo",
                    "pausada_em",
                    "pausada_por",
                )
            },
        ),
        (
            _("O que e por quem"),
            {"fields": ("robo", "portal", "credencial", "mode", "usuario", "solicitante", "origem")},
        ),
        (_("Contadores"), {"fields": ("total_arquivos", "n_pending", "n_running", "n_done", "n_failed", "geracao")}),
        (_("Tempos"), {"fields": ("created_at", "started_at", "finished_at", "heartbeat_at", "progress_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execucao]:
        return super().get_queryset(request).com_nomes()  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["situacao", *(f.name for f in Execucao._meta.fields if f.name not in EDITAVEIS)]

    @admin.display(description=_("situação"), ordering="status")
    def situacao(self, obj: Execucao) -> str:
        return gettext("pausada") if obj.aberta and obj.pausada else obj.get_status_display()

    @admin.display(description=_("criada em"), ordering="created_at")
    def criada(self, obj: Execucao) -> SafeString:
        return quando(obj.created_at, "curto")

    @admin.display(description=_("verificados"))
    def progresso(self, obj: Execucao) -> str:
        return gettext("%(n)s de %(total)s") % {"n": numero(obj.progress), "total": numero(obj.total_arquivos)}

    # ---- who may ---------------------------------------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may start and pause may also say how many robots."""
        return request.user.has_perms(["executions.iniciar"]) or request.user.has_perms(["executions.change_execucao"])

    def has_iniciar_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.iniciar"])

    def has_encerrar_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.encerrar"])

    def has_encerrar_todos_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.encerrar_todos"])

    def has_reabrir_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.reabrir"])

    def save_model(self, request: HttpRequest, obj: Execucao, form: "ModelForm[Execucao]", change: bool) -> None:
        """Only what was edited: the counters in this object are old by now."""
        if "titulo" in form.changed_data:
            obj.save(update_fields=["titulo"])
        if "max_robots" in form.changed_data:
            obj.definir_max_robots(obj.max_robots, _quem(request))
        if "prioridade" in form.changed_data:
            obj.definir_prioridade(obj.prioridade, _quem(request))

    # ---- acts ------------------------------------------------------------------------------------------------------
    @admin.action(description=_("Iniciar worker"), permissions=["iniciar"])
    def iniciar_worker(self, request: HttpRequest, queryset: QuerySet[Execucao]) -> None:
        for execucao in queryset.order_by("id"):
            level, text = recados.do_pedido(robos.iniciar(execucao, _quem(request)))
            self.message_user(request, gettext("Execução %(n)s: %(text)s") % {"n": execucao.pk, "text": text}, level)

    @admin.action(description=_("Pausar"), permissions=["iniciar"])
    def pausar(self, request: HttpRequest, queryset: QuerySet[Execucao]) -> None:
        n = sum(execucao.pausar(_quem(request)) for execucao in queryset)
        self._contar(request, n, queryset.count(), ngettext("%(n)s execução pausada.", "%(n)s execuções pausadas.", n))

    @admin.action(description=_("Retomar"), permissions=["iniciar"])
    def retomar(self, request: HttpRequest, queryset: QuerySet[Execucao]) -> None:
        n = sum(execucao.retomar(_quem(request)) for execucao in queryset)
        self._contar(
            request, n, queryset.count(), ngettext("%(n)s execução retomada.", "%(n)s execuções retomadas.", n)
        )

    @admin.action(description=_("Reabrir falhas"), permissions=["reabrir"])
    def reabrir_falhas(self, request: HttpRequest, queryset: QuerySet[Execucao]) -> None:
        n = sum(execucao.reabrir(_quem(request)) for execucao in queryset)
        text = ngettext("%(n)s falha reaberta.", "%(n)s falhas reabertas.", n)
        text = contados(text, n) if n else str(recados.NADA_A_REABRIR)
        self.message_user(request, text, messages.SUCCESS if n else messages.INFO)

    @admin.action(description=_("Encerrar…"), permissions=["encerrar"])
    def encerrar(self, request: HttpRequest, queryset: QuerySet[Execucao]) -> HttpResponse | None:
        if confirmado(request):
            n = sum(execucao.encerrar(_quem(request)) for execucao in queryset.order_by("id"))
            self._contar(
                request, n, queryset.count(), ngettext("%(n)s execução encerrada.", "%(n)s execuções encerradas.", n)
            )
            return None
        baixas = Baixas.de_execucoes(queryset)
        if not baixas.execucoes:
            self.message_user(
                request, gettext("Nada a encerrar: as execuções escolhidas já terminaram."), messages.INFO
            )
            return None
        dying = len(baixas.execucoes)
        text = contados(ngettext("Encerrar %(n)s execução", "Encerrar %(n)s execuções", dying), dying)
        ended = queryset.count() - len(baixas.execucoes)
        already = ngettext(
            "%(n)s escolhida já terminou: nada muda nela.", "%(n)s escolhidas já terminaram: nada muda nelas.", ended
        )
        aviso = already % {"n": numero(ended)} if ended else ""
        return pedir_confirmacao(
            self, request, queryset, acao="encerrar", titulo=f"{text}?", botao=text, aviso=aviso, baixas=baixas
        )

    @admin.action(description=_("Encerrar todos… (ignora a seleção)"), permissions=["encerrar_todos"])
    def encerrar_todos(self, request: HttpRequest, queryset: QuerySet[Execucao]) -> HttpResponse | None:
        baixas = Baixas.de_tudo()
        processos = contados(
            ngettext("%(n)s processo", "%(n)s processos", len(baixas.processos)), len(baixas.processos)
        )
        if confirmado(request):
            n = robos.encerrar_todos(_quem(request))
            text = gettext("%(n)s; parada pedida a %(processos)s.") % {
                "n": contados(ngettext("%(n)s execução encerrada", "%(n)s execuções encerradas", n), n),
                "processos": processos,
            }
            self.message_user(request, text, messages.SUCCESS)
            return None
        if baixas.vazia:
            self.message_user(request, gettext("Nada a encerrar: nada aberto e nenhum processo vivo."), messages.INFO)
            return None
        counts = gettext("%(execucoes)s e %(processos)s") % {
            "execucoes": contados(
                ngettext("%(n)s execução", "%(n)s execuções", len(baixas.execucoes)), len(baixas.execucoes)
            ),
            "processos": processos,
        }
        aviso = gettext("A seleção é ignorada: tudo o que está aberto termina, %(counts)s.") % {"counts": counts}
        botao = gettext("Encerrar %(n)s") % {"n": counts}
        return pedir_confirmacao(
            self, request, queryset, acao="encerrar_todos", titulo=gettext("Encerrar todos?"), botao=botao, aviso=aviso,
            baixas=baixas,
        )  # fmt: skip

    def _contar(self, request: HttpRequest, n: int, chosen: int, texto: str) -> None:
        rest = chosen - n
        text = contados(texto, n) if n else gettext("Nada mudou.")
        if rest:
            left = ngettext(
                "%(n)s não precisava: já estava assim ou já terminou.",
                "%(n)s não precisavam: já estavam assim ou já terminaram.",
                rest,
            )
            text = f"{text} {left % {'n': numero(rest)}}"
        self.message_user(request, text, messages.SUCCESS if n else messages.INFO)


def _quem(request: HttpRequest) -> AbstractBaseUser:
    assert isinstance(request.user, AbstractBaseUser)
    return request.user
