from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from executions.admin.base import SomenteLeitura
from executions.admin.confirmar import confirmado, pedir_confirmacao
from executions.formatos import contados, numero
from executions.models import Processo, Script
from executions.templatetags.paginas import megabytes, quando
from executions.views.baixas import BaixaDeRobo


@admin.register(Processo)
class ProcessoAdmin(SomenteLeitura):
    """One operating-system process. What ends it is an intent; its own host acts on it."""

    list_display = ("id", "o_que", "host", "pid", "status", "passo", "sinal", "memoria", "motivo", "fim")
    list_filter = ("status", "tipo", "host", "motivo")
    list_select_related = ("execucao", "host", "script")
    search_fields = ("=pid", "=execucao__id", "script__nome", "uuid", "passo", "host__nome")
    search_help_text = _("PID, número da execução, script, passo ou máquina")
    actions = ("encerrar_robo", "reiniciar_robo", "cancelar_script", "encerrar_script")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Processo]:
        return super().get_queryset(request).select_related("execucao", "host", "script")

    @admin.display(description=_("execução ou script"))
    def o_que(self, obj: Processo) -> str:
        return f"#{obj.execucao_id}" if obj.execucao_id else str(obj.script)

    @admin.display(description=_("último sinal"), ordering="heartbeat_at")
    def sinal(self, obj: Processo) -> SafeString:
        return quando(obj.heartbeat_at, "curto")

    @admin.display(description=_("memória"), ordering="rss")
    def memoria(self, obj: Processo) -> str:
        return megabytes(obj.rss)

    @admin.display(description=_("terminado em"), ordering="ended_at")
    def fim(self, obj: Processo) -> SafeString:
        return quando(obj.ended_at, "curto")

    def has_encerrar_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.encerrar"])

    @admin.action(description=_("Encerrar robô…"), permissions=["encerrar"])
    def encerrar_robo(self, request: HttpRequest, queryset: QuerySet[Processo]) -> HttpResponse | None:
        return self._acao(request, queryset, "encerrar")

    @admin.action(description=_("Reiniciar robô…"), permissions=["encerrar"])
    def reiniciar_robo(self, request: HttpRequest, queryset: QuerySet[Processo]) -> HttpResponse | None:
        return self._acao(request, queryset, "reiniciar")

    def has_cancelar_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.executar_script"])

    @admin.action(description=_("Cancelar script…"), permissions=["cancelar"])
    def cancelar_script(self, request: HttpRequest, queryset: QuerySet[Processo]) -> HttpResponse | None:
        rows = queryset.filter(cancel_requested_at=None)
        aviso = gettext("Cada script recebe um pedido para terminar; depois de alguns segundos é parado à força.")
        return self._com_scripts(request, queryset, rows, "cancelar", aviso)

    @admin.action(description=_("Encerrar script…"), permissions=["cancelar"])
    def encerrar_script(self, request: HttpRequest, queryset: QuerySet[Processo]) -> HttpResponse | None:
        aviso = gettext("Cada script e tudo o que ele abriu são parados à força, na hora.")
        return self._com_scripts(request, queryset, queryset, "encerrar", aviso)

    def _com_scripts(
        self, request: HttpRequest, queryset: QuerySet[Processo], rows: QuerySet[Processo], verbo: str, aviso: str
    ) -> HttpResponse | None:
        """`verbo`: cancelar or encerrar. Robots are left alone, and scripts that this person may not stop."""
        rows = rows.filter(script__in=Script.objects.paraveis(request.user).values("pk"))
        found = [p for p in rows.scripts().select_related("script", "host") if p.vivo and p.kill_requested_at is None]  # type: ignore[attr-defined]
        if not found:
            text = (
                gettext("Nada a cancelar: nenhum script escolhido está vivo, ou a parada já foi pedida.")
                if verbo == "cancelar"
                else gettext("Nada a encerrar: nenhum script escolhido está vivo, ou a parada já foi pedida.")
            )
            self.message_user(request, text, messages.INFO)
            return None
        if confirmado(request):
            assert isinstance(request.user, AbstractBaseUser)
            act = Processo.cancelar if verbo == "cancelar" else Processo.matar
            n = sum(act(p, request.user) for p in found)
            text = (
                ngettext("%(n)s script: cancelamento pedido.", "%(n)s scripts: cancelamento pedido.", n)
                if verbo == "cancelar"
                else ngettext("%(n)s script: encerramento pedido.", "%(n)s scripts: encerramento pedido.", n)
            )
            text = contados(text, n) if n else gettext("Nada mudou.")
            self.message_user(request, text, messages.SUCCESS if n else messages.INFO)
            return None
        title = _titulo(verbo, len(found))
        return pedir_confirmacao(
            self, request, queryset, acao=f"{verbo}_script", titulo=f"{title}?", botao=title, aviso=aviso,
            linhas=[f"{p.script}: {_onde(p)}" for p in found],
        )  # fmt: skip

    def _acao(self, request: HttpRequest, queryset: QuerySet[Processo], verbo: str) -> HttpResponse | None:
        """`verbo`: encerrar or reiniciar. Scripts are left alone: these two are robots' acts."""
        robos = [robo for robo in queryset.robos().com_item() if robo.vivo and robo.kill_requested_at is None]  # type: ignore[attr-defined]
        if not robos:
            text = (
                gettext("Nada a encerrar: nenhum robô escolhido está vivo.")
                if verbo == "encerrar"
                else gettext("Nada a reiniciar: nenhum robô escolhido está vivo.")
            )
            self.message_user(request, text, messages.INFO)
            return None
        if confirmado(request):
            self._fazer(request, robos, verbo)
            return None
        title = _titulo(f"{verbo}_robo", len(robos))
        return pedir_confirmacao(
            self, request, queryset, acao=f"{verbo}_robo", titulo=f"{title}?", botao=title,
            aviso=gettext("Cada robô e o navegador dele são parados à força."),
            linhas=[_linha(robo, verbo, robos) for robo in robos],
        )  # fmt: skip

    def _fazer(self, request: HttpRequest, robos: list[Processo], verbo: str) -> None:
        assert isinstance(request.user, AbstractBaseUser)
        n = sum(getattr(robo, verbo)(request.user) for robo in robos)
        text = (
            ngettext("%(n)s robô: encerramento pedido.", "%(n)s robôs: encerramento pedido.", n)
            if verbo == "encerrar"
            else ngettext("%(n)s robô: reinício pedido.", "%(n)s robôs: reinício pedido.", n)
        )
        text = contados(text, n) if n else gettext("Nada mudou.")
        self.message_user(request, text, messages.SUCCESS if n else messages.INFO)


def _titulo(acao: str, n: int) -> str:
    """`acao`: a verb, of scripts, or with _robo, of robots."""
    titles = {
        "cancelar": ngettext("Cancelar %(n)s script", "Cancelar %(n)s scripts", n),
        "encerrar": ngettext("Encerrar %(n)s script", "Encerrar %(n)s scripts", n),
        "encerrar_robo": ngettext("Encerrar %(n)s robô", "Encerrar %(n)s robôs", n),
        "reiniciar_robo": ngettext("Reiniciar %(n)s robô", "Reiniciar %(n)s robôs", n),
    }
    return contados(titles[acao], n)


def _onde(processo: Processo) -> str:
    if processo.pid:
        return gettext("PID %(pid)s em %(host)s") % {"pid": processo.pid, "host": processo.host}
    return gettext("ainda sem PID")


def _linha(robo: Processo, verbo: str, juntos: list[Processo]) -> str:
    """What dies, and what becomes of its item and its batch."""
    who = f"{robo}, PID {robo.pid}" if robo.pid else gettext("%(robo)s, ainda sem PID,") % {"robo": robo}
    item = gettext("com %(caso)s em mãos") % {"caso": robo.caso} if robo.caso else gettext("sem item em mãos")
    text = gettext("%(who)s em %(host)s, da execução %(execucao_id)s, %(item)s") % {
        "who": who,
        "host": robo.host or gettext("nenhuma máquina"),
        "execucao_id": robo.execucao_id,
        "item": item,
    }
    if verbo == "reiniciar":
        return gettext("%(text)s: o item volta a pendente.") % {"text": text} if robo.caso else f"{text}."
    baixa = BaixaDeRobo.de(robo, com=juntos)
    if baixa.ultimo:
        n = baixa.itens_abertos
        ends = ngettext(
            "%(text)s: nenhum outro fica, a execução termina e %(n)s item aberto falha.",
            "%(text)s: nenhum outro fica, a execução termina e %(n)s itens abertos falham.",
            n,
        )
        return ends % {"text": text, "n": numero(n)}
    return gettext("%(text)s: o item falha como encerrado.") % {"text": text} if robo.caso else f"{text}."
