"""Groups and users: their permissions in the language of the reader, and only those that something here asks for."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from django.utils.translation import gettext as _

# Of the queue, of sessions and of Django's own tables nobody here is ever asked for a permission.
DE_OUTROS = ("django_q", "sessions", "contenttypes", "admin")


def em_palavras(permissao: Permission) -> str:
    """ "execução: pode incluir", "execução: Pode reabrir falhas"."""
    model = permissao.content_type.model_class()
    if model is None:
        return permissao.name
    noun, name = model._meta.verbose_name, permissao.codename.partition("_")[0]
    words = {
        "add": _("pode incluir"),
        "change": _("pode modificar"),
        "delete": _("pode excluir"),
        "view": _("pode ver"),
    }
    if permissao.codename == f"{name}_{model._meta.model_name}" and name in words:
        return f"{noun}: {words[name]}"
    return f"{noun}: {dict(model._meta.permissions).get(permissao.codename, permissao.name)}"


class CampoDePermissoes(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return em_palavras(obj)


class ComPermissoes:
    """A form with a field of permissions."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Permission:
            kwargs["queryset"] = (
                Permission.objects.exclude(content_type__app_label__in=DE_OUTROS)
                .select_related("content_type")
                .order_by("content_type__app_label", "content_type__model", "codename")
            )
            kwargs["form_class"] = CampoDePermissoes
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


class GrupoAdmin(ComPermissoes, GroupAdmin):
    pass


class PessoaAdmin(ComPermissoes, UserAdmin):
    # When somebody came in is for the system to write, and Django's form of it has fields without a label.
    readonly_fields = ("last_login", "date_joined")


for _model, _admin in ((Group, GrupoAdmin), (User, PessoaAdmin)):
    admin.site.unregister(_model)
    admin.site.register(_model, _admin)
