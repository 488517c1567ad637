"""The JavaScript that the Projudi adapter runs inside the portal's pages.

None of it may throw: an error of JavaScript looks like a broken browser.
"""

# What the page is, for the reader; `status` is the HTTP status of its navigation. What CSS hides is marked for the
# reader, except in the list of movements, which is read whole. A question at leaving a page would hold the next one.
_STATE = """
window.onbeforeunload = null;
window.addEventListener('beforeunload', event => event.stopImmediatePropagation(), true);
const state = () => {
  for (const e of (document.body ? document.body.querySelectorAll('*') : [])) {
    if (e.closest('#TabelaArquivos') || e.querySelector('#TabelaArquivos')) continue;
    e.toggleAttribute('data-robo-oculto', !e.checkVisibility({visibilityProperty: true}));
  }
  const nav = performance.getEntriesByType('navigation')[0];
  return {html: document.documentElement ? document.documentElement.outerHTML : '', url: location.href,
          status: (nav && nav.responseStatus) || 0, anexos: {}};
};
"""

PAGE = _STATE + "return state();"

# Sends a form once: the page is flagged as old, and the tab remembers that `once` was sent, so that the same command
# said again (after an alert of the portal) does nothing. What the page does when it has loaded is waited for: it might
# fill in what was emptied. Its own alert() and confirm() of the click are answered with yes.
# done({sent: true}), or done(page) when it has not the form.
_SEND = (
    _STATE
    + """
const [once, ...data] = arguments, done = data.pop();
const storage = (() => { try { return window.sessionStorage; } catch (error) { return {}; } })();
const loaded = async () => {
  for (let n = 0; n < 60 && document.readyState !== 'complete'; n++) await new Promise(go => setTimeout(go, 50));
};
const send = (form, button) => {
  form.removeAttribute('target');
  button.removeAttribute('formtarget');
  window.alert = () => undefined;
  window.confirm = () => true;
  window.__robo = 1;
  try { storage.robo = once; } catch (error) { /* without memory, as before */ }
  button.click();
  return {sent: true};
};
const main = fill => {
  if (storage.robo === once || window.__robo) done({sent: true});
  else loaded().then(() => done(fill())).catch(() => done(state()));
};
"""
)

FILL_LOGIN = (
    _SEND
    + """
const [user, password] = data;
main(() => {
  const login = document.querySelector('#login'), secret = document.querySelector('#senha');
  const enter = document.querySelector("[name='entrar']");
  if (!login || !secret || !enter) return state();
  login.value = user; secret.value = password;
  return send(enter.form || login.form || document.createElement('form'), enter);
});
"""
)

# The status filter would hide archived cases: its three fields are emptied, as its own button does.
FILL_SEARCH = (
    _SEND
    + """
const [number] = data;
main(() => {
  const form = document.querySelector('form#Formulario'), field = document.querySelector('#ProcessoNumero');
  const button = document.querySelector("[name='imgSubmeter']");
  if (!form || !field || !button) return state();
  for (const name of ['Id_ProcessoStatus', 'ProcessoStatusCodigo', 'ProcessoStatus'])
    document.querySelectorAll(`[name='${name}'], [id='${name}']`).forEach(e => { e.value = ''; });
  field.value = number;
  document.querySelectorAll('#PaginaAtual').forEach(e => { e.value = '2'; });
  return send(form, button);
});
"""
)

# Follows a link in this tab, wherever it wants to open.
FOLLOW = """
const [text, href] = arguments, plain = t => t.replace(/\\s+/g, ' ').trim();
const links = [...document.querySelectorAll('a[href]')].filter(a => a.getAttribute('href') === href);
const link = links.find(a => plain(a.textContent) === text) || links[0];
if (link) { link.removeAttribute('target'); window.__robo = 1; link.click(); }
"""

GO = "window.__robo = 1; location.href = arguments[0];"

# Answers within the time limit with what it has: the adapter asks again for the rest. A request that was given less
# than the whole time and did not make it is asked for again, not given up. Names are latin-1 unless the portal says
# otherwise; where it claims UTF-8, or claims nothing, the bytes themselves are asked first.
_FETCH_ALL = """
const decode = (buffer, type) => {
  const said = /charset="?([^;"\\s]+)/i.exec(type || '');
  const tries = said && !/^utf-?8$/i.test(said[1]) ? [said[1]] : ['utf-8'];
  for (const name of tries)
    try { return new TextDecoder(name, {fatal: true}).decode(buffer); } catch (error) { continue; }
  return new TextDecoder('iso-8859-1').decode(buffer);
};
const fetchAll = async (path, ids, atOnce) => {
  const answers = {}, queue = [...ids], began = performance.now();
  const one = async () => {
    while (queue.length && performance.now() - began < 6000) {
      const id = queue.shift(), left = 9000 - (performance.now() - began);
      const url = path + '?AJAX=ajax&PaginaAtual=8&Id_Movimentacao=' + encodeURIComponent(id);
      try {
        const reply = await fetch(url, {credentials: 'same-origin', signal: AbortSignal.timeout(left)});
        const text = decode(await reply.arrayBuffer(), reply.headers.get('content-type'));
        answers[id] = reply.status >= 500 || [401, 429].includes(reply.status) ? '!HTTP ' + reply.status : text;
      } catch (error) {
        if (error.name !== 'TimeoutError' || left > 8500) answers[id] = '!' + error.name;
      }
    }
  };
  await Promise.all(Array.from({length: atOnce}, one));
  return answers;
};
"""

# One command reads the page and its first attachments, acknowledges the portal's dialog, and waits for neither. A page
# that is still arriving is not there yet: what it lacks must not become a negative.
READ = (
    _STATE
    + _FETCH_ALL
    + """
const [path, limit, atOnce, done] = arguments;
if (window.__robo) { done({old: true}); return; }
if (document.readyState === 'loading') { done({old: true, loading: true}); return; }
const ids = [...document.querySelectorAll("#tabListaProcesso [id^='MostrarArquivos_']")]
  .map(e => e.id.slice('MostrarArquivos_'.length)).filter(id => id).slice(0, limit);
const page = state();
const acknowledge = () => {
  if (!document.querySelector('#dialog')) return;
  const buttons = '.ui-dialog button, .ui-dialog-buttonpane button, #dialog button, #dialog input[type=button]';
  const ok = [...document.querySelectorAll(buttons)].find(b => /^ok$/i.test((b.innerText || b.value || '').trim()));
  if (ok) ok.click();
};
fetchAll(path, ids, atOnce).then(answers => { page.anexos = answers; acknowledge(); done(page); })
  .catch(() => done(page));
"""
)

FETCH = _FETCH_ALL + "const [path, ids, atOnce, done] = arguments; fetchAll(path, ids, atOnce).then(done);"
