from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from executions.formatos import contados
from executions.models import TokenAPI


@admin.register(TokenAPI)
class TokenAPIAdmin(admin.ModelAdmin):
    """Made here, shown once, revoked here. Who is no superuser makes and sees only tokens of his own."""

    list_display = ("nome", "prefixo", "user", "so_leitura", "criado_em", "expira_em", "usado_em", "revogado_em")
    list_filter = ("so_leitura", "expira_em", "revogado_em", "criado_em")
    list_select_related = ("user",)
    search_fields = ("nome", "prefixo", "user__username")
    readonly_fields = ("prefixo", "criado_em", "expira_em", "usado_em", "revogado_em")
    actions = ("revogar",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TokenAPI]:
        rows = super().get_queryset(request).select_related("user")
        return rows if request.user.is_superuser else rows.filter(user=request.user.pk)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """A token carries its user's permissions: choosing the user is for superusers."""
        chosen = [*(["user"] if obj or request.user.is_superuser else []), "nome", "so_leitura", "dias"]
        return [*chosen, *self.readonly_fields] if obj else chosen

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revoked, never deleted: the history names it."""
        return False

    def has_revogar_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: TokenAPI, form: "ModelForm[TokenAPI]", change: bool) -> None:
        assert isinstance(request.user, AbstractBaseUser)
        if not request.user.is_superuser:
            obj.user_id = request.user.pk
        text = gettext("Copie o token agora, ele não será mostrado de novo: %(gerar)s") % {
            "gerar": obj.gerar(request.user)
        }
        self.message_user(request, text, messages.WARNING)

    @admin.action(description=_("Revogar"), permissions=["revogar"])
    def revogar(self, request: HttpRequest, queryset: QuerySet[TokenAPI]) -> None:
        assert isinstance(request.user, AbstractBaseUser)
        n = sum(token.revogar(request.user) for token in queryset)
        text = (
            contados(ngettext("%(n)s token revogado.", "%(n)s tokens revogados.", n), n)
            if n
            else gettext("Nada mudou: já estavam revogados.")
        )
        self.message_user(request, text, messages.SUCCESS if n else messages.INFO)
