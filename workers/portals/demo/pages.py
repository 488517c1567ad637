"""The pages of the demonstration portal, with the DOM that docs/portals.md describes for Projudi."""

import json
from collections.abc import Iterable
from html import escape

from workers.portals.demo import assets
from workers.portals.demo.model import Caso, Movimentacao

BANNER = "Portal de demonstração: dados fictícios"
NAO_LOCALIZADO = "Nenhum processo localizado para os parâmetros informados."
INDISPONIVEL = "Não foi possível executar esta operação. Tente novamente mais tarde."
EM_MANUTENCAO = "Sistema em manutenção. Tente novamente mais tarde."
SESSAO_ATIVA = "Usuário já possui sessão ativa."
SENHA_ERRADA = "Usuário ou senha inválidos"
PEDE_CODIGO = "Informe o código de verificação enviado ao seu e-mail"
SEGREDO = "Processo em segredo de justiça"
# Only on pages with movements: readers must tell this sentence from a sealed case.
RODAPE = "Processos em segredo de justiça só são exibidos às partes."


def page(titulo: str, corpo: str, *, script: str = "", rodape: str = "") -> str:
    """A whole page: banner, heading, body; `script` is inline JavaScript and runs after the body."""
    return (
        f'<!DOCTYPE html><html lang="pt-BR"><head><meta charset="ISO-8859-1"><title>{escape(titulo)}</title>'
        f'<link rel="icon" href="data:,"><style>{assets.ESTILO}</style></head><body>'
        f'<div class="faixa">{BANNER}</div>{corpo}'
        f"{f'<footer>{rodape}</footer>' if rodape else ''}"
        f"{f'<script>{script}</script>' if script else ''}</body></html>"
    )


def message(texto: str, titulo: str = "Aviso") -> str:
    return page(titulo, f'<main><h1>{escape(titulo)}</h1><p class="mensagem">{escape(texto)}</p></main>')


def login(erro: str = "") -> str:
    aviso = f'<p class="erro">{escape(erro)}</p>' if erro else ""
    return page(
        "Acesso ao portal",
        f"""<header>Processo Judicial - Demonstração</header><main><h1>Acesso ao portal</h1>{aviso}
<form id="formLogin" action="LogOn" method="post">
<input type="hidden" name="PaginaAtual" value="-200">
<label for="login">CPF ou usuário</label><input type="text" id="login" name="Usuario" autocomplete="off">
<label for="senha">Senha</label><input type="password" id="senha" name="Senha" autocomplete="off">
<p><input type="submit" name="entrar" value="Entrar"></p></form></main>""",
    )


def email_code(erro: str = "") -> str:
    aviso = f'<p class="erro">{escape(erro)}</p>' if erro else ""
    return page(
        "Verificação",
        f"""<main><h1>Verificação em duas etapas</h1>{aviso}<p>{PEDE_CODIGO}.</p>
<form action="CodigoVerificacao" method="post"><label for="codigo">Código</label>
<input type="text" id="codigo" name="Codigo" maxlength="6" autocomplete="off">
<p><input type="submit" name="confirmar" value="Confirmar"></p></form></main>""",
    )


def captcha() -> str:
    return page(
        "Verificação de segurança",
        """<main><h1>Verificação de segurança</h1><p>Confirme que você é humano.</p>
<form action="BuscaProcesso" method="post"><div class="cf-turnstile">
<input type="hidden" name="cf-turnstile-response" value=""></div></form></main>""",
    )


def home(usuario: str) -> str:
    """The first page after a login: the frame of everything else, under an overlay and a notice with an OK button."""
    return page(
        "Página inicial",
        f"""<header>Processo Judicial - Demonstração | {escape(usuario)} |
<a href="LogOn?PaginaAtual=-201" style="color:inherit">Sair</a></header>
<iframe name="userMainFrame" id="userMainFrame" src="Usuario?PaginaAtual=-10" title="Área de trabalho"></iframe>
<div class="ui-widget-overlay ui-front"></div>
<div class="ui-dialog ui-widget ui-front" role="dialog"><div id="dialog" class="ui-dialog-content">
<p>Mantenha seus dados de contato atualizados.</p>
<button type="button" onclick="fecharAviso()">OK</button></div></div>""",
        script=assets.FECHAR_AVISO,
    )


def desk() -> str:
    return page(
        "Área de trabalho",
        '<main><h1>Área de trabalho</h1><p><a href="BuscaProcesso?PaginaAtual=4">Consultar processo</a></p></main>',
    )


def search_form() -> str:
    """The search form; its status filter is prefilled and hides archived cases until somebody clears it."""
    return page(
        "Consulta de processos",
        """<main><h1>Consulta de processos</h1>
<form id="Formulario" name="Formulario" action="BuscaProcesso" method="post">
<input type="hidden" id="PaginaAtual" name="PaginaAtual" value="-1">
<input type="hidden" id="PaginaAnterior" name="PaginaAnterior" value="4">
<input type="hidden" id="TipoConsultaProcesso" name="TipoConsultaProcesso" value="1">
<input type="hidden" id="ServletRedirect" name="ServletRedirect" value="">
<input type="hidden" id="QuantidadeRegistrosPagina" name="QuantidadeRegistrosPagina" value="15">
<label for="ProcessoNumero">Número do processo</label>
<input type="text" id="ProcessoNumero" name="ProcessoNumero" maxlength="25" autocomplete="off">
<label for="ProcessoStatus">Status</label>
<input type="hidden" id="Id_ProcessoStatus" name="Id_ProcessoStatus" value="5">
<input type="hidden" id="ProcessoStatusCodigo" name="ProcessoStatusCodigo" value="0">
<input type="text" id="ProcessoStatus" name="ProcessoStatus" value="Ativo" readonly>
<input type="submit" class="limpar" name="imaLimparProcessoStatus" value="Limpar" title="Limpar status"
 onclick="return limparStatus()">
<p><input type="submit" name="imgSubmeter" value="Buscar"
 onclick="document.getElementById('PaginaAtual').value='2'"></p></form></main>""",
        script=assets.LIMPAR_STATUS,
    )


def result_list(numeros: Iterable[str]) -> str:
    linhas = "".join(
        f'<tr><td>{posicao}</td><td><a href="VisualizarProcesso?PaginaAtual=2&amp;ProcessoNumero={numero}">{numero}</a>'
        "</td><td>Procedimento Comum</td></tr>"
        for posicao, numero in enumerate(numeros, start=1)
    )
    return page(
        "Resultado da consulta",
        f"""<main><h1>Processos encontrados</h1><table id="TabelaProcessos">
<thead><tr><th>Nº</th><th>Processo</th><th>Classe</th></tr></thead><tbody>{linhas}</tbody></table></main>""",
    )


def sealed(caso: Caso) -> str:
    return page(
        "Processo",
        f'<main><h1>Processo <span id="span_proc_numero">{caso.numero}</span></h1><p>{SEGREDO}.</p></main>',
    )


def changed_layout() -> str:
    """A page with none of the known markers: what a new version of a portal looks like to an old reader."""
    return page(
        "Painel",
        """<main><h1>Bem-vindo à nova experiência</h1><section class="cartao"><h2>Linha do tempo</h2>
<ol><li>Evento 1</li><li>Evento 2</li></ol></section></main>""",
    )


def trap(titulo: str, script: str) -> str:
    """A page whose script does not let the browser go on."""
    return page(titulo, f"<main><h1>{escape(titulo)}</h1><p>Carregando...</p></main>", script=script)


def case(caso: Caso, *, alerta: bool = False) -> str:
    total = len(caso.movimentacoes)
    linhas = "".join(_row(item, total - posicao) for posicao, item in enumerate(caso.movimentacoes))
    situacao = "Arquivado" if caso.arquivado else "Ativo"
    return page(
        f"Processo {caso.numero}",
        f"""<main><h1>Processo <span id="span_proc_numero">{caso.numero}</span></h1>
<p>Classe: Procedimento Comum | Status: {situacao}</p>
<table id="TabelaArquivos"><thead><tr>
<th>Nº</th><th>Movimentação</th><th>Data</th><th>Usuário</th><th>Arquivos</th></tr></thead>
<tbody id="tabListaProcesso">{linhas}</tbody></table></main>""",
        script=assets.MOSTRAR_ARQUIVOS + (assets.ALERTA if alerta else ""),
        rodape=RODAPE,
    )


def _row(item: Movimentacao, posicao: int) -> str:
    classes = "filtro-entrada bloqueado" if item.bloqueada else "filtro-entrada"
    row = (
        f'<tr class="{classes}" movi_codigo="{item.id}"><td width="30" align="center">{posicao}</td>'
        f'<td><span class="filtro_tipo_movimentacao">{escape(item.tipo)}</span><br>{escape(item.descricao)}</td>'
        f'<td width="100" align="center">{escape(item.data_texto)}</td><td>{escape(item.usuario)}</td>'
        f'<td><div class="dropMovimentacao" id_movi="{item.id}">{_icon(item)}</div></td></tr>'
    )
    if not item.anexos:
        return row
    return row + (
        f'<tr id="linha_{item.id}" class="arquivos" style="display:none"><td id="pai_{item.id}" colspan="5"></td></tr>'
    )


def _icon(item: Movimentacao) -> str:
    if not item.anexos:
        return ""
    pixel = "data:image/gif;base64,R0lGODlhAQABAIAAACRWxwAAACwAAAAAAQABAAACAkQBADs="
    return (
        f'<img id="MostrarArquivos_{item.id}" src="{pixel}" alt="Mostrar arquivos" title="Mostrar arquivos"'
        f' onclick="mostrarArquivos({item.id})">'
    )


def attachments(item: Movimentacao) -> str:
    """The JSON that the click on a movement asks for; sent as latin-1, like the pages."""
    arquivos = [
        {
            "id": str(anexo.id),
            "hash": anexo.hash,
            "nome_arquivo": anexo.nome_arquivo,
            "arquivo_tipo": anexo.arquivo_tipo,
            "usuario_assinador": anexo.usuario_assinador,
            "AcessoUsuario": "1",
            "AcessoArquivo": "1",
            "recibo": "false",
            "valido": str(anexo.valido).lower(),
        }
        for anexo in item.anexos
    ]
    return json.dumps(arquivos, ensure_ascii=False)
