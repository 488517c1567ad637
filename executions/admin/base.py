"""What the admin's nouns share."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.translation import gettext as _


class SomenteLeitura(admin.ModelAdmin):
    """Rows that robots and verbs write: people read them here, and never add, change or delete one by hand.

    The permission `view_<model>` is the only one that counts; actions have permissions of their own.
    """

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Valores(admin.AllValuesFieldListFilter):
    """A filter by the values that are there, of which the empty one has a name too."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or _("(vazio)")}
