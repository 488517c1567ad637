from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "executions"
    verbose_name = "Controle de Robôs"

    def ready(self) -> None:
        from executions import queue  # noqa: PLC0415 (django-q2 needs the registry ready)

        queue.connect_receivers()
