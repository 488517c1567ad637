from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from executions import avisos
from executions.formatos import contados
from executions.models import Destino
from executions.models.destino import esquema


class DestinoForm(forms.ModelForm):
    """The address goes in and never comes out: empty means that it stays as it is."""

    url = forms.CharField(
        label=_("endereço"), required=False, max_length=2000,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off", "size": 60}),
    )  # fmt: skip

    class Meta:
        model = Destino
        fields = ("nome", "ativo", "recebe_alertas")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        adding = self.instance.pk is None
        if "url" in self.fields:
            self.fields["url"].required = adding
            kept = "" if adding else gettext(" Em branco: o endereço gravado fica como está.")
            self.fields["url"].help_text = gettext(
                "Um endereço de e-mail, ou um do apprise (tgram://…, slack://…, json://…).%(kept)s"
            ) % {"kept": kept}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url:
            esquema(url)  # raises ValidationError, without the address in it
        return url


@admin.register(Destino)
class DestinoAdmin(admin.ModelAdmin):
    form = DestinoForm
    list_display = ("nome", "tipo", "ativo", "recebe_alertas")
    list_filter = ("ativo", "tipo")
    search_fields = ("nome",)
    readonly_fields = ("tipo",)
    actions = ("testar",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Only who may add a destination says where it goes: this server will connect to it."""
        may_write = self.has_add_permission(request) and (obj is None or self.has_change_permission(request, obj))
        return ["nome", "tipo", *(["url"] if may_write else []), "ativo", "recebe_alertas"]

    @method_decorator(sensitive_post_parameters("url"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Destino, form: "forms.ModelForm[Destino]", change: bool) -> None:
        url = form.cleaned_data.get("url")
        if url and self.has_add_permission(request):
            obj.trocar_url(url)
        obj.save()

    @admin.action(description=_("Enviar um teste"), permissions=["change"])
    def testar(self, request: HttpRequest, queryset: QuerySet[Destino]) -> None:
        chosen = list(queryset.filter(ativo=True))
        for destino in chosen:
            destino.testar(request.user)  # type: ignore[arg-type]
        asked = avisos.despachar()
        n = len(chosen)
        text = contados(ngettext("%(n)s teste pedido.", "%(n)s testes pedidos.", n), n)
        text = f"{text} {gettext('O resultado aparece em Avisos.')}"
        if chosen and not asked:
            text = f"{text} {gettext('Sai quando uma máquina de robôs estiver ligada e livre.')}"
        self.message_user(
            request, text if chosen else gettext("Nada a testar: nenhum destino ativo escolhido."), messages.INFO
        )
