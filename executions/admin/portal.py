from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Field
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from executions.models import Portal

EDITAVEIS = ("slug", "nome", "adaptador", "tribunais", "base_url", "min_interval_s", "max_sessions")


@admin.register(Portal)
class PortalAdmin(admin.ModelAdmin):
    list_display = ("nome", "slug", "adaptador", "base_url", "min_interval_s", "max_sessions", "breaker", "breaker_em")
    list_filter = ("breaker", "adaptador")
    search_fields = ("nome", "slug", "base_url")
    readonly_fields = ("breaker", "breaker_em", "probe_at", "falhas")
    fieldsets = (
        (None, {"fields": EDITAVEIS}),
        (_("Disponibilidade (escrita pelos robôs)"), {"fields": readonly_fields}),
    )

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """An address typed without its scheme is an https one."""
        if db_field.name == "base_url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Portal, form: "ModelForm[Portal]", change: bool) -> None:
        """Only what a person edits: robots move the interval and the breaker meanwhile."""
        obj.save(update_fields=EDITAVEIS if change else None)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ("nome",)}
