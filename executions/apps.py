from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "executions"
    verbose_name = "Controle de Robôs"

    def ready(self) -> None:
        from executions import acessos, queue  # noqa: PLC0415 (django-q2 needs the registry ready)

        acessos.connect_receivers()
        queue.connect_receivers()
