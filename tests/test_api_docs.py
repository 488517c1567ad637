"""docs/api.md against the application: what it names exists, and no route is missing."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission

from executions.api.documento import api
from executions.api.fila import Pedido
from executions.api.problemas import TITULOS
from tests.test_api import ROTAS, UUID

TEXT = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(GET|POST) (\S+)` \| *(.*?) *\| *(.*?) *\| *(.*?) *\|$", TEXT, re.MULTILINE)


def test_it_has_every_route_and_no_other() -> None:
    paths = api.get_openapi_schema()["paths"]
    assert {(method, path) for method, path, *_ in ROWS} == {
        (method.upper(), path) for path, operations in paths.items() for method in operations
    }


@pytest.mark.django_db
def test_each_route_needs_the_permission_that_is_written_beside_it() -> None:
    known = set(Permission.objects.filter(content_type__app_label="executions").values_list("codename", flat=True))
    needed = {}
    for method, path, permission, _ in ROTAS:
        needed[method, path.replace(str(UUID), "{uuid}").replace("execucoes/1", "execucoes/{id}")] = permission
    for method, path, permissions, *_ in ROWS:
        told = re.findall(r"`([a-z_]+)`", permissions)
        assert told[0] == needed[method, path] and set(told) <= known


def test_each_field_that_it_names_is_in_the_contract() -> None:
    schemas = api.get_openapi_schema()["components"]["schemas"].values()
    fields = {name for schema in schemas for name in schema.get("properties", {})} | set(Pedido.model_fields)
    for method, path, _, body, answer in ROWS:
        for words in (body, answer):
            named = re.findall(r'"([a-z_]+)"|`([a-z_]+)`', words)
            assert {a or b for a, b in named} <= fields | {"view_saida"}, (method, path, named)


def test_each_status_that_it_explains_is_one_of_ours() -> None:
    told = {int(n) for row in re.findall(r"^\| ([45][\d, ]+) \|", TEXT, re.MULTILINE) for n in row.split(",")}
    assert told == set(TITULOS) - {500}
