"""The OpenAPI document against the application, by schemathesis: no 5xx, nothing undocumented, no way in unknown."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from executions.api.documento import api
from executions.models import Processo
from tests import factories
from tests.api import FILED, TODAS, http, novo_script, script_vivo, token  # noqa: F401

# The document is the same on either database, and fuzzing it once is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.once]
EXAMPLES = 15
QUICK = settings(
    max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck), derandomize=True,
)  # fmt: skip
OPERATIONS = [
    (method.upper(), path) for path, operations in api.get_openapi_schema()["paths"].items() for method in operations
]
checks.load_all_checks()
RULES = checks.CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
     "response_headers_conformance", "negative_data_rejection", "unsupported_method"]
)  # fmt: skip


@pytest.fixture
def one_connection() -> Iterator[None]:
    """As Django's own test client does: the end of a request leaves the test's transaction open."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(one_connection: None, settings, tmp_path) -> dict[str, Any]:
    """Rows that the generated requests can hit; what the paths must name to do so."""
    factories.novo_host(places=50)
    script = novo_script(settings, tmp_path, nome="0")
    batch = factories.nova_execucao(3, max_robots=2)
    robo = factories.novo_robo(batch)
    factories.tomado(batch, robo).falhar("navegador", "caiu")
    return {
        "GET /api/execucoes/{id}": {"id": batch.pk},
        "GET /api/processos/{uuid}": {"uuid": str(script_vivo(script).uuid)},
        "POST /robots/kill": {"worker_id": str(robo.uuid), "pid": None},
        "POST /start-worker": {"execucao": batch.pk},
        "POST /enqueue": {"files": [FILED], "portal": "", "credencial": ""},
        "POST /api/processos/executar": {"script": "0", "params": {}},
        "POST /api/processos/matar": {"script": "0"},
    }


def operation(method: str, path: str) -> Any:
    schema = schemathesis.openapi.from_dict(api.get_openapi_schema())
    schema.app = WSGIHandler()
    # 413 too: a form of more fields than the limit is not read.
    rule = schema.config.checks.negative_data_rejection
    rule.expected_statuses = [*rule.expected_statuses, "413"]
    return schema[path][method]


def generated(method: str, path: str, mode: GenerationMode, known: dict[str, Any], run: Any) -> None:
    """Calls `run` with cases of this kind; with positive ones that are aimed at the rows of the world too."""
    op, target = operation(method, path), known.get(f"{method} {path}")
    QUICK(given(case=op.as_strategy(generation_mode=mode))(run))()
    if mode is GenerationMode.POSITIVE and target:
        parameters = target if method == "GET" else None

        def aimed(case: Any) -> None:
            if method == "POST":
                case.body = (case.body if isinstance(case.body, dict) else {}) | target
            run(case)

        QUICK(given(case=op.as_strategy(generation_mode=mode, path_parameters=parameters))(aimed))()


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_gets_a_5xx_or_an_undocumented_answer(method, path, mode, world) -> None:
    headers, statuses = {"Authorization": f"Bearer {token(*TODAS)}"}, Counter()

    def run(case: Any) -> None:
        response = case.call(headers=headers)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=RULES, headers=headers)

    generated(method, path, mode, world, run)
    print(method, path, mode.value, dict(statuses))
    assert sum(statuses.values()) >= 1 and 401 not in statuses


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_without_a_token_only_401_or_403(method, path, mode, world) -> None:
    before = list(Processo.objects.values())

    def run(case: Any) -> None:
        assert case.call().status_code in (401, 403)

    generated(method, path, mode, world, run)
    assert list(Processo.objects.values()) == before
