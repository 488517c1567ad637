from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExecutionsConfig(AppConfig):
    name = "executions"
    verbose_name = _("Controle de Robôs")

    def ready(self) -> None:
        from executions import acessos, queue  # noqa: PLC0415 (django-q2 needs the registry ready)

        acessos.connect_receivers()
        queue.connect_receivers()
