from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.admin.confirmar import confirmado, pedir_confirmacao
from executions.formatos import contados
from executions.models import ArquivoRecusado, Registro, Script
from executions.parametros import TIPOS
from executions.templatetags.paginas import quando

DO_ARQUIVO = ["sha256", "confirmado_em"]
DE_MUITOS = ("quem_pode", "destinos")
SHOWN = 16  # of the hash's digits, for a person to compare
AJUDA_ARGUMENTOS = _(
    'Lista de textos, em JSON: ["--alvo", "{alvo}"]. "{nome}" vira o valor do parâmetro; nunca passa por um shell.'
)
AJUDA_PARAMETROS = format_lazy(
    "{} {}. {}",
    _('Lista em JSON: [{"nome": "dia", "tipo": "data", "rotulo": "Dia", "obrigatorio": true}]. Tipos:'),
    ", ".join(TIPOS),
    _(
        "Também: padrao, opcoes (escolha), minimo e maximo (numero). "
        "O que nenhum argumento nomeia segue como --nome=valor."
    ),
)
MUDOU = _(
    "O arquivo mudou desde que foi confirmado, ou não está na pasta: o script não roda. "
    "Confira-o e use a ação «Confirmar arquivo», na lista."
)


class ScriptForm(forms.ModelForm):
    class Meta:
        model = Script
        fields = (
            "nome", "descricao", "arquivo", "interpretador", "argumentos", "parametros", "timeout_s", "max_memoria_mb",
            "prioridade_cpu", "max_saida_kb", "max_processos", "ativo", "quem_pode", "avisar_em", "destinos",
        )  # fmt: skip
        help_texts = {
            "argumentos": AJUDA_ARGUMENTOS,
            "parametros": AJUDA_PARAMETROS,
            "interpretador": _("Vazio: pelo sufixo do arquivo (.py, .sh, .js, .pl) ou pela primeira linha dele."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"argumentos", "parametros"} & set(self.fields):
            # What changed is told from the row, not from a hidden field that came with the page.
            self.fields[name].show_hidden_initial = False

    def clean_argumentos(self) -> Any:
        return _lista(self.cleaned_data["argumentos"])

    def clean_parametros(self) -> Any:
        return _lista(self.cleaned_data["parametros"])


def _lista(value: Any) -> Any:
    """An emptied field is an empty list."""
    return [] if value is None else value


@admin.register(Script)
class ScriptAdmin(admin.ModelAdmin):
    """The registry. A file's SHA-256 is pinned when it is registered; a changed file is confirmed by an action."""

    form = ScriptForm
    list_display = ("nome", "arquivo", "situacao", "timeout_s", "max_memoria_mb", "ativo", "grupos")
    list_filter = ("ativo", "quem_pode", "confirmado_em")
    search_fields = ("nome", "descricao", "arquivo")
    search_help_text = _("Nome, descrição ou arquivo")
    filter_horizontal = ("quem_pode", "destinos")
    readonly_fields = ("situacao", "sha256", "confirmado", "historico")
    actions = ("confirmar_arquivo",)
    fieldsets = (
        (None, {"fields": ("nome", "descricao", "arquivo", "interpretador", "ativo", "quem_pode")}),
        (_("Arquivo"), {"fields": readonly_fields}),
        (_("Argumentos"), {"fields": ("argumentos", "parametros")}),
        (_("Limites"), {"fields": ("timeout_s", "max_memoria_mb", "max_processos", "prioridade_cpu", "max_saida_kb")}),
        (_("Avisos"), {"fields": ("avisar_em", "destinos")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Script]:
        return super().get_queryset(request).prefetch_related("quem_pode")

    @admin.display(description=_("situação do arquivo"))
    def situacao(self, obj: Script) -> str:
        if not obj.sha256:
            return gettext("Será confirmado ao salvar.")
        try:
            changed = obj.sha256_atual() != obj.sha256
        except ArquivoRecusado as error:
            return str(error)
        return gettext("MUDOU: não roda até ser confirmado de novo") if changed else gettext("confirmado")

    @admin.display(description=_("confirmado em"), ordering="confirmado_em")
    def confirmado(self, obj: Script) -> SafeString:
        return quando(obj.confirmado_em, "completo")

    @admin.display(description=_("quem pode executar"))
    def grupos(self, obj: Script) -> str:
        return ", ".join(str(group) for group in obj.quem_pode.all()) or gettext("todos os operadores")

    @admin.display(description=_("histórico"))
    def historico(self, obj: Script) -> SafeString | str:
        if obj.pk is None:
            return ""
        url = f"{reverse('executions:processos')}?o_que={obj.pk}#historico"
        return format_html('<a href="{}">{}</a>', url, gettext("As execuções deste script"))

    # ---- the file's pin ----------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Script, form: "forms.ModelForm[Script]", change: bool) -> None:
        """Pins the file when it is named: registered, or another one chosen. Only what was edited is written."""
        named = not change or "arquivo" in form.changed_data
        if named:
            obj.confirmar()
        edited = [name for name in form.changed_data if name not in DE_MUITOS]
        obj.save(update_fields=[*edited, *(DO_ARQUIVO if named else [])] if change else None)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = self.get_object(request, object_id)
        if request.method == "GET" and isinstance(obj, Script) and obj.mudou:
            self.message_user(request, MUDOU, messages.WARNING)
        return super().change_view(request, object_id, *args, **kwargs)

    def has_confirmar_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["executions.change_script"])

    @admin.action(description=_("Confirmar arquivo…"), permissions=["confirmar"])
    def confirmar_arquivo(self, request: HttpRequest, queryset: QuerySet[Script]) -> HttpResponse | None:
        found = {script: new for script in queryset.order_by("nome") if (new := self._mudado(request, script))}
        if not found:
            self.message_user(request, gettext("Nada a confirmar: nenhum arquivo escolhido mudou."), messages.INFO)
            return None
        if confirmado(request):
            n = sum(self._confirmar(request, script, new) for script, new in found.items())
            text = (
                contados(ngettext("%(n)s arquivo confirmado.", "%(n)s arquivos confirmados.", n), n)
                if n
                else gettext("Nada mudou.")
            )
            self.message_user(request, text, messages.SUCCESS if n else messages.INFO)
            return None
        title = contados(ngettext("Confirmar %(n)s arquivo", "Confirmar %(n)s arquivos", len(found)), len(found))
        return pedir_confirmacao(
            self, request, queryset, acao="confirmar_arquivo", titulo=f"{title}?", botao=title,
            manter=gettext("Não confirmar"),
            aviso=gettext("Leia cada arquivo antes: o que for confirmado roda nas máquinas, com os limites do script."),
            linhas=[_troca(s, new) for s, new in found.items()],
            vistos={f"sha256-{script.pk}": new for script, new in found.items()},
        )  # fmt: skip

    def _mudado(self, request: HttpRequest, script: Script) -> str:
        """The file's new hash; empty when it is still the confirmed one, or cannot be read (which is said)."""
        try:
            new = script.sha256_atual()
        except ArquivoRecusado as error:
            self.message_user(request, f"{script}: {error}", messages.ERROR)
            return ""
        return "" if new == script.sha256 else new

    def _confirmar(self, request: HttpRequest, script: Script, new: str) -> bool:
        """Only the very file that the person was shown."""
        if request.POST.get(f"sha256-{script.pk}") != new:
            text = gettext("%(script)s: o arquivo mudou outra vez enquanto era conferido. Confira-o de novo.") % {
                "script": script
            }
            self.message_user(request, text, messages.ERROR)
            return False
        rows = Script.objects.filter(pk=script.pk, sha256=script.sha256)
        if not rows.update(sha256=new, confirmado_em=clock.db_now()):
            return False
        text = gettext("%(script)s: arquivo %(arquivo)s confirmado (%(sha)s…).") % {
            "script": script, "arquivo": script.arquivo, "sha": new[:SHOWN],
        }  # fmt: skip
        Registro.objects.anotar("script_confirmado", text, usuario=request.user)  # type: ignore[arg-type]
        return True


def _troca(script: Script, new: str) -> str:
    return gettext("%(script)s (%(arquivo)s): de %(antes)s… para %(depois)s…") % {
        "script": script, "arquivo": script.arquivo, "antes": script.sha256[:SHOWN], "depois": new[:SHOWN],
    }  # fmt: skip
