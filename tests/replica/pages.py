"""The replica's HTML. `estilo`, a number kept with each case, picks one author's habit for each detail."""

import html
import json
import random

from tests.replica.cases import Andamento, Processo

FOOTER = (
    '<div id="rodape"><p>Processos em segredo de justiça só aparecem para as partes. Mantenha uma única sessão ativa. '
    "Em caso de lentidão, tente novamente mais tarde. Este sítio usa captcha.</p></div>"
)
HIDDEN_DIALOGS = (
    '<div id="dialogErro" style="display: none" title="Erro">Nenhum processo localizado. Sua sessão ativa expirou.'
    "</div><div hidden>Sistema em manutenção. Tente novamente mais tarde.</div>"
)
NOT_FOUND = (
    "Nenhum Processo Localizado!", "NENHUM PROCESSO FOI ENCONTRADO.", "Nenhum processo&nbsp;foi\n localizado para os "
    "parâmetros informados", "Nenhum<br>processo encontrado", "<b>Nenhum</b> processo foi localizado",
)  # fmt: skip
SEALED = (
    "Este processo corre em SEGREDO DE JUSTIÇA.",
    "Segredo de Justi&ccedil;a",
    "Processo sob segredo de\n justiça",
)


def page(body: str, *, title: str = "Processo Judicial Digital", head: str = "", attributes: str = "") -> str:
    return (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">\n<html><head>'
        f'<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1"><title>{title}</title>{head}</head>'
        f"<body {attributes}>{body}</body></html>"
    )


def jquery_dialog(text: str) -> str:
    """What jQuery UI makes of `$('#dialog').dialog({modal: true, buttons: {OK: …}})`: the button is no descendant."""
    close = "this.closest('.ui-dialog').remove(); document.querySelector('.ui-widget-overlay').remove()"
    return (
        '<div class="ui-dialog ui-widget ui-front" style="position:fixed;top:90px;z-index:102">'
        '<div class="ui-dialog-titlebar"><span class="ui-dialog-title">Aviso</span></div>'
        f'<div id="dialog" class="ui-dialog-content">{text}</div>'
        '<div class="ui-dialog-buttonpane"><div class="ui-dialog-buttonset">'
        f'<button type="button" onclick="{close}"><span class="ui-button-text">OK</span></button></div></div></div>'
        '<div class="ui-widget-overlay ui-front" style="position:fixed;inset:0;z-index:101"></div>'
    )


def login_fields(action: str = "LogOn") -> str:
    return (
        f'<form id="formLogin" method="post" action="{action}"><input type="hidden" name="PaginaAtual" value="-200">'
        '<label>CPF <input id="login" name="login" type="text" maxlength="14"></label>'
        '<label>Senha <input id="senha" name="senha" type="password"></label>'
        '<input type="submit" name="entrar" value="Entrar" onclick="this.form.PaginaAtual.value=7"></form>'
    )


def login(message: str = "", *, attributes: str = "") -> str:
    return page(f"<h1>Acesso</h1><p class='erro'>{message}</p>{login_fields()}{FOOTER}", attributes=attributes)


def expired(style: int) -> str:
    """The login form comes back: alone, or where the content of an otherwise normal page would be."""
    if style % 2:
        return login("Sua sessão expirou.")
    skeleton = (
        '<div id="menu"><a href="BuscaProcesso?PaginaAtual=4">Buscar</a></div><table id="TabelaArquivos"></table>'
    )
    return page(skeleton + f'<div id="divCorpo">{login_fields()}</div>' + FOOTER)


def code() -> str:
    return page(
        '<form method="post"><p>Enviamos um código de verificação ao seu e-mail.</p><input id="tokenInformado"></form>'
    )


def main_page(*, late: bool) -> str:
    frame = '<iframe name="userMainFrame" id="Principal" src="Inicio" width="100%" height="600"></iframe>'
    if late:
        frame = f"<script>setTimeout(() => document.body.insertAdjacentHTML('beforeend', `{frame}`), 1000)</script>"
    return page('<div id="topo">Bem-vindo</div>' + frame + jquery_dialog("Há <b>3</b> intimações."))


def start() -> str:
    return page('<a href="BuscaProcesso?PaginaAtual=4" target="userMainFrame">Buscar processo</a>')


def search_form(style: int, *, message: str = "") -> str:
    rng = random.Random(style)
    action = rng.choice(["BuscaProcesso", "/BuscaProcesso", "./BuscaProcesso"])
    target = rng.choice(["", "", 'target="userMainFrame"'])
    turnstile = rng.choice(["", '<input type="hidden" name="cf-turnstile-response" value="">'])
    hide = "type=hidden" if rng.random() < 0.5 else 'type="text" readonly'
    body = f"""
<form id="Formulario" name="Formulario" method="POST" action="{action}" {target}>
<input id="PaginaAtual" name="PaginaAtual" type="hidden" value="-1">
<input type="hidden" value="4" name="PaginaAnterior" id="PaginaAnterior">
<input type="hidden" name="TipoConsultaProcesso" id="TipoConsultaProcesso" value="1">
<input type="hidden" name="ServletRedirect" id="ServletRedirect" value="">
<input type="hidden" name="QuantidadeRegistrosPagina" id="QuantidadeRegistrosPagina" value="15">
<label>Número <input id="ProcessoNumero" name="ProcessoNumero" size="25" maxlength="25" value="0000"></label>
<input {hide} name="ProcessoStatusCodigo" value="7"><input type="hidden" name="Id_ProcessoStatus" value="1">
<input type="text" readonly id="ProcessoStatus" name="ProcessoStatus" value="ATIVO">
<input type="image" name="imaLimparProcessoStatus" alt="Limpar"
 onclick="Formulario.Id_ProcessoStatus.value='';Formulario.ProcessoStatus.value='';return false;">
<select name="ordem"><option>Sessão ativa</option><option>Nenhum processo localizado</option></select>
<input type="image" name="imgSubmeter" alt="Buscar" title="Buscar" onclick="PaginaAtual.value=2">{turnstile}
</form>{message}"""
    head = "<script>onbeforeunload = () => 'Sair?'</script>" if rng.random() < 0.2 else ""
    attributes = rng.choice(["", "", "onload=\"alert('Bem-vindo ao novo Projudi')\""])
    return page(body + FOOTER, head=head, attributes=attributes)


def not_found(style: int) -> str:
    rng = random.Random(style)
    text = rng.choice(NOT_FOUND)
    where = rng.randrange(3)
    if where == 0:
        return search_form(style, message=jquery_dialog(text))
    if where == 1:
        return search_form(style, message=f'<table><tr><td colspan="4">{text}</td></tr></table>')
    return page(f'<div id="divMensagem" class="alert">{text}</div>' + FOOTER)


def sealed(caso: Processo) -> str:
    rng = random.Random(caso.estilo)
    text = rng.choice(SEALED)
    if rng.random() < 0.5:
        return page(f'<div class="aviso">{text}</div>' + FOOTER)
    table = '<table id="TabelaArquivos"><tbody id="tabListaProcesso"></tbody></table>'
    shown = f'Processo <span id="span_proc_numero">{caso.numero}</span><p>{text}</p>'
    return page(shown + (table if rng.random() < 0.5 else "") + FOOTER)


def result_list(caso: Processo, others: list[str]) -> str:
    """Several cases: linked by their number, or by an icon beside it."""
    rng = random.Random(caso.estilo)
    by_number = rng.random() < 0.5
    rows = []
    for other in rng.sample([*others, caso.numero], len(others) + 1):
        link = f"VisualizarProcesso?Id_Processo={other.replace('.', '')}"
        target = rng.choice(["", ' target="_blank"'])
        cell = f'<a href="{link}"{target}>{shown_number(other, rng)}</a>' if by_number else shown_number(other, rng)
        icon = "" if by_number else f'<a href="{link}"{target}><img alt="Visualizar"></a>'
        rows.append(f"<tr><td>{cell}</td><td>Procedimento Comum</td><td>{icon}</td></tr>")
    return page(f'<table id="Tabela">{"".join(rows)}</table>{HIDDEN_DIALOGS}{FOOTER}')


def shown_number(numero: str, rng: random.Random) -> str:
    bare = numero.replace("-", "").replace(".", "")
    return rng.choice([numero, f"\n  {numero}&nbsp;", bare, numero.lstrip("0"), f"<b>{numero[:15]}</b>{numero[15:]}"])


def case(caso: Processo) -> str:
    rng = random.Random(caso.estilo)
    rows = "".join(_row(a, rng) for a in reversed(caso.andamentos))
    span = rng.choice(["{n}", "Processo: {n} (Digital)", "&nbsp;{n}\n"]).format(n=shown_number(caso.numero, rng))
    body = (
        f'<div id="divCorpo">Processo <span id="span_proc_numero">{span}</span> Segredo de Justiça: NÃO'
        f'<table id="TabelaArquivos"><thead><tr><th>Nº</th><th>Movimentação</th><th>Data</th></tr></thead>'
        f'<tbody id="tabListaProcesso">{rows}</tbody></table></div>{HIDDEN_DIALOGS}{FOOTER}'
    )
    if rng.random() < 0.3:
        body += jquery_dialog("Existem documentos não lidos.")
    attributes = rng.choice(
        ["", "", "onload=\"alert('Processo com prazo em curso')\"", "onload=\"confirm('Atalho?')\""]
    )
    return page(body, attributes=attributes)


def _row(a: Andamento, rng: random.Random) -> str:
    if a.bloqueado:
        return f'<tr class="bloqueado"><td>{a.numero}</td><td colspan="4">Movimentação Bloqueada</td></tr>'
    mark = rng.choice(
        [
            'class="filtro-entrada TabelaLinha1"',
            f'movi_codigo="{a.id}"',
            f'class="filtro-entrada" movi_codigo="{a.numero}"',
        ]
    )
    size = rng.choice(['width="100" align="center"', "align='center' class='d' width='100'"])
    inner = (
        f"<table><tr><td>{html.escape(a.descricao)}</td></tr></table>"
        if rng.random() < 0.3
        else html.escape(a.descricao)
    )
    image = f'<img id="MostrarArquivos_{a.id}" src="x.png" onclick="void 0">' if a.documentos else ""
    drop = f'<div class="dropMovimentacao" id_movi="{a.id}"><img alt="menu"></div>'
    row = (
        f'<tr {mark}><td align="center">{a.numero}</td>'
        f'<td><span class="filtro_tipo_movimentacao">{html.escape(a.tipo)}</span> {inner}</td>'
        f"<td {size}>{_date(a, rng)}</td><td>SERVIDOR - Analista</td><td>{image}{drop}</td></tr>"
    )
    return row + (
        f'<tr id="linha_{a.id}" style="display:none"><td id="pai_{a.id}" colspan="5"></td></tr>' if image else ""
    )


def _date(a: Andamento, rng: random.Random) -> str:
    day, hour = f"{a.data:%d/%m/%Y}", f"{a.data:%H:%M:%S}"
    return rng.choice(
        [f"{day} {hour}", f"\n\t{day}&nbsp;{hour}\n", f"{day}<br>{hour}", f"<span>{day}</span>\n<span>{hour}</span>"]
    )


def attachments(a: Andamento, rng: random.Random) -> tuple[str, bytes]:
    """(content type, body) of a movement's list."""
    rows = [
        {"id": n, "hash": f"{rng.randrange(16**8):x}", "nome_arquivo": name, "arquivo_tipo": "Petição",
         "usuario_assinador": "JOSÉ DA CONCEIÇÃO", "AcessoUsuario": 2, "AcessoArquivo": True, "recibo": False,
         "valido": True, "novo_campo": {"x": [1]}}
        for n, name in enumerate(a.documentos)
    ]  # fmt: skip
    text = json.dumps(rows, ensure_ascii=rng.random() < 0.3)
    kind = rng.choice(
        [
            "application/json",
            "text/html",
            "text/plain; charset=ISO-8859-1",
            "application/json;charset=utf-8",
            'application/json; charset="iso-8859-1"',
        ]
    )
    return kind, text.encode("utf-8" if "utf-8" in kind else "latin-1")
