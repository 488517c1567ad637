/* Processes: running clocks with their bars, and a log that only grows, follows its end and keeps its last lines. */
(function () {
  "use strict";
  var $ = function (id) { return document.getElementById(id); };
  var clock = $("relogio"), ahead = clock ? new Date(clock.dateTime) - Date.now() : 0;

  function two(n) { return (n < 10 ? "0" : "") + n; }
  function clockwork(s) {
    var h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60);
    return h ? h + ":" + two(m) + ":" + two(s % 60) : m + ":" + two(s % 60);
  }

  function tempos() {
    var now = Date.now() + ahead;
    document.querySelectorAll("[data-decorrido]").forEach(function (e) {
      var limit = Number(e.dataset.limite || 0), text = e.querySelector("span"), bar = e.querySelector("progress");
      if (!e.dataset.desde) e.dataset.desde = e.querySelector("time").dateTime;
      var s = Math.max(0, Math.floor((now - new Date(e.dataset.desde)) / 1000));
      text.textContent = limit ? e.dataset.texto.replace("{n}", clockwork(s)).replace("{limite}", clockwork(limit)) : clockwork(s);
      if (bar) { bar.value = Math.min(s, limit); bar.className = s >= limit * 0.85 ? "is-warn" : "is-run"; }
    });
  }

  setInterval(function () { if (!document.hidden) tempos(); }, 1000);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) tempos(); });
  ["htmx:afterSwap", "htmx:afterSettle"].forEach(function (name) { document.body.addEventListener(name, tempos); });
  tempos();

  /* ---- the log ---------------------------------------------------------------------------------------------- */
  var list = $("log-linhas"), panel = $("saida-painel"), button = $("seguir"), note = $("log-anteriores");
  if (!list) return;
  var following = true, most = Number(list.dataset.maximo);

  function atEnd() { return panel.scrollHeight - panel.scrollTop - panel.clientHeight < 24; }
  function follow(on) {
    following = on;
    button.setAttribute("aria-pressed", String(on));
    if (on) panel.scrollTop = panel.scrollHeight;
  }

  /* The rest of a line whose beginning is already there is put at its end. */
  function join() {
    list.querySelectorAll("[data-segue]").forEach(function (li) {
      li.removeAttribute("data-segue");
      var before = li.previousElementSibling, text = li.querySelector("p").textContent;
      while (before && before.className !== li.className) before = before.previousElementSibling;
      if (!before || before.querySelector("p").textContent.length > 2000) return;
      before.querySelector("p").textContent += text;
      li.remove();
    });
  }

  function trim() {
    var surplus = list.children.length - most;
    if (surplus <= 0) return;
    var height = panel.scrollHeight;
    while (surplus-- > 0) list.firstElementChild.remove();
    note.hidden = false;
    if (!following) panel.scrollTop -= height - panel.scrollHeight;   /* what is being read stays where it is */
  }

  function grown() { join(); trim(); if (following) panel.scrollTop = panel.scrollHeight; }

  panel.addEventListener("scroll", function () { if (following !== atEnd()) follow(atEnd()); });
  button.addEventListener("click", function () { follow(!following); });
  new MutationObserver(grown).observe(list, { childList: true });
  button.hidden = false;
  join();
  follow(true);
})();
