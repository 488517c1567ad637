"""A new execution from a page: every line is shown before anything is enqueued, and it is enqueued once."""

import csv
import io
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions import clock, conferencias, lotes
from executions.models import ArquivoEnviado, Conferencia, Credencial, Execucao, JobItem, LinhaConferida, Processo
from tests.factories import (
    RESPOSTA,
    in_threads,
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_portal,
    novo_robo,
    tomado,
)
from tests.intake_helpers import NOME, NUMERO, OUTRO, numero_de, pdf
from tests.pages import HTMX, como, pagina_leve, pessoa, textos  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
NOVA = "/execucoes/nova/"
MG = numero_de(7, "8.13")


@pytest.fixture
def credencial() -> Credencial:
    return nova_credencial(novo_portal(nome="Projudi Demo", slug="demo", tribunais=["8.99"]))


@pytest.fixture
def client(credencial: Credencial) -> Client:
    return como("Operadores")


def arquivo(nome: str = NOME, conteudo: bytes | None = None) -> io.BytesIO:
    """Sent under its whole name: Django's own test files cut theirs."""
    sent = io.BytesIO(pdf("a") if conteudo is None else conteudo)
    sent.name = nome
    return sent


def conferir(client: Client, nomes: str = "", *arquivos: Any, **mais: Any) -> str:
    """The address of the page that shows what was read."""
    response = client.post(f"{NOVA}conferir", {"nomes": nomes, "arquivos": list(arquivos), **mais})
    assert response.status_code == 302, response.content.decode()[:2000]
    return str(response["Location"])


def linhas(url: str) -> list[tuple[str, str]]:
    return [(linha.nome, linha.erro) for linha in LinhaConferida.objects.filter(conferencia=url.split("/")[-2])]


def envio(client: Client, url: str, **mais: Any) -> dict[str, Any]:
    """The form as the page proposes it."""
    proposto = client.get(url).context
    opcoes = proposto["opcoes"]
    campos = {"titulo": opcoes.titulo, "robo": opcoes.robo, "mode": opcoes.mode, "acao": "enfileirar", "prioridade": 0}
    campos |= {alvo.campo: alvo.escolhida.pk for alvo in opcoes.alvos if alvo.escolhida}
    campos |= {"max_robots": next(e.n for e in opcoes.escolhas() if e.marcada), "n": proposto["contagem"].entram}
    return campos | mais


def iniciar(client: Client, url: str, **mais: Any) -> Any:
    return client.post(f"{url}iniciar", envio(client, url, **mais))


# ---- what is shown ---------------------------------------------------------------------------------------------------
def test_every_line_is_shown_with_its_case_its_portal_and_its_warnings_before_anything_is_enqueued(
    client: Client,
) -> None:
    url = conferir(client, f"{OUTRO} Certidão.pdf\n\nRelatório.docx\n{MG}.pdf\nnada.pdf", arquivo())
    page = client.get(url)
    text = page.content.decode()
    assert page.context["contagem"].total == 5
    for shown in (
        NUMERO, "4321_87654", "Projudi Demo", "Sem identificador", "Formato .docx não aceito", "nada.pdf",
        "Nenhum portal configurado para o TJMG (8.13).", "Não encontrei número de processo CNJ", "…Manifestação",
    ):  # fmt: skip
        assert shown in text
    assert Execucao.objects.count() == 0
    assert [(nome, n) for nome, _, n in page.context["abas"]] == [
        ("todos", 5), ("recusados", 3), ("avisos", 1), ("aceitos", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("aba", "n"), [("todos", 4), ("recusados", 2), ("avisos", 1), ("aceitos", 1), ("outra", 4)])
def test_a_tab_shows_exactly_the_lines_that_it_counts(client: Client, aba: str, n: int) -> None:
    url = conferir(client, f"{NOME}\n{OUTRO}.pdf\nnada\nnada2.docx")
    assert len(client.get(url, {"v": aba}).context["linhas"]) == n


def test_the_pages_of_a_long_list_show_each_line_once(client: Client) -> None:
    url = conferir(client, "\n".join(f"{numero_de(k, '8.99')}_{1000 + k}_12345_.pdf" for k in range(1, 121)))
    seen, after = [], 0
    while True:
        page = client.get(url, {"apos": after}).context
        seen += [linha.ordem for linha in page["linhas"]]
        after = page["proximas"]
        if not after:
            break
    assert seen == list(range(1, 121))


@pytest.mark.parametrize("nome", ["../../x/" + NOME, "C:\\pasta\\" + NOME])
def test_a_name_with_a_path_is_its_last_part(client: Client, nome: str) -> None:
    assert linhas(conferir(client, nome)) == [(NOME, "")]
    assert linhas(conferir(client, "", arquivo(nome))) == [(NOME, "")]


def test_what_cannot_be_a_petition_is_refused_with_its_reason(client: Client) -> None:
    url = conferir(
        client, f"{NUMERO}\x00.pdf\n{NUMERO}\x07.pdf\n{'x' * 300}{NUMERO}.pdf",
        arquivo(f"{'a' * 300}{OUTRO}_1234_56789_.pdf"), arquivo(f"{OUTRO}_1_.pdf", b"MZ\x90"),
        arquivo("vazio.pdf", b""),
    )  # fmt: skip
    reasons = [erro for _, erro in linhas(url)]
    assert "longo demais" in reasons[0]
    assert reasons[1:3] == ["O conteúdo do arquivo não é um PDF."] * 2
    assert reasons[3] == reasons[4] == "O nome do arquivo tem caracteres de controle. Renomeie o arquivo."
    assert "longo demais" in reasons[5]


def test_of_a_file_and_its_pasted_name_the_file_stays(client: Client) -> None:
    url = conferir(client, NOME, arquivo())
    assert linhas(url) == [(NOME, ""), (NOME, f"Arquivo repetido neste lote (igual a {NOME}).")]
    assert LinhaConferida.objects.get(ordem=1).arquivo is not None


def test_a_number_is_read_from_the_text_of_a_file_without_one_in_its_name(client: Client) -> None:
    conferir(client, "", arquivo("peticao.pdf", pdf(f"Processo {NUMERO}")))
    assert LinhaConferida.objects.get().numero == NUMERO


def test_a_court_that_two_portals_serve_is_refused_until_the_portal_is_chosen(client: Client) -> None:
    outro = nova_credencial(novo_portal(nome="Outro", slug="outro", tribunais=["8.99"])).portal
    url = conferir(client, NOME)
    assert "Mais de um portal atende o 8.99 (Outro, Projudi Demo): escolha o portal." in linhas(url)[0][1]
    client.post(f"{url}conferir", {"nomes": NOME, "portal": "outro"})
    assert LinhaConferida.objects.get().portal == outro


# ---- checking again --------------------------------------------------------------------------------------------------
def test_checking_again_keeps_the_files_and_takes_the_new_names(client: Client) -> None:
    url = conferir(client, "errado", arquivo())
    again = client.post(f"{url}conferir", {"nomes": f"{OUTRO}.pdf", "arquivos": arquivo("mais.pdf", pdf(MG))})
    assert again["Location"] == url
    assert [nome for nome, _ in linhas(url)] == [NOME, "mais.pdf", f"{OUTRO}.pdf"]
    assert ArquivoEnviado.objects.count() == 2


def test_many_names_stay_without_being_sent_back_into_the_page(client: Client) -> None:
    url = conferir(client, "\n".join(f"{numero_de(k, '8.99')}.pdf" for k in range(1, 602)))
    page = client.get(url)
    assert "<textarea" not in page.content.decode() and page.context["n_nomes"] == 601
    client.post(f"{url}conferir", {"arquivos": arquivo()})
    assert LinhaConferida.objects.count() == 602


def test_beginning_anew_leaves_nothing(client: Client) -> None:
    url = conferir(client, NOME, arquivo(f"{OUTRO}.pdf"))
    assert client.post(f"{url}descartar")["Location"] == NOVA
    assert (Conferencia.objects.count(), LinhaConferida.objects.count(), ArquivoEnviado.objects.count()) == (0, 0, 0)


def test_a_person_keeps_a_few_drafts_and_finds_the_way_back_to_them(client: Client) -> None:
    urls = [conferir(client, NOME) for _ in range(5)]
    assert Conferencia.objects.count() == 3
    text = client.get(NOVA).content.decode()
    assert urls[-1] in text and urls[0] not in text


def test_an_expired_draft_goes_with_its_files_and_its_page_says_so(client: Client, tempo: Any) -> None:
    url = conferir(client, "", arquivo())
    tempo.avancar(3601)
    response = client.get(url)
    assert response["Location"] == NOVA and "vale 1 hora" in textos(response)[-1]
    assert iniciar_cru(client, url)["Location"] == NOVA
    assert Conferencia.objects.varrer(clock.db_now()) == 1
    assert ArquivoEnviado.objects.count() == LinhaConferida.objects.count() == 0


def iniciar_cru(client: Client, url: str) -> Any:
    return client.post(f"{url}iniciar", {"acao": "enfileirar", "n": 1, "max_robots": 1})


def test_a_draft_is_its_persons_alone(client: Client) -> None:
    url = conferir(client, NOME)
    other = como("Operadores")
    for response in (
        other.get(url),
        other.get(f"{url}recusados.csv"),
        other.post(f"{url}iniciar"),
        other.post(f"{url}conferir", {"nomes": "x"}),
        other.post(f"{url}reaproveitar"),
    ):
        assert (response.status_code, response["Location"]) == (302, NOVA)
    other.post(f"{url}descartar")
    assert Conferencia.objects.count() == 1 and Execucao.objects.count() == 0


# ---- starting --------------------------------------------------------------------------------------------------------
def test_enqueueing_creates_the_execution_as_it_was_shown(client: Client, credencial: Credencial) -> None:
    content = pdf("a")
    url = conferir(client, f"{OUTRO}.pdf\nnada", arquivo(NOME, content))
    response = iniciar(client, url, titulo="Da tarde", max_robots=3, mode="visible", prioridade=1)
    batch = Execucao.objects.get()
    assert response["Location"] == f"/execucoes/{batch.pk}/"
    assert (batch.titulo, batch.max_robots, batch.mode, batch.origem) == ("Da tarde", 3, "visible", "web")
    assert batch.prioridade == Execucao.Prioridade.ALTA
    assert (batch.credencial, batch.total_arquivos, batch.n_pending) == (credencial, 2, 2)
    items = list(batch.itens.order_by("ordem"))
    assert [(i.nome_arquivo, i.numero_processo, i.identificador) for i in items] == [
        (NOME, NUMERO, "4321_87654"), (f"{OUTRO}.pdf", OUTRO, ""),
    ]  # fmt: skip
    assert bytes(items[0].arquivo or b"") == content and items[1].arquivo is None
    assert "1 linha recusada" in " ".join(batch.registros.values_list("mensagem", flat=True))
    assert Processo.objects.count() == 0


def test_an_item_of_a_checked_line_is_as_the_other_doors_make_it(client: Client, credencial: Credencial) -> None:
    """Enqueued inside the database, by no line of Python: a new column must not be forgotten there."""
    names = [NOME, f"{OUTRO} Certidão.pdf"]
    iniciar(client, conferir(client, "\n".join(names)))
    other = Execucao.objects.enfileirar(lotes.ler(names).linhas, portal=credencial.portal, credencial=credencial)
    own = {"id", "execucao_id", "available_at"}
    rows = [
        [{k: v for k, v in row.items() if k not in own} for row in batch.itens.order_by("ordem").values()]
        for batch in (Execucao.objects.exclude(pk=other.pk).get(), other)
    ]
    assert rows[0] == rows[1]


def test_starting_asks_for_robots_too(client: Client) -> None:
    novo_host()
    response = iniciar(client, conferir(client, NOME), acao="iniciar")
    assert Processo.objects.count() == 1
    assert "enfileirada com 1 item." in textos(response)[-1] and "1 robô pedido." in textos(response)[-1]


def test_starting_twice_creates_one_execution(client: Client) -> None:
    url = conferir(client, NOME)
    form = envio(client, url)
    first, second = client.post(f"{url}iniciar", form), client.post(f"{url}iniciar", form)
    assert first["Location"] == second["Location"]
    assert "já tinha sido iniciada" in textos(second)[-1]
    assert (Execucao.objects.count(), JobItem.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_four_starts_at_once_create_one_execution(client: Client, credencial: Credencial) -> None:
    url = conferir(client, f"{NOME}\n{OUTRO}.pdf")
    draft = Conferencia.objects.get()

    def press(_: int) -> tuple[list[int], bool]:
        made = conferencias.enfileirar(draft, esperados=2, credenciais={credencial.portal_id: credencial})
        return [batch.pk for batch in made.execucoes], made.agora

    results = in_threads(4, press)
    assert len({tuple(pks) for pks, _ in results}) == 1 and sum(now for _, now in results) == 1
    assert (Execucao.objects.count(), JobItem.objects.count()) == (1, 2)
    assert client.get(url)["Location"] == f"/execucoes/{Execucao.objects.get().pk}/"


def test_the_database_itself_refuses_a_second_execution_of_a_draft_and_portal(credencial: Credencial) -> None:
    key = uuid4()
    fields = {"portal": credencial.portal, "credencial": credencial, "total_arquivos": 0, "created_at": clock.db_now()}
    Execucao.objects.create(envio=key, **fields)
    with pytest.raises(Exception, match=r"(?i)unique"):
        Execucao.objects.create(envio=key, **fields)


def test_another_number_than_was_shown_starts_nothing(client: Client) -> None:
    url = conferir(client, NOME)
    response = iniciar(client, url, n=2)
    assert response["Location"] == url and "Nada foi enfileirado" in textos(response)[-1]
    assert Execucao.objects.count() == 0


def test_everything_refused_says_so_and_enqueues_nothing(client: Client) -> None:
    url = conferir(client, "nada\n")
    text = client.get(url).content.decode()
    assert "todas as linhas foram recusadas" in text and 'value="iniciar"' not in text
    iniciar_cru(client, url)
    assert Execucao.objects.count() == 0


def test_two_portals_make_two_executions_and_it_is_said(client: Client, credencial: Credencial) -> None:
    outra = nova_credencial(novo_portal(nome="Outro", slug="outro", tribunais=["8.13"]))
    url = conferir(client, f"{NOME}\n{MG}.pdf\n{OUTRO}.pdf")
    assert "Serão criadas 2 execuções, uma por portal." in client.get(url).content.decode()
    response = iniciar(client, url)
    made = list(Execucao.objects.order_by("portal__nome"))
    assert [(b.credencial, b.total_arquivos) for b in made] == [(outra, 1), (credencial, 2)]
    assert "Foram criadas 2 execuções, uma por portal" in textos(response)[0]


@pytest.mark.parametrize(
    "errado", [{"max_robots": 0}, {"max_robots": "x"}, {"mode": "outro"}, {"robo": "outro"}, {"titulo": "x" * 201}]
)
def test_a_wrong_option_enqueues_nothing_and_keeps_what_was_typed(client: Client, errado: dict[str, Any]) -> None:
    url = conferir(client, NOME)
    response = iniciar(client, url, **{"titulo": "O meu", **errado})
    assert response.status_code == 400 and Execucao.objects.count() == 0
    assert str(errado.get("titulo", "O meu")) in response.content.decode()


def test_a_refused_or_a_foreign_credential_enqueues_nothing(client: Client, credencial: Credencial) -> None:
    url = conferir(client, NOME)
    form = envio(client, url)
    foreign = nova_credencial().pk
    assert client.post(f"{url}iniciar", form | {f"credencial_{credencial.portal_id}": foreign}).status_code == 400
    Credencial.objects.update(recusada_em=clock.db_now())
    response = client.post(f"{url}iniciar", form)
    assert response.status_code == 400 and "recusou esta credencial" in response.content.decode()
    assert Execucao.objects.count() == 0


def test_a_portal_without_a_credential_says_so_and_offers_no_start(client: Client) -> None:
    novo_portal(nome="Sem", slug="sem", tribunais=["8.13"])
    text = client.get(conferir(client, f"{MG}.pdf")).content.decode()
    assert "O portal Sem não tem credencial" in text and 'value="iniciar"' not in text


# ---- already verified ------------------------------------------------------------------------------------------------
def respondida(credencial: Credencial, nome: str = NOME, **resposta: Any) -> JobItem:
    from executions.results import Resposta, Resultado  # noqa: PLC0415

    batch = Execucao.objects.enfileirar(lotes.ler([nome]).linhas, portal=credencial.portal, credencial=credencial)
    item = tomado(batch, novo_robo(batch))
    item.concluir(Resposta(Resultado.PROTOCOLADA, protocolada_em=clock.db_now()) if not resposta else RESPOSTA)
    return JobItem.objects.get(pk=item.pk)


def test_a_filed_petition_is_pointed_out_and_stays_out_unless_it_is_asked_for(
    client: Client, credencial: Credencial
) -> None:
    former = respondida(credencial)
    url = conferir(client, f"{NOME}\n{OUTRO}.pdf")
    text = client.get(url).content.decode()
    assert (
        "Já verificado em" in text
        and f'href="/execucoes/{former.execucao_id}/itens/{former.ordem}/"' in text
        and "Protocolada" in text
    )
    assert client.get(url).context["contagem"].entram == 1

    client.post(f"{url}reaproveitar", {"ordem": 1, "reaproveitar": "0"})
    assert client.get(url).context["contagem"].entram == 2
    client.post(f"{url}reaproveitar", {"ordem": "", "reaproveitar": "1"})
    iniciar(client, url)
    batch = Execucao.objects.latest("pk")
    assert list(batch.itens.values_list("nome_arquivo", flat=True)) == [f"{OUTRO}.pdf"]
    assert f"1 arquivo já respondido na execução {former.execucao_id}" in " ".join(
        batch.registros.values_list("mensagem", flat=True)
    )


def test_any_other_answer_is_pointed_out_and_verified_again(client: Client, credencial: Credencial) -> None:
    respondida(credencial, outro=True)
    contagem = client.get(conferir(client, NOME)).context["contagem"]
    assert (contagem.respondidas, contagem.reaproveitadas, contagem.entram, contagem.com_aviso) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("nome", "achada"),
    [
        (NOME, True),
        (f"{NUMERO}_4321_87654_outro nome.pdf", True),
        (f"{NUMERO}_4321_87655_Manifestação.pdf", False),
        (f"{NUMERO}.pdf", False),
    ],
)
def test_the_same_petition_is_the_same_case_and_identifier(
    client: Client, credencial: Credencial, nome: str, achada: bool
) -> None:
    respondida(credencial)
    assert client.get(conferir(client, nome)).context["contagem"].respondidas == achada


def test_without_an_identifier_only_the_same_file_is_the_same_petition(client: Client, credencial: Credencial) -> None:
    respondida(credencial, f"{OUTRO} Certidão.pdf")
    assert client.get(conferir(client, f"{OUTRO} Certidão.pdf")).context["contagem"].respondidas == 1
    assert client.get(conferir(client, f"{OUTRO} Réplica.pdf")).context["contagem"].respondidas == 0


def test_an_old_answer_or_a_failure_is_no_answer(client: Client, credencial: Credencial, settings: Any) -> None:
    item = respondida(credencial)
    JobItem.objects.filter(pk=item.pk).update(finished_at=clock.db_now() - timedelta(days=8))
    assert client.get(conferir(client, NOME)).context["contagem"].respondidas == 0
    settings.REAPROVEITAR_DIAS = 9
    assert client.get(conferir(client, NOME)).context["contagem"].respondidas == 1
    JobItem.objects.filter(pk=item.pk).update(status="failed", erro_classe="veneno")
    assert client.get(conferir(client, NOME)).context["contagem"].respondidas == 0


# ---- the refused list ------------------------------------------------------------------------------------------------
def test_the_refused_list_is_a_spreadsheet_without_formulas_also_after_the_start(client: Client) -> None:
    url = conferir(client, f"=HYPERLINK(1)\n{NOME}\nnada")
    iniciar(client, url)
    text = b"".join(client.get(f"{url}recusados.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert rows[0] == ["linha", "arquivo", "motivo"]
    assert [(row[0], row[1]) for row in rows[1:]] == [("1", "'=HYPERLINK(1)"), ("3", "nada")]
    assert f"{url}recusados.csv" in client.get(NOVA).content.decode()
    assert ArquivoEnviado.objects.count() == 0


# ---- the acts in five ways -------------------------------------------------------------------------------------------
ATOS = ["conferir", "conferir_de_novo", "reaproveitar", "descartar_conferencia", "iniciar_conferencia"]


def _endereco(client: Client, ato: str) -> str:
    return reverse(f"executions:{ato}", args=[] if ato == "conferir" else [conferir(client, NOME).split("/")[-2]])


@pytest.mark.parametrize("ato", ATOS)
def test_an_act_refuses_get_the_anonymous_who_may_not_and_a_form_without_its_token(client: Client, ato: str) -> None:
    url = _endereco(client, ato)
    drafts = Conferencia.objects.count()
    assert client.get(url).status_code == 405
    anonymous = Client().post(url, {"nomes": NOME})
    assert (anonymous.status_code, anonymous["Location"]) == (302, "/entrar/?next=/")
    assert como("Leitores").post(url, {"nomes": NOME}).status_code == 403
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.get(groups__name="Operadores"))
    refused = careful.post(url, {"nomes": NOME})
    assert refused.status_code == 403 and "O formulário ficou velho" in refused.content.decode()
    assert (Conferencia.objects.count(), Execucao.objects.count()) == (drafts, 0)


def test_who_may_enqueue_and_not_start_gets_only_that_button(client: Client, credencial: Credencial) -> None:
    from django.contrib.auth.models import Permission  # noqa: PLC0415

    user = pessoa()
    user.user_permissions.set(Permission.objects.filter(codename__in=["enfileirar", "view_execucao"]))
    mine = Client()
    mine.force_login(user)
    url = conferir(mine, NOME)
    assert 'value="iniciar"' not in mine.get(url).content.decode()
    assert iniciar(mine, url, acao="iniciar").status_code == 403
    assert iniciar(mine, url).status_code == 302 and Execucao.objects.count() == 1


def test_the_page_itself_asks_for_the_permission(client: Client) -> None:
    assert Client().get(NOVA)["Location"] == f"/entrar/?next={NOVA}"
    assert como("Leitores").get(NOVA).status_code == 403
    assert client.get(NOVA).status_code == 200


def test_nothing_handed_over_is_said(client: Client) -> None:
    response = client.post(f"{NOVA}conferir", {"nomes": " \n"})
    assert "Nada a conferir" in textos(response)[-1] and Conferencia.objects.count() == 0


def test_a_form_sent_by_script_is_told_where_the_page_goes_on(client: Client) -> None:
    response = client.post(f"{NOVA}conferir", {"nomes": NOME}, headers=HTMX)
    assert response.status_code == 204 and response["HX-Redirect"].startswith(NOVA)


# ---- size ------------------------------------------------------------------------------------------------------------
def _medir(client: Client, n: int) -> dict[str, tuple[int, float]]:
    """(queries, seconds of CPU) of checking, showing and enqueueing so many names."""
    names = "\n".join(f"{numero_de(k, '8.99')}_{1000 + k}_12345_.pdf" for k in range(1, n + 1))
    client.get(conferir(client, NOME))  # what is asked once a process has been asked
    found = {}

    def step(name: str, call: Any) -> Any:
        began = time.process_time()  # of this process: other people's work on the machine is not counted
        with CaptureQueriesContext(connection) as queries:
            result = call()
        found[name] = (len(queries), time.process_time() - began)
        return result

    url = step("conferir", lambda: conferir(client, names))
    step("mostrar", lambda: client.get(url))
    form = envio(client, url)
    step("enfileirar", lambda: client.post(f"{url}iniciar", form))
    assert Execucao.objects.latest("pk").total_arquivos == n
    return found


def test_the_page_costs_the_same_with_one_and_with_300_lines(client: Client) -> None:
    # PostgreSQL is asked for its clock twice more.
    assert _medir(client, 1)["mostrar"][0] == _medir(client, 300)["mostrar"][0] <= 18


def test_ten_thousand_names_are_checked_shown_and_enqueued_in_little_time_and_few_queries(client: Client) -> None:
    few, many = _medir(client, 100), _medir(client, 10_000)
    print(many)
    assert many["mostrar"][0] == few["mostrar"][0]
    assert max(seconds for _, seconds in many.values()) < 10
    # SQLite takes some dozen rows a statement.
    assert many["conferir"][0] - few["conferir"][0] < 10_000 / 40
    assert many["enfileirar"][0] == few["enfileirar"][0]


def test_places_of_a_host_that_takes_nothing_new_are_not_offered(client: Client, credencial: Credencial) -> None:
    novo_host(places=2)
    novo_host(places=6, draining_at=clock.db_now())
    novo_host(places=6, exclusiva=nova_execucao(1, credencial=credencial))
    page = client.get(conferir(client, f"{NOME}\n{OUTRO}.pdf"))
    assert [(e.n, e.fora) for e in page.context["opcoes"].escolhas()] == [(1, False), (2, False), (3, True)]


def test_each_number_of_robots_has_its_forecast_and_one_above_the_sessions_says_so(
    client: Client, credencial: Credencial
) -> None:
    Credencial.objects.update(max_sessions=2)
    novo_host()
    batch = Execucao.objects.enfileirar(
        lotes.ler([f"{numero_de(k, '8.99')}_{1000 + k}_12345_.pdf" for k in range(1, 7)]).linhas,
        portal=credencial.portal, credencial=credencial,
    )  # fmt: skip
    robo = novo_robo(batch)
    for _ in range(6):
        tomado(batch, robo).concluir(RESPOSTA)
    now = clock.db_now()
    batch.itens.update(started_at=now - timedelta(seconds=60), finished_at=now)
    page = client.get(conferir(client, f"{NOME}\n{OUTRO}.pdf"))
    one, two, three = page.context["opcoes"].escolhas()
    assert [(e.n, e.fora) for e in (one, two, three)] == [(1, False), (2, False), (3, True)]
    assert one.fim - two.fim == timedelta(seconds=60) and three.fim is None
    text = page.content.decode()
    assert "Acima das sessões ou dos lugares de agora" in text and "2 itens a 1 min cada, em média." in text
    assert f"em uso pela #{batch.pk}" in text


def test_a_login_that_the_portal_blocked_says_until_when_by_the_databases_clock(
    client: Client, credencial: Credencial, tempo: Any
) -> None:
    tempo.avancar(3600)
    Credencial.objects.filter(pk=credencial.pk).update(livre_em=tempo.agora + timedelta(minutes=5))
    page = conferir(client, NOME)
    assert "O portal a bloqueou por alguns minutos" in client.get(page).content.decode()
    tempo.avancar(301)
    assert "O portal a bloqueou por alguns minutos" not in client.get(page).content.decode()
