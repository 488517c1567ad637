"""The demonstration portal, seen from outside by plain HTTP: no browser, no database, none of the project's readers."""

import ast
import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from workers.portals.demo import sessions
from workers.portals.demo.cases import CASO_DO_CENARIO, CASOS, CODIGO_EMAIL, CREDENCIAIS, SENHA
from workers.portals.demo.generate import gerar_casos
from workers.portals.demo.model import Caso, Movimentacao
from workers.portals.demo.sample import AMOSTRA, DEZESSEIS, Esperado
from workers.portals.demo.server import PortalDemo

ROOT = Path(__file__).resolve().parent.parent
NOT_FOUND = "Nenhum processo localizado para os parâmetros informados"
UNAVAILABLE = "Não foi possível executar esta operação. Tente novamente mais tarde."
POR_NUMERO = {caso.numero: caso for caso in CASOS}


class Navegador:
    """A client with one keep-alive connection and a cookie, as a browser has."""

    def __init__(self, portal: PortalDemo) -> None:
        endereco = urlsplit(portal.url)
        assert endereco.hostname
        self.conexao = http.client.HTTPConnection(endereco.hostname, endereco.port, timeout=10)
        self.cookie = ""
        self.status = 0
        self.tipo = ""

    def pedir(self, metodo: str, caminho: str, campos: dict[str, str] | str | None = None) -> str:
        corpo = urlencode(campos, encoding="latin-1") if isinstance(campos, dict) else campos
        cabecalhos = {"Content-Type": "application/x-www-form-urlencoded"} if corpo else {}
        if self.cookie:
            cabecalhos["Cookie"] = self.cookie
        self.conexao.request(metodo, caminho, corpo, cabecalhos)
        resposta = self.conexao.getresponse()
        self.cookie = (resposta.getheader("Set-Cookie") or self.cookie).partition(";")[0]
        self.status, self.tipo = resposta.status, resposta.getheader("Content-Type") or ""
        return resposta.read().decode("latin-1")

    def entrar(self, usuario: str = "demo", senha: str = SENHA) -> str:
        return self.pedir("POST", "/LogOn", {"Usuario": usuario, "Senha": senha, "entrar": "Entrar"})

    def buscar(self, numero: str, **campos: str) -> str:
        formulario = {"PaginaAtual": "2", "ProcessoNumero": numero, "Id_ProcessoStatus": ""} | campos
        return self.pedir("POST", "/BuscaProcesso", formulario)

    def cenario(self, nome: str) -> str:
        return self.buscar(CASO_DO_CENARIO[nome])

    def anexos(self, movimentacao_id: str) -> list[dict[str, str]]:
        texto = self.pedir("GET", f"/MovimentacaoArquivo?AJAX=ajax&PaginaAtual=8&Id_Movimentacao={movimentacao_id}")
        lidos: list[dict[str, str]] = json.loads(texto)
        return lidos


@pytest.fixture
def portal() -> Iterator[PortalDemo]:
    with PortalDemo(lentidao=0.3, retencao=0.5) as aberto:
        yield aberto


@pytest.fixture
def navegador(portal: PortalDemo) -> Navegador:
    logado = Navegador(portal)
    logado.entrar()
    return logado


def linhas(pagina: str) -> list[tuple[str, str]]:
    """(movement id, date text) of every movement row, newest first."""
    padrao = r'<tr class="filtro-entrada[^"]*" movi_codigo="(\d+)">.*?<td width="100" align="center">(.*?)</td>'
    return re.findall(padrao, pagina, re.S)


def onde_esta(navegador: Navegador, pagina: str, identificador: str) -> list[str]:
    """The date texts of the movements that hold a document with `identificador`."""
    com_arquivos = set(re.findall(r'id="MostrarArquivos_(\d+)"', pagina))
    return [
        data
        for id_movi, data in linhas(pagina)
        if id_movi in com_arquivos
        and any(f"_{identificador}_" in anexo["nome_arquivo"] for anexo in navegador.anexos(id_movi))
    ]


def is_login_form(pagina: str) -> bool:
    return 'id="login"' in pagina and 'id="senha"' in pagina and 'name="entrar"' in pagina


# Login and sessions


def test_login_page_has_the_fields_of_projudi_and_is_latin_1(portal: PortalDemo) -> None:
    navegador = Navegador(portal)
    pagina = navegador.pedir("GET", "/LogOn?PaginaAtual=-200")
    assert is_login_form(pagina)
    assert navegador.tipo == "text/html; charset=ISO-8859-1"
    assert "Portal de demonstração: dados fictícios" in pagina


def test_right_password_opens_the_frame_under_an_overlay_and_a_dialog_with_ok(portal: PortalDemo) -> None:
    pagina = Navegador(portal).entrar()
    assert '<iframe name="userMainFrame"' in pagina
    assert 'class="ui-widget-overlay ui-front"' in pagina
    assert re.search(r'id="dialog".*<button[^>]*>OK</button>', pagina, re.S)


@pytest.mark.parametrize(("usuario", "senha"), [("demo", "errada"), ("ninguem", SENHA), ("", "")])
def test_wrong_password_shows_the_login_form_again_with_a_message(portal: PortalDemo, usuario: str, senha: str) -> None:
    navegador = Navegador(portal)
    pagina = navegador.entrar(usuario, senha)
    assert is_login_form(pagina)
    assert "Usuário ou senha inválidos" in pagina
    assert is_login_form(navegador.pedir("GET", "/BuscaProcesso?PaginaAtual=4"))


def test_without_a_login_search_form_search_and_attachments_are_the_login_form_with_200(portal: PortalDemo) -> None:
    navegador = Navegador(portal)
    paginas = [
        navegador.pedir("GET", "/BuscaProcesso?PaginaAtual=4"),
        navegador.cenario("protocolada"),
        navegador.pedir("GET", "/MovimentacaoArquivo?AJAX=ajax&PaginaAtual=8&Id_Movimentacao=300001001"),
    ]
    assert [is_login_form(pagina) for pagina in paginas] == [True, True, True]
    assert navegador.status == 200


def test_logout_ends_the_session(navegador: Navegador) -> None:
    navegador.pedir("GET", "/LogOn?PaginaAtual=-201")
    assert is_login_form(navegador.cenario("protocolada"))


def test_session_of_expira_ends_after_six_requests_and_a_new_login_gives_six_more(portal: PortalDemo) -> None:
    navegador = Navegador(portal)
    for _ in range(2):
        navegador.entrar("expira")
        paginas = [navegador.pedir("GET", "/BuscaProcesso?PaginaAtual=4") for _ in range(7)]
        assert [is_login_form(pagina) for pagina in paginas] == [False] * 6 + [True]
    assert navegador.status == 200


def test_second_session_of_sessao_unica_is_blocked_until_the_first_logs_out(portal: PortalDemo) -> None:
    primeira, segunda = Navegador(portal), Navegador(portal)
    assert "userMainFrame" in primeira.entrar("sessao-unica")
    bloqueio = segunda.entrar("sessao-unica")
    assert "Usuário já possui sessão ativa" in bloqueio
    assert "userMainFrame" not in bloqueio
    primeira.pedir("GET", "/LogOn?PaginaAtual=-201")
    assert "userMainFrame" in segunda.entrar("sessao-unica")


def test_idle_session_of_sessao_unica_no_longer_blocks(portal: PortalDemo, monkeypatch: pytest.MonkeyPatch) -> None:
    Navegador(portal).entrar("sessao-unica")
    monkeypatch.setattr(sessions, "INATIVIDADE_SEGUNDOS", 0.0)
    assert "userMainFrame" in Navegador(portal).entrar("sessao-unica")


def test_demo_may_have_many_sessions(portal: PortalDemo) -> None:
    assert all("userMainFrame" in Navegador(portal).entrar() for _ in range(3))


def test_credential_codigo_asks_for_the_code_and_enters_with_it(portal: PortalDemo) -> None:
    navegador = Navegador(portal)
    pagina = navegador.entrar("codigo")
    assert "Informe o código de verificação enviado ao seu e-mail" in pagina
    assert 'id="codigo"' in pagina
    assert "userMainFrame" not in pagina
    assert "Código inválido" in navegador.pedir("POST", "/CodigoVerificacao", {"Codigo": "000000"})
    assert "userMainFrame" in navegador.pedir("POST", "/CodigoVerificacao", {"Codigo": CODIGO_EMAIL})


def test_credential_captcha_meets_a_captcha_at_login(portal: PortalDemo) -> None:
    pagina = Navegador(portal).entrar("captcha")
    assert 'name="cf-turnstile-response"' in pagina
    assert "userMainFrame" not in pagina


# Search


def test_search_form_has_the_fields_of_projudi(navegador: Navegador) -> None:
    pagina = navegador.pedir("GET", "/BuscaProcesso?PaginaAtual=4")
    assert '<form id="Formulario" name="Formulario" action="BuscaProcesso" method="post">' in pagina
    assert re.search(r'id="ProcessoNumero"[^>]*maxlength="25"', pagina)
    valores = dict(re.findall(r'name="(\w+)" value="([^"]*)"', pagina))
    assert valores["PaginaAtual"] == "-1"
    assert valores["PaginaAnterior"] == "4"
    assert (valores["Id_ProcessoStatus"], valores["ProcessoStatus"]) == ("5", "Ativo")
    assert {"TipoConsultaProcesso", "ServletRedirect", "QuantidadeRegistrosPagina", "ProcessoStatusCodigo"} <= {
        *valores
    }
    assert valores["imgSubmeter"] == "Buscar"
    assert 'name="imaLimparProcessoStatus"' in pagina


def test_search_without_the_submit_button_is_the_form_again(navegador: Navegador) -> None:
    pagina = navegador.buscar(CASO_DO_CENARIO["protocolada"], PaginaAtual="-1")
    assert 'id="Formulario"' in pagina
    assert linhas(pagina) == []


def test_case_page_has_the_columns_of_projudi(navegador: Navegador) -> None:
    pagina = navegador.cenario("protocolada")
    assert f'<span id="span_proc_numero">{CASO_DO_CENARIO["protocolada"]}</span>' in pagina
    assert re.search(r'<table id="TabelaArquivos">.*<tbody id="tabListaProcesso">', pagina, re.S)
    primeira = re.search(r'<tr class="filtro-entrada" .*?</tr>', pagina, re.S)
    assert primeira
    assert primeira[0].count("<td") == 5
    assert '<span class="filtro_tipo_movimentacao">Juntada -&gt; Petição</span>' in primeira[0]
    id_movi = linhas(pagina)[0][0]
    assert f'<tr id="linha_{id_movi}" ' in pagina
    assert f'<td id="pai_{id_movi}" ' in pagina
    assert f'<div class="dropMovimentacao" id_movi="{id_movi}">' in pagina


def test_number_is_found_without_its_punctuation_too(navegador: Navegador) -> None:
    assert linhas(navegador.buscar(re.sub(r"\D", "", CASO_DO_CENARIO["protocolada"])))


def test_footer_speaks_of_sealed_cases_only_where_there_are_movements(navegador: Navegador) -> None:
    assert "segredo de justiça" in navegador.cenario("protocolada")
    outras = [navegador.cenario(nome) for nome in ("desconhecido", "sempre_indisponivel", "layout_mudou", "captcha")]
    outras += [
        navegador.pedir("GET", "/BuscaProcesso?PaginaAtual=4"),
        navegador.pedir("GET", "/LogOn?PaginaAtual=-200"),
    ]
    assert [pagina for pagina in outras if "segredo" in pagina.lower()] == []


def test_attachments_are_a_latin_1_json_array_with_the_fields_of_projudi(navegador: Navegador) -> None:
    pagina = navegador.cenario("acentos")
    anexo = navegador.anexos(linhas(pagina)[0][0])[0]
    assert navegador.tipo == "application/json; charset=ISO-8859-1"
    assert anexo["nome_arquivo"].endswith("_6305_90210_Impugnação_à_Contestação_nº_2_São_João_.pdf")
    assert [*anexo] == [
        "id", "hash", "nome_arquivo", "arquivo_tipo", "usuario_assinador", "AcessoUsuario", "AcessoArquivo", "recibo",
        "valido",
    ]  # fmt: skip


def test_attachments_of_an_unknown_movement_are_an_empty_array(navegador: Navegador) -> None:
    assert navegador.anexos("999") == []
    assert navegador.anexos("abc") == []


# Scenarios: every line of the sample against what the portal shows


def sources(resultado: str) -> list[Esperado]:
    return [linha for linha in AMOSTRA if linha.resultado == resultado]


def identificador_de(nome: str) -> str:
    """As the office writes it: what touches the 20 digits of the number, else the last of its kind."""
    resto = re.sub(r"^[\d._-]+?8[._]99[._]\d{4}", "", nome)
    tocando = re.match(r"_(\d{3,6}_\d{4,6})_", resto)
    return tocando[1] if tocando else re.findall(r"_(\d{3,6}_\d{4,6})_", resto)[-1]


def numero_de(nome: str) -> str:
    grupos = re.match(r"(\d{1,7})[._](\d\d)[._](\d{4})[._](8)[._](99)[._](\d{4})", nome)
    assert grupos, nome
    sequencial, digitos, ano, segmento, tribunal, foro = grupos.groups()
    return f"{sequencial.zfill(7)}-{digitos}.{ano}.{segmento}.{tribunal}.{foro}"


def as_iso(texto: str) -> str:
    """The date that the portal prints, in the sample's form; "" for a date that does not exist."""
    partes = [int(parte) for parte in re.findall(r"\d+", texto)]
    dia, mes, ano, hora, minuto, segundo = (*partes, 0)[:6]
    existe = not (mes == 2 and dia > 28)
    return f"{ano}-{mes:02d}-{dia:02d} {hora:02d}:{minuto:02d}:{segundo:02d}" if existe else ""


def abrir(navegador: Navegador, numero: str) -> str:
    """The case page, however long the case takes to show it."""
    for _ in range(3):
        try:
            pagina = navegador.buscar(numero)
        except http.client.HTTPException:
            continue
        if is_login_form(pagina):
            navegador.entrar()
        elif "VisualizarProcesso" in pagina:
            return navegador.pedir("GET", f"/VisualizarProcesso?PaginaAtual=2&ProcessoNumero={numero}")
        elif linhas(pagina):
            return pagina
    return navegador.buscar(numero)


@pytest.mark.parametrize("linha", sources("protocolada"), ids=lambda linha: f"{linha.cenario}-{linha.nome[-24:]}")
def test_filed_petition_of_the_sample_is_in_one_movement_with_the_expected_date(
    navegador: Navegador, linha: Esperado
) -> None:
    pagina = abrir(navegador, numero_de(linha.nome))
    datas = onde_esta(navegador, pagina, identificador_de(linha.nome))
    assert [as_iso(data) for data in datas] == [linha.protocolada_em]


@pytest.mark.parametrize("linha", sources("nao_localizada"), ids=lambda linha: f"{linha.cenario}-{linha.nome[-24:]}")
def test_petition_not_located_of_the_sample_is_nowhere_in_its_case(navegador: Navegador, linha: Esperado) -> None:
    pagina = abrir(navegador, numero_de(linha.nome))
    assert linhas(pagina) != []
    assert onde_esta(navegador, pagina, identificador_de(linha.nome)) == []


def test_several_petitions_of_one_case_share_a_day(navegador: Navegador) -> None:
    datas = [data for _, data in linhas(navegador.cenario("mesmo_dia"))]
    assert sum(data.startswith("11/02/2026") for data in datas) == 3


def test_sixteen_petitions_of_one_case(navegador: Navegador) -> None:
    pagina = navegador.cenario("dezesseis")
    datas = [onde_esta(navegador, pagina, identificador_de(linha.nome)) for linha in DEZESSEIS]
    assert [[as_iso(data) for data in lista] for lista in datas] == [[linha.protocolada_em] for linha in DEZESSEIS]


def test_forty_movements_with_attachments(navegador: Navegador) -> None:
    assert navegador.cenario("quarenta").count('id="MostrarArquivos_') == 40


def test_juntada_later_than_the_date_in_the_title(navegador: Navegador) -> None:
    pagina = navegador.cenario("juntada_posterior")
    assert "_10_02_2026_" in navegador.anexos(linhas(pagina)[0][0])[0]["nome_arquivo"]
    assert linhas(pagina)[0][1] == "12/02/2026 08:30:00"


def test_located_at_the_third_query(navegador: Navegador) -> None:
    paginas = [navegador.cenario("terceira_consulta") for _ in range(3)]
    assert [UNAVAILABLE in pagina for pagina in paginas] == [True, True, False]
    assert onde_esta(navegador, paginas[2], "5001_88001") == ["03/02/2026 10:10:10"]


def test_case_that_always_asks_to_try_again_later(navegador: Navegador) -> None:
    assert all(UNAVAILABLE in navegador.cenario("sempre_indisponivel") for _ in range(5))


def test_unknown_case(navegador: Navegador) -> None:
    pagina = navegador.cenario("desconhecido")
    assert NOT_FOUND in pagina
    assert "span_proc_numero" not in pagina


def test_sealed_case_shows_no_movements(navegador: Navegador) -> None:
    pagina = navegador.cenario("segredo")
    assert "Processo em segredo de justiça" in pagina
    assert "filtro-entrada" not in pagina


def test_session_ends_silently_at_the_first_query_only(navegador: Navegador) -> None:
    assert is_login_form(navegador.cenario("sessao_expira"))
    assert navegador.status == 200
    assert is_login_form(navegador.cenario("sessao_expira"))  # still logged out
    navegador.entrar()
    assert linhas(navegador.cenario("sessao_expira"))


def test_slow_case_takes_its_seconds_every_time(navegador: Navegador) -> None:
    begin = time.monotonic()
    assert linhas(navegador.cenario("lento"))
    assert time.monotonic() - begin >= 0.3


def test_silent_case_closes_the_first_query_without_an_answer(portal: PortalDemo, navegador: Navegador) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        navegador.cenario("sem_resposta")
    assert portal.log[-1].status == 0
    assert linhas(navegador.cenario("sem_resposta"))


def test_stop_releases_a_query_that_is_held(portal: PortalDemo) -> None:
    with PortalDemo(retencao=60) as outro:
        navegador = Navegador(outro)
        navegador.entrar()
        preso = threading.Thread(target=_ignore_disconnect, args=(navegador,))
        preso.start()
        time.sleep(0.2)
        begin = time.monotonic()
    preso.join(timeout=5)
    assert not preso.is_alive()
    assert time.monotonic() - begin < 3


def _ignore_disconnect(navegador: Navegador) -> None:
    with pytest.raises((http.client.HTTPException, OSError)):
        navegador.cenario("sem_resposta")


def test_alert_opens_once(navegador: Navegador) -> None:
    paginas = [navegador.cenario("alerta") for _ in range(2)]
    assert ["alert(" in pagina for pagina in paginas] == [True, False]
    assert all(linhas(pagina) for pagina in paginas)


def test_maintenance_answers_503_once(navegador: Navegador) -> None:
    assert "Sistema em manutenção. Tente novamente mais tarde." in navegador.cenario("manutencao")
    assert navegador.status == 503
    assert linhas(navegador.cenario("manutencao"))


def test_captcha_case_has_the_turnstile_field_and_no_result(navegador: Navegador) -> None:
    pagina = navegador.cenario("captcha")
    assert 'name="cf-turnstile-response"' in pagina
    assert "span_proc_numero" not in pagina


def test_changed_layout_shows_none_of_the_known_markers(navegador: Navegador) -> None:
    pagina = navegador.cenario("layout_mudou").lower()
    marcas = ("span_proc_numero", "filtro-entrada", "localizado", "tente novamente", "segredo", "migrado", "turnstile")
    assert [marca for marca in (*marcas, 'id="login"', "formulario", "visualizarprocesso") if marca in pagina] == []


def test_migrated_case_has_the_movement_and_no_petition(navegador: Navegador) -> None:
    pagina = navegador.cenario("migrado")
    assert "Processo migrado para outro sistema" in pagina
    assert 'id="MostrarArquivos_' not in pagina


@pytest.mark.parametrize(("cenario", "script"), [("js_infinito", "for(;;){}"), ("aba_morta", "for(;;) a.push(1)")])
def test_script_that_hangs_or_kills_the_tab_comes_once(navegador: Navegador, cenario: str, script: str) -> None:
    paginas = [navegador.cenario(cenario) for _ in range(2)]
    assert [script in pagina for pagina in paginas] == [True, False]
    assert linhas(paginas[1])


def test_result_list_comes_before_the_case_and_holds_another_case_first(navegador: Navegador) -> None:
    pagina = navegador.cenario("lista")
    ligacoes = re.findall(r'<a href="(VisualizarProcesso\?[^"]*)">([^<]*)</a>', pagina)
    assert [numero for _, numero in ligacoes] == [CASO_DO_CENARIO["apenso"], CASO_DO_CENARIO["lista"]]
    assert linhas(navegador.pedir("GET", "/" + ligacoes[1][0].replace("&amp;", "&")))


def test_two_documents_of_one_movement_are_one_filing(navegador: Navegador) -> None:
    pagina = navegador.cenario("dois_documentos")
    assert len(navegador.anexos(linhas(pagina)[0][0])) == 2
    assert len(onde_esta(navegador, pagina, "6044_90110")) == 1


def test_ambiguous_identifier_is_in_two_movements(navegador: Navegador) -> None:
    assert len(onde_esta(navegador, navegador.cenario("ambigua"), "6101_90201")) == 2


def test_possible_item_has_its_name_in_the_case_and_no_identifier(navegador: Navegador) -> None:
    pagina = navegador.cenario("possivel")
    assert navegador.anexos(linhas(pagina)[0][0])[0]["nome_arquivo"] == "Certidão.pdf"
    assert re.findall(r"_\d{3,6}_\d{4,6}_", sources("possivel")[0].nome) == []


def test_blocked_movement_stands_beside_the_filed_one(navegador: Navegador) -> None:
    pagina = navegador.cenario("bloqueada")
    assert re.search(r'<tr class="filtro-entrada bloqueado".*?Movimentação Bloqueada', pagina, re.S)
    assert onde_esta(navegador, pagina, "6210_90333") == ["03/03/2026 13:14:15"]


def test_archived_case_is_hidden_while_the_status_filter_is_set(navegador: Navegador) -> None:
    numero = CASO_DO_CENARIO["arquivado"]
    assert NOT_FOUND in navegador.buscar(numero, Id_ProcessoStatus="5")
    assert linhas(navegador.buscar(numero, Id_ProcessoStatus=""))


def test_dirty_dates_are_printed_as_they_are(navegador: Navegador) -> None:
    cenarios = ("data_invalida", "data_com_texto", "data_com_hifen")
    textos = [linhas(navegador.cenario(nome))[0][1] for nome in cenarios]
    assert textos == ["31/02/2026 10:00:00", "06/03/2026 às 09:08 - Livre", "14-03-2026 10:11:12"]


def test_names_may_end_in_p7s(navegador: Navegador) -> None:
    pagina = navegador.cenario("p7s")
    assert navegador.anexos(linhas(pagina)[0][0])[0]["nome_arquivo"].endswith(".pdf.p7s")


# The whole portal: outage, latency, log, life


def test_out_of_service_answers_503_everywhere_until_it_is_over(portal: PortalDemo, navegador: Navegador) -> None:
    portal.set_fora_do_ar(True)
    assert "Tente novamente mais tarde" in navegador.pedir("GET", "/LogOn?PaginaAtual=-200")
    assert navegador.status == 503
    assert navegador.pedir("POST", "/_fora_do_ar", "0") == "ok"
    assert linhas(navegador.cenario("protocolada"))
    navegador.pedir("POST", "/_fora_do_ar", "1")
    navegador.cenario("protocolada")
    assert navegador.status == 503


def test_a_mute_kind_of_request_alone_answers_503(portal: PortalDemo, navegador: Navegador) -> None:
    assert navegador.pedir("POST", "/_mudos", "login") == "ok"
    assert "Usuario" in navegador.pedir("GET", "/LogOn?PaginaAtual=-200") and navegador.status == 200
    assert "Tente novamente mais tarde" in navegador.entrar() and navegador.status == 503
    assert navegador.pedir("POST", "/_mudos", "") == "ok"
    assert "userMainFrame" in navegador.entrar()
    portal.set_mudos("search")
    assert "Tente novamente mais tarde" in navegador.cenario("protocolada") and navegador.status == 503
    portal.set_mudos()
    assert linhas(navegador.cenario("protocolada"))


def test_latency_comes_before_each_answer_of_the_portal_but_not_before_the_login_form() -> None:
    with PortalDemo(latency=0.15) as lento:
        navegador = Navegador(lento)
        navegador.pedir("GET", "/LogOn?PaginaAtual=-200")
        navegador.entrar()
        pagina = navegador.cenario("protocolada")
        navegador.anexos(linhas(pagina)[0][0])
        navegador.pedir("GET", "/BuscaProcesso?PaginaAtual=4")
        demoras = [(entry.kind, entry.end - entry.begin >= 0.15) for entry in lento.log]
    assert demoras == [
        ("login_form", False), ("login", True), ("search", True), ("attachments", True), ("search_form", True),
    ]  # fmt: skip


def test_log_tells_who_asked_what_and_when(portal: PortalDemo, navegador: Navegador) -> None:
    pagina = navegador.cenario("protocolada")
    navegador.anexos(linhas(pagina)[0][0])
    numero = CASO_DO_CENARIO["protocolada"]
    assert [(entry.kind, entry.usuario, entry.numero, entry.status) for entry in portal.log] == [
        ("login", "demo", "", 200), ("search", "demo", numero, 200), ("attachments", "demo", numero, 200),
    ]  # fmt: skip
    assert len({entry.session for entry in portal.log}) == 1
    tempos = [tempo for entry in portal.log for tempo in (entry.begin, entry.end)]
    assert tempos == sorted(tempos)


def test_log_is_served_as_json_and_reset_clears_everything(portal: PortalDemo, navegador: Navegador) -> None:
    navegador.cenario("alerta")
    servido = json.loads(navegador.pedir("GET", "/_log"))
    assert [linha["kind"] for linha in servido] == ["login", "search"]
    assert [*servido[0]] == ["begin", "end", "session", "usuario", "kind", "numero", "status"]
    navegador.pedir("POST", "/_reset")
    assert portal.log == []
    assert is_login_form(navegador.cenario("alerta"))
    navegador.entrar()
    assert "alert(" in navegador.cenario("alerta")


def test_log_file_gets_one_json_line_a_request(tmp_path: Path) -> None:
    arquivo = tmp_path / "pedidos.jsonl"
    with PortalDemo(log_file=arquivo) as portal:
        Navegador(portal).entrar()
        esperado = [entry.kind for entry in portal.log]
    assert [json.loads(linha)["kind"] for linha in arquivo.read_text().splitlines()] == esperado == ["login"]


def test_log_shows_simultaneous_queries_as_overlapping() -> None:
    with PortalDemo(latency=0.3) as portal:
        navegadores = [Navegador(portal) for _ in range(2)]
        for um in navegadores:
            um.entrar()
        threads = [threading.Thread(target=um.cenario, args=("protocolada",)) for um in navegadores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        primeira, segunda = [entry for entry in portal.log if entry.kind == "search"]
    assert max(primeira.begin, segunda.begin) < min(primeira.end, segunda.end)


def test_portal_stops_for_keep_alive_clients_and_starts_again_on_its_port() -> None:
    portal = PortalDemo().start()
    navegador = Navegador(portal)
    navegador.entrar()
    endereco = portal.url
    portal.stop()
    portal.stop()
    with pytest.raises((http.client.HTTPException, OSError)):
        navegador.cenario("protocolada")
    with portal:
        assert portal.url == endereco
        assert linhas(Navegador(portal).pedir("GET", "/LogOn?PaginaAtual=-200")) == []


@pytest.mark.parametrize("comprimento", ["-1", "abc", "9999999999999999999", "1000000"])
def test_request_with_a_bad_length_is_refused_and_the_portal_lives(portal: PortalDemo, comprimento: str) -> None:
    with socket.create_connection(("127.0.0.1", portal.port), timeout=5) as cru:
        cru.sendall(f"POST /LogOn HTTP/1.1\r\nHost: x\r\nContent-Length: {comprimento}\r\n\r\n".encode())
        assert cru.recv(64).startswith(b"HTTP/1.1 400")
    assert "userMainFrame" in Navegador(portal).entrar()


def test_unknown_path_is_404(navegador: Navegador) -> None:
    navegador.pedir("GET", "/inexistente")
    assert navegador.status == 404


# Data


def valid_check_digits(numero: str) -> bool:
    sequencial, digitos, ano, segmento, tribunal, foro = re.split(r"[-.]", numero)
    return int(sequencial + ano + segmento + tribunal + foro + digitos) % 97 == 1


def test_every_case_has_valid_check_digits_and_every_id_is_unique() -> None:
    assert [caso.numero for caso in CASOS if not valid_check_digits(caso.numero)] == []
    assert valid_check_digits(CASO_DO_CENARIO["desconhecido"])
    assert CASO_DO_CENARIO["desconhecido"] not in POR_NUMERO
    movimentos = [item for caso in CASOS for item in caso.movimentacoes]
    ids = [item.id for item in movimentos] + [anexo.id for item in movimentos for anexo in item.anexos]
    assert len(ids) == len({*ids})
    assert len(POR_NUMERO) == len(CASOS) == len({caso.cenario for caso in CASOS})


def test_all_text_of_the_portal_fits_latin_1() -> None:
    textos = [f"{item}" for caso in CASOS + gerar_casos(50, 1)[0] for item in caso.movimentacoes]
    assert [texto for texto in textos if texto.encode("latin-1", "replace").decode("latin-1") != texto] == []


def test_sample_covers_every_case_and_names_are_unique_but_for_the_repeated_one() -> None:
    assert 40 <= len(AMOSTRA) <= 50
    assert {linha.cenario for linha in AMOSTRA} >= {*CASO_DO_CENARIO} - {"apenso"}
    vezes = Counter(linha.nome for linha in AMOSTRA)
    repetido = [linha.nome for linha in AMOSTRA if linha.cenario == "repetido"]
    assert [nome for nome, quantas in vezes.items() if quantas > 1] == repetido
    assert [linha.nome for linha in AMOSTRA].index(repetido[0]) < len(AMOSTRA) - 1


def test_sample_has_valid_numbers_where_intake_must_accept() -> None:
    aceitas = [linha for linha in AMOSTRA if linha.situacao != "rejeitado"]
    assert [linha.nome for linha in aceitas if not valid_check_digits(numero_de(linha.nome))] == []
    for linha in aceitas:
        assert numero_de(linha.nome) == CASO_DO_CENARIO[linha.cenario]


def test_sample_has_names_with_lost_zeros_nfd_accents_spaces_and_no_extension() -> None:
    nomes = [linha.nome for linha in AMOSTRA]
    assert any(re.match(r"\d{1,6}\.", nome) for nome in nomes)
    assert any(nome != unicodedata.normalize("NFC", nome) for nome in nomes)
    assert any(nome.endswith(" .pdf") for nome in nomes)
    assert any("." not in nome[-5:] for nome in nomes)


def test_sample_rejects_a_bad_digit_a_missing_number_and_a_repeated_name() -> None:
    assert [linha.cenario for linha in AMOSTRA if linha.situacao == "rejeitado"] == [
        "digito_invalido", "sem_numero", "repetido",
    ]  # fmt: skip
    assert not valid_check_digits(numero_de(AMOSTRA[-3].nome))


def test_sample_answers_and_failures_are_of_the_known_kinds() -> None:
    falhas = {linha.cenario: linha.erro_classe for linha in AMOSTRA if linha.situacao == "failed"}
    assert falhas == {
        "sempre_indisponivel": "portal_indisponivel", "captcha": "captcha", "layout_mudou": "layout_mudou",
    }  # fmt: skip
    assert {linha.resultado for linha in AMOSTRA if linha.situacao == "done"} == {
        "protocolada", "nao_localizada", "possivel", "processo_nao_encontrado", "segredo_justica", "migrado", "ambigua",
    }  # fmt: skip
    assert all(linha.resultado == "protocolada" for linha in AMOSTRA if linha.protocolada_em)


def matching(caso: Caso, identificador: str) -> list[Movimentacao]:
    return [
        item for item in caso.movimentacoes if any(f"_{identificador}_" in anexo.nome_arquivo for anexo in item.anexos)
    ]


def test_generated_cases_agree_with_their_expected_answers() -> None:
    casos, esperados = gerar_casos(300, seed=7)
    por_numero = {caso.numero: caso for caso in casos}
    assert all(valid_check_digits(numero) for numero in por_numero)
    for linha in esperados:
        achados = matching(por_numero[numero_de(linha.nome)], identificador_de(linha.nome))
        datas = [as_iso(item.data_texto) for item in achados]
        assert datas == ([linha.protocolada_em] if linha.resultado == "protocolada" else []), linha


def test_generated_cases_have_the_promised_mix() -> None:
    casos, esperados = gerar_casos(500, seed=3)
    protocoladas = sum(linha.resultado == "protocolada" for linha in esperados)
    assert 0.5 < protocoladas / len(esperados) < 0.6
    assert 1.25 < len(esperados) / len(casos) < 1.55
    assert all(3 <= len(caso.movimentacoes) <= 30 for caso in casos)
    assert len({linha.nome for linha in esperados}) == len(esperados)
    assert any(anexo.nome_arquivo.endswith(".p7s") for c in casos for m in c.movimentacoes for anexo in m.anexos)


def test_generated_cases_are_the_same_for_the_same_seed_and_stand_beside_the_fixed_ones() -> None:
    casos, _ = gerar_casos(20, seed=1)
    assert gerar_casos(20, seed=1)[0] == casos != gerar_casos(20, seed=2)[0]
    assert not {caso.numero for caso in casos} & {*POR_NUMERO}
    ids = [item.id for caso in (*CASOS, *casos) for item in caso.movimentacoes]
    assert len(ids) == len({*ids})


def test_generated_cases_are_served() -> None:
    casos, _ = gerar_casos(3, seed=5)
    with PortalDemo(cases=casos) as portal:
        navegador = Navegador(portal)
        navegador.entrar()
        assert len(linhas(navegador.buscar(casos[0].numero))) == len(casos[0].movimentacoes)


def test_credentials_are_the_five_of_the_contract() -> None:
    assert {*CREDENCIAIS} == {"demo", "sessao-unica", "expira", "codigo", "captcha"}


# What it is made of


def test_portal_imports_only_the_standard_library_and_itself() -> None:
    importados = set()
    for arquivo in (ROOT / "workers/portals/demo").glob("*.py"):
        for no in ast.walk(ast.parse(arquivo.read_text(encoding="utf-8"))):
            if isinstance(no, ast.Import):
                importados |= {nome.name for nome in no.names}
            elif isinstance(no, ast.ImportFrom):
                importados.add(no.module or "")
    proprios = {nome for nome in importados if nome.startswith("workers.portals.demo")}
    assert [nome for nome in importados - proprios if nome.partition(".")[0] not in sys.stdlib_module_names] == []


COMANDO = """
import django
from django.conf import settings
settings.configure()
django.setup()
from workers.management.commands.portal_demo import Command
import sys
Command().run_from_argv(["manage.py", "portal_demo", *sys.argv[1:]])
"""


def command(*argumentos: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMANDO, *argumentos],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def test_command_prints_its_address_serves_and_ends_in_order_on_sigterm(tmp_path: Path) -> None:
    processo = command("--porta", "0", "--log", str(tmp_path / "log.jsonl"))
    assert processo.stdout
    anuncio = processo.stdout.readline()
    endereco = re.search(r"http://127\.0\.0\.1:(\d+)", anuncio)
    assert endereco, anuncio
    conexao = http.client.HTTPConnection("127.0.0.1", int(endereco[1]), timeout=5)
    conexao.request("GET", "/LogOn?PaginaAtual=-200")
    assert is_login_form(conexao.getresponse().read().decode("latin-1"))
    processo.terminate()
    saida, erros = processo.communicate(timeout=10)
    assert (processo.returncode, erros) == (0, "")
    assert saida == "Portal de demonstração encerrado.\n"
    assert json.loads((tmp_path / "log.jsonl").read_text())["kind"] == "login_form"


def test_command_says_that_the_port_is_taken_and_exits_1(portal: PortalDemo) -> None:
    processo = command("--porta", str(portal.port))
    saida, erros = processo.communicate(timeout=10)
    assert processo.returncode == 1
    assert saida == ""
    assert f"Não foi possível abrir o portal em {portal.url}" in erros
    assert "Traceback" not in erros
