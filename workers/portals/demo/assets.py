"""Style and scripts of the demonstration pages. They are inline: a page is one answer."""

ESTILO = """
:root{color-scheme:light}
body{margin:0;color:#171b22;background:#f5f6f8}
body{font:14px/1.5 "Segoe UI",system-ui,Roboto,"Helvetica Neue",Arial,sans-serif}
.faixa{background:#fcf0d4;color:#7a4c00;padding:6px 16px;font-weight:600;text-align:center}
header{background:#18202f;color:#e9edf4;padding:12px 16px;font-size:16px}
main{max-width:1080px;margin:16px auto;padding:16px;background:#fff;border:1px solid #dfe3e8;border-radius:6px}
h1{font-size:18px;margin:0 0 12px}
label{display:block;margin:8px 0 2px;color:#454e5c}
input,button{font:inherit;border-radius:4px;border:0;padding:6px 14px}
input[type=text],input[type=password]{width:100%;max-width:340px;padding:6px 8px;border:1px solid #818996}
input[type=submit],button{background:#2456c7;color:#fff;cursor:pointer}
input.limpar{padding:5px 8px;background:#5f6877}
table{border-collapse:collapse;width:100%}
th,td{padding:6px 8px;border-bottom:1px solid #dfe3e8;text-align:left;vertical-align:top}
th{background:#f0f2f5}
tr.bloqueado td{color:#5f6877;background:#f0f2f5}
tr.arquivos>td{background:#f5f6f8}
tr.arquivos a{display:block;color:#2152bd}
img[id^=MostrarArquivos_]{width:18px;height:18px;cursor:pointer}
iframe{width:100%;height:76vh;border:0}
.erro{color:#ad231b;font-weight:600}
footer{max-width:1080px;margin:0 auto 24px;color:#5f6877;font-size:12px;text-align:center}
.ui-widget-overlay{position:fixed;inset:0;background:#18202f;opacity:.45;z-index:100}
.ui-dialog{position:fixed;z-index:101;top:20%;left:50%;width:360px;margin-left:-180px;background:#fff;border-radius:6px;padding:16px}
"""

LIMPAR_STATUS = """
function limparStatus(){
  for (const nome of ['Id_ProcessoStatus','ProcessoStatusCodigo','ProcessoStatus'])
    document.getElementsByName(nome)[0].value = '';
  return false;
}
"""

MOSTRAR_ARQUIVOS = """
function mostrarArquivos(id){
  const linha = document.getElementById('linha_' + id), celula = document.getElementById('pai_' + id);
  if (linha.style.display !== 'none') { linha.style.display = 'none'; return; }
  linha.style.display = '';
  if (celula.dataset.pronto) return;
  celula.dataset.pronto = '1';
  celula.textContent = 'Carregando...';
  const pedido = new XMLHttpRequest();
  pedido.open('GET', 'MovimentacaoArquivo?AJAX=ajax&PaginaAtual=8&Id_Movimentacao=' + id);
  pedido.onload = function(){
    let arquivos;
    try { arquivos = JSON.parse(pedido.responseText); }
    catch (erro) { celula.dataset.pronto = ''; celula.textContent = 'Erro ao carregar os arquivos.'; return; }
    celula.textContent = '';
    for (const arquivo of arquivos) celula.appendChild(ligacao(arquivo));
  };
  pedido.onerror = function(){ celula.dataset.pronto = ''; celula.textContent = 'Erro ao carregar os arquivos.'; };
  pedido.send();
}
function ligacao(arquivo){
  const a = document.createElement('a'), nome = arquivo.nome_arquivo;
  a.href = 'MovimentacaoArquivo?PaginaAtual=6&Id_MovimentacaoArquivo=' + arquivo.id + '&hash=' + arquivo.hash;
  a.title = nome + ' - Arquivo assinado digitalmente. Clique para abrir em outra janela.';
  a.textContent = nome.length > 30 ? nome.slice(0, 30) + '...' : nome;
  a.target = '_blank';
  return a;
}
"""

FECHAR_AVISO = """
function fecharAviso(){
  document.querySelector('.ui-dialog').remove();
  document.querySelector('.ui-widget-overlay').remove();
}
"""

ALERTA = "alert('Há intimações pendentes de leitura neste processo.');"
JS_INFINITO = "for(;;){}"

# V8 ends the renderer when an array's store passes its limit ("Fatal JavaScript invalid size error");
# where that only throws, the second loop fills the memory of the tab.
ABA_MORTA = """
try { const a = []; for(;;) a.push(1); } catch (erro) { }
const cheio = []; for(;;) cheio.push(new Array(1e7).fill(cheio.length + 0.5));
"""
