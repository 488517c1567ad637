from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from executions.models import Credencial

DO_FORMULARIO = ["usuario", "max_sessions"]
DOS_ROBOS = ["accepted_at", "recusada_em", "livre_em"]
DA_SENHA = ["senha_cifrada", *DOS_ROBOS]


class CredencialForm(forms.ModelForm):
    """The password goes in and never comes out: empty means that it stays as it is."""

    senha = forms.CharField(
        label=_("Senha"), strip=False, required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    class Meta:
        model = Credencial
        fields = ("portal", "usuario", "max_sessions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        adding = self.instance.pk is None
        if "senha" in self.fields:
            self.fields["senha"].required = adding
            self.fields["senha"].help_text = "" if adding else _("Em branco: a senha gravada fica como está.")


@admin.register(Credencial)
class CredencialAdmin(admin.ModelAdmin):
    form = CredencialForm
    list_display = ("usuario", "portal", "max_sessions", "accepted_at", "recusada_em", "livre_em")
    list_filter = ("portal",)
    list_select_related = ("portal",)
    search_fields = ("usuario", "portal__nome")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credencial]:
        return super().get_queryset(request).select_related("portal")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Who may only look sees no password field at all."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return ["portal", "usuario", *(["senha"] if may_write else []), "max_sessions", *DOS_ROBOS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Batches rely on their credential being of their portal."""
        return [*(["portal"] if obj else []), *DOS_ROBOS]

    @method_decorator(sensitive_post_parameters("senha"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Credencial, form: "forms.ModelForm[Credencial]", change: bool
    ) -> None:
        """Only what a person edits: a robot may be writing what the portal said of this login."""
        password = form.cleaned_data.get("senha")
        if password:
            obj.trocar_senha(password)
        obj.save(update_fields=DO_FORMULARIO + (DA_SENHA if password else []) if change else None)
