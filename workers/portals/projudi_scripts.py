"""The JavaScript that the Projudi adapter runs inside the portal's pages."""

# What the page is, for the reader; `status` is the HTTP status of its navigation.
_STATE = """
const nav = performance.getEntriesByType('navigation')[0];
const state = () => ({html: document.documentElement.outerHTML, url: location.href,
                      status: (nav && nav.responseStatus) || 0, anexos: {}});
"""

PAGE = _STATE + "return state();"

# Flags the page as old, fills the form and sends it. Returns null, or the page when it has not the form.
FILL_LOGIN = (
    _STATE
    + """
const [user, password] = arguments;
const login = document.querySelector('#login'), secret = document.querySelector('#senha');
const enter = document.querySelector("[name='entrar']");
if (!login || !secret || !enter) return state();
login.value = user; secret.value = password;
window.__robo = 1;
enter.click();
return null;
"""
)

# The status filter would hide archived cases: its three fields are emptied, as its own button does.
FILL_SEARCH = (
    _STATE
    + """
const [number] = arguments;
const form = document.querySelector('form#Formulario'), field = document.querySelector('#ProcessoNumero');
const send = document.querySelector("[name='imgSubmeter']");
if (!form || !field || !send) return state();
for (const name of ['Id_ProcessoStatus', 'ProcessoStatusCodigo', 'ProcessoStatus'])
  document.querySelectorAll(`[name='${name}'], [id='${name}']`).forEach(e => { e.value = ''; });
field.value = number;
window.__robo = 1;
send.click();
return null;
"""
)

# Answers within the time limit with what it has: the adapter asks again for the rest.
_FETCH_ALL = """
const fetchAll = async (ids, atOnce) => {
  const answers = {}, queue = [...ids], began = performance.now();
  const one = async () => {
    while (queue.length && performance.now() - began < 6000) {
      const id = queue.shift();
      const url = 'MovimentacaoArquivo?AJAX=ajax&PaginaAtual=8&Id_Movimentacao=' + encodeURIComponent(id);
      try {
        const left = 9000 - (performance.now() - began);
        const reply = await fetch(url, {credentials: 'same-origin', signal: AbortSignal.timeout(left)});
        const charset = /charset=([^;]+)/i.exec(reply.headers.get('content-type') || '');
        const text = new TextDecoder(charset ? charset[1].trim() : 'iso-8859-1').decode(await reply.arrayBuffer());
        answers[id] = reply.status >= 500 ? '!HTTP ' + reply.status : text;
      } catch (error) { answers[id] = '!' + error.name; }
    }
  };
  await Promise.all(Array.from({length: atOnce}, one));
  return answers;
};
"""

# One command reads the page and its first attachments, acknowledges the portal's dialog, and waits for neither.
READ = (
    _STATE
    + _FETCH_ALL
    + """
const [limit, atOnce, done] = arguments;
if (window.__robo) { done({old: true}); return; }
const dialog = document.querySelector('#dialog');
if (dialog) {
  const scope = dialog.closest('.ui-dialog') || dialog;
  const ok = [...scope.querySelectorAll('button, input[type=button]')].find(b => /ok/i.test(b.innerText || b.value));
  if (ok) ok.click();
}
const ids = [...document.querySelectorAll("#tabListaProcesso [id^='MostrarArquivos_']")]
  .map(e => e.id.slice('MostrarArquivos_'.length)).slice(0, limit);
const page = state();
fetchAll(ids, atOnce).then(answers => { page.anexos = answers; done(page); });
"""
)

FETCH = _FETCH_ALL + "const [ids, atOnce, done] = arguments; fetchAll(ids, atOnce).then(done);"
