"""The admin of scripts: the file is pinned when it is registered, and a changed one asks for confirmation."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions.models import Processo, Registro, Script
from tests.admin_pages import (
    agir,
    da_equipe,
    ficha,
    lista,
    stock_templates,  # noqa: F401 (a fixture)
)
from tests.factories import nova_execucao, novo_robo
from tests.pages import pagina_leve, textos  # noqa: F401 (a fixture)
from tests.processos import (
    DECLARADOS,
    novo_script,
    pasta_de_scripts,  # noqa: F401 (a fixture)
    rodada,
    terminada,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve", "stock_templates")]
ADD = "admin:executions_script_add"
CAMPOS: dict[str, Any] = {
    "nome": "relatorio", "descricao": "", "arquivo": "relatorio.py", "interpretador": "", "argumentos": "[]",
    "parametros": "[]", "timeout_s": 600, "max_memoria_mb": 1024, "prioridade_cpu": 5, "max_saida_kb": 2048,
    "max_processos": 50, "ativo": "on", "avisar_em": "falha",
}  # fmt: skip


@pytest.fixture
def chefe() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chefe"))
    return client


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def editar(client: Client, script: Script, **campos: Any) -> Any:
    return client.post(ficha(script), CAMPOS | {"nome": script.nome, "arquivo": script.arquivo} | campos)


def test_registering_a_script_pins_its_file(chefe: Client, pasta: Path) -> None:
    (pasta / "relatorio.py").write_text("print('oi')")
    assert chefe.post(reverse(ADD), CAMPOS).status_code == 302
    row = Script.objects.get()
    assert (row.sha256, row.mudou) == (sha(pasta / "relatorio.py"), False)
    assert row.confirmado_em is not None


@pytest.mark.parametrize(
    ("campos", "sentence"),
    [
        ({"arquivo": "../fora.py"}, "dentro da pasta de scripts"), ({"arquivo": "nada.py"}, "Não há arquivo"),
        ({"argumentos": "texto"}, "JSON válido"), ({"argumentos": "[1]"}, "Informe uma lista de textos."),
        ({"parametros": '[{"nome": "X", "tipo": "texto"}]'}, "Nome de parâmetro inválido"),
        ({"parametros": '[{"nome": "timeout", "tipo": "numero"}]'}, "argumento de execute_script"),
        ({"parametros": '[{"nome": "x", "tipo": "cor"}]'}, "o tipo é um de texto, numero, data, escolha"),
        ({"timeout_s": 0}, "1"), ({"max_memoria_mb": 1}, "16"),
    ],
)  # fmt: skip
def test_a_wrong_script_is_refused_beside_its_field(
    campos: dict[str, Any], sentence: str, chefe: Client, pasta: Path
) -> None:
    (pasta / "relatorio.py").write_text("print('oi')")
    (pasta.parent / "fora.py").write_text("print('fora')")
    response = chefe.post(reverse(ADD), CAMPOS | campos)
    assert response.status_code == 200
    assert sentence in "".join(sum(response.context["adminform"].form.errors.values(), []))
    assert not Script.objects.exists()


def test_emptied_json_fields_are_empty_lists(chefe: Client, pasta: Path) -> None:
    script = novo_script(pasta, parametros=DECLARADOS, argumentos=["-v"])
    assert editar(chefe, script, argumentos="", parametros="").status_code == 302
    script.refresh_from_db()
    assert (script.argumentos, script.parametros) == ([], [])


def test_editing_does_not_pin_a_changed_file_but_choosing_another_does(chefe: Client, pasta: Path) -> None:
    script = novo_script(pasta)
    pinned = script.sha256
    (pasta / script.arquivo).write_text("print('trocado')")
    assert editar(chefe, script, timeout_s=30).status_code == 302
    script.refresh_from_db()
    assert (script.timeout_s, script.sha256, script.mudou) == (30, pinned, True)
    (pasta / "outro.py").write_text("print('outro')")
    editar(chefe, script, arquivo="outro.py")
    script.refresh_from_db()
    assert (script.sha256, script.mudou) == (sha(pasta / "outro.py"), False)


def test_a_changed_file_is_a_warning_and_an_action_confirms_what_was_shown(chefe: Client, pasta: Path) -> None:
    script = novo_script(pasta)
    assert "mudou" not in chefe.get(ficha(script)).content.decode()
    (pasta / script.arquivo).write_text("print('trocado')")
    new = sha(pasta / script.arquivo)
    assert "O arquivo mudou desde que foi confirmado" in chefe.get(ficha(script)).content.decode()
    assert "MUDOU: não roda" in chefe.get(lista(Script)).content.decode()

    asked = agir(chefe, "confirmar_arquivo", script).content.decode()
    assert f"de {script.sha256[:16]}… para {new[:16]}…" in asked and "Não confirmar" in asked
    assert f'name="sha256-{script.pk}" value="{new}"' in asked
    script.refresh_from_db()
    assert script.mudou

    data = {"action": "confirmar_arquivo", "_selected_action": script.pk, "confirmado": "sim"}
    (pasta / script.arquivo).write_text("print('trocado outra vez')")
    late = chefe.post(lista(Script), data | {f"sha256-{script.pk}": new})
    assert "mudou outra vez" in textos(late)[0]
    newer = sha(pasta / script.arquivo)
    done = chefe.post(lista(Script), data | {f"sha256-{script.pk}": newer})
    assert textos(done)[-1] == "1 arquivo confirmado."
    script.refresh_from_db()
    assert (script.sha256, script.mudou) == (newer, False)
    assert Registro.objects.get(evento="script_confirmado").usuario.username == "chefe"
    again = chefe.post(lista(Script), data | {f"sha256-{script.pk}": newer})
    assert textos(again)[-1] == "Nada a confirmar: nenhum arquivo escolhido mudou."


def test_a_missing_file_cannot_be_confirmed(chefe: Client, pasta: Path) -> None:
    script = novo_script(pasta)
    (pasta / script.arquivo).unlink()
    assert "Não há arquivo" in textos(agir(chefe, "confirmar_arquivo", script, confirmado=True))[0]
    assert "Não há arquivo" in chefe.get(lista(Script)).content.decode()


def test_a_script_links_to_its_history_and_one_with_a_history_is_not_deleted(chefe: Client, pasta: Path) -> None:
    script = novo_script(pasta)
    terminada(script)
    assert f'href="/processos/?o_que={script.pk}#historico"' in chefe.get(ficha(script)).content.decode()
    chefe.post(reverse("admin:executions_script_delete", args=[script.pk]), {"post": "yes"})
    assert Script.objects.exists()


def test_only_who_may_change_scripts_edits_and_confirms(pasta: Path) -> None:
    script = novo_script(pasta)
    (pasta / script.arquivo).write_text("print('trocado')")
    operator = da_equipe("Operadores")
    assert operator.get(ficha(script)).status_code == 200
    assert editar(operator, script, timeout_s=1).status_code == 403
    assert operator.post(reverse(ADD), CAMPOS).status_code == 403
    data = {"action": "confirmar_arquivo", "_selected_action": script.pk, "confirmado": "sim"}
    operator.post(lista(Script), data | {f"sha256-{script.pk}": sha(pasta / script.arquivo)})
    script.refresh_from_db()
    assert script.mudou


def test_the_list_takes_as_many_queries_for_many_scripts(chefe: Client, pasta: Path) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert chefe.get(lista(Script)).status_code == 200
        return len(captured)

    novo_script(pasta).quem_pode.set(Group.objects.all())
    few = queries()
    for _ in range(10):
        novo_script(pasta).quem_pode.set(Group.objects.all())
    assert queries() == few < 12


# ---- scripts among the processes ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("acao", "campo"), [("cancelar", "cancel_requested_at"), ("encerrar", "kill_requested_at")])
def test_a_script_is_ended_from_the_list_of_processes_and_a_robot_is_left_alone(
    acao: str, campo: str, pasta: Path
) -> None:
    client = da_equipe("Operadores")
    row, robo = rodada(novo_script(pasta, nome="a.py"), pid=4242), novo_robo(nova_execucao(1))
    asked = agir(client, f"{acao}_script", row, robo).content.decode()
    assert f"{acao.capitalize()} 1 script?" in asked and f"a.py: PID 4242 em {row.host}" in asked
    assert str(robo.pid) not in asked.split("<h1>")[-1].split("<form")[0]
    done = agir(client, f"{acao}_script", row, robo, confirmado=True)
    assert textos(done)[-1].startswith("1 script: ")
    row.refresh_from_db()
    robo.refresh_from_db()
    assert getattr(row, campo) and robo.kill_requested_at is None
    assert "a parada já foi pedida" in textos(agir(client, f"{acao}_script", row, confirmado=True))[-1]
    assert "nenhum robô escolhido está vivo" in textos(agir(client, "encerrar_robo", row, confirmado=True))[-1]


def test_a_script_of_another_group_is_not_cancelled_from_the_list(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    row.script.quem_pode.set([Group.objects.get(name="Supervisores")])
    agir(da_equipe("Operadores"), "cancelar_script", row, confirmado=True)
    assert not Processo.objects.exclude(cancel_requested_at=None).exists()
