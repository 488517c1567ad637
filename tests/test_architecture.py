"""Who may import whom, which file owns which library, and how long a file and a function may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

RAIZ = Path(__file__).resolve().parent.parent
NOSSOS = ("robotcontrol", "executions", "workers")
ARQUIVOS = sorted(
    arquivo.relative_to(RAIZ).as_posix()
    for pacote in NOSSOS
    for arquivo in (RAIZ / pacote).rglob("*.py")
    if "migrations" not in arquivo.parts
)
DEMO = "workers/portals/demo/"

# robotcontrol.env reads the environment and knows nothing of ours: every layer may use it.
PODE_IMPORTAR = {
    "robotcontrol": {"robotcontrol", "workers", "executions"},
    "workers": {"workers", "executions", "robotcontrol.env"},
    "executions": {"executions", "robotcontrol.env"},
}
DONOS = {
    "django_q": ("executions/queue.py",),
    "psutil": ("workers/processes.py",),
    "selenium": ("workers/browser.py", "workers/portals/"),
    "cryptography": ("executions/vault.py",),
    "prometheus_client": ("executions/metricas.py",),
    "websocket": ("workers/devtools.py",),
}
LINHAS_POR_ARQUIVO, LINHAS_POR_FUNCAO = 300, 45


def arvore(arquivo: str) -> ast.Module:
    return ast.parse((RAIZ / arquivo).read_text(), arquivo)


def importados(arquivo: str) -> Iterator[str]:
    """Dotted names of every import of the file, at whatever depth, relative ones made absolute."""
    pacote = arquivo.removesuffix(".py").split("/")[:-1]
    for no in ast.walk(arvore(arquivo)):
        if isinstance(no, ast.Import):
            yield from (nome.name for nome in no.names)
        elif isinstance(no, ast.ImportFrom):
            base = pacote[: len(pacote) - no.level + 1] if no.level else []
            modulo = ".".join([*base, *([no.module] if no.module else [])])
            yield from (f"{modulo}.{nome.name}" for nome in no.names)


def dentro(nome: str, modulo: str) -> bool:
    return nome == modulo or nome.startswith(f"{modulo}.")


def test_the_packages_are_found():
    assert {"executions/robos.py", "robotcontrol/settings.py", "workers/apps.py"} <= set(ARQUIVOS)


@pytest.mark.parametrize("pacote", NOSSOS)
def test_imports_point_downwards(pacote):
    errados = [
        f"{arquivo}: {nome}"
        for arquivo in ARQUIVOS
        if arquivo.startswith(f"{pacote}/")
        for nome in importados(arquivo)
        if any(dentro(nome, nosso) for nosso in NOSSOS)
        if not any(dentro(nome, permitido) for permitido in PODE_IMPORTAR[pacote])
    ]
    assert errados == []


def test_the_demonstration_portal_imports_nothing_of_what_it_tests():
    modulo = DEMO.rstrip("/").replace("/", ".")
    errados = [
        f"{arquivo}: {nome}"
        for arquivo in ARQUIVOS
        if arquivo.startswith(DEMO)
        for nome in importados(arquivo)
        if any(dentro(nome, nosso) for nosso in NOSSOS) and not dentro(nome, modulo)
    ]
    assert errados == []


@pytest.mark.parametrize("biblioteca", DONOS)
def test_each_outside_library_has_one_owner(biblioteca):
    errados = [
        arquivo
        for arquivo in ARQUIVOS
        if any(dentro(nome, biblioteca) for nome in importados(arquivo))
        if not any(arquivo == dono or (dono.endswith("/") and arquivo.startswith(dono)) for dono in DONOS[biblioteca])
    ]
    assert errados == []


def test_no_file_is_too_long():
    linhas = {arquivo: len((RAIZ / arquivo).read_text().splitlines()) for arquivo in ARQUIVOS}
    assert {arquivo: n for arquivo, n in linhas.items() if n > LINHAS_POR_ARQUIVO} == {}


def test_no_function_is_too_long():
    funcoes = {
        f"{arquivo}:{no.lineno} {no.name}": (no.end_lineno or no.lineno) - no.lineno + 1
        for arquivo in ARQUIVOS
        for no in ast.walk(arvore(arquivo))
        if isinstance(no, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {nome: n for nome, n in funcoes.items() if n > LINHAS_POR_FUNCAO} == {}
