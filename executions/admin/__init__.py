"""The Django admin: one noun a file. Nothing here writes a status: rows are read, and acts call the models' verbs."""

from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from executions.admin import (  # noqa: F401 (each registers its noun)
    acesso,
    agendamento,
    aviso,
    credencial,
    destino,
    execucao,
    host,
    job_item,
    ocorrencia,
    portal,
    processo,
    registro,
    script,
    tentativa,
    token_api,
)

admin.site.site_header = _("Controle de Robôs")
admin.site.site_title = _("Controle de Robôs")
admin.site.index_title = _("Administração")
admin.site.site_url = None  # the header links to the panel by name

# A q2 Schedule runs any dotted path and a Task's result is a pickle: neither is for people to open.
for _model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
