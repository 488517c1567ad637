"""The three groups of people: Leitores look, Operadores run batches and scripts, Supervisores may end everything."""

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

MODELS = [
    "execucao", "jobitem", "tentativa", "processo", "host", "portal", "registro", "script", "agendamento",
    "ocorrencia",
]  # fmt: skip
LEITOR = [f"view_{model}" for model in MODELS]
OPERADOR = [
    *LEITOR, "enfileirar", "iniciar", "encerrar", "reabrir", "ver_tela", "executar_script", "view_saida",
]  # fmt: skip
SUPERVISOR = [
    *OPERADOR,
    "encerrar_todos",
    *(f"{verb}_credencial" for verb in ("view", "add", "change", "delete")),
    *(f"{verb}_portal" for verb in ("add", "change")),
    *(f"{verb}_script" for verb in ("add", "change", "delete")),
    *(f"{verb}_agendamento" for verb in ("add", "change", "delete")),
    *(f"{verb}_destino" for verb in ("view", "add", "change", "delete")),
    "view_aviso",
]
GROUPS = {"Leitores": LEITOR, "Operadores": OPERADOR, "Supervisores": SUPERVISOR}


def create_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Permissions are made after all migrations; these groups need them now.
    config = apps.get_app_config("executions")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permission = apps.get_model("auth", "Permission")
    for name, codenames in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.set(permission.objects.filter(content_type__app_label="executions", codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("executions", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
