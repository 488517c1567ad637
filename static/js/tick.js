/* The one clock of a page. Dispatches "tick" on the body as often as #resumo says (data-ritmo, milliseconds), only while
   the page is visible and not paused, and at most once a minute when nobody has touched it for one; without data-ritmo the
   state is final and the clock stands still. */
(function () {
  "use strict";
  var MINUTE = 60000, paused = false, timer = null, dataFrom = new Date(), touched = Date.now(), scrolls = {};
  var $ = function (id) { return document.getElementById(id); };
  var banner = $("sem-conexao"), said = banner.dataset;
  var ahead = new Date($("relogio").dateTime) - Date.now();      /* the server's clock less this one's */

  function ritmo() { var r = $("resumo"); return r && r.dataset.ritmo ? Number(r.dataset.ritmo) : 0; }
  function hms(date) { return date.toLocaleTimeString("pt-BR", { timeZone: said.fuso, hour12: false }); }

  function ages() {
    var now = Date.now() + ahead;
    document.querySelectorAll("[data-idade]").forEach(function (e) {
      var s = Math.max(0, Math.round((now - new Date(e.dateTime)) / 1000));
      e.textContent = s < 120 ? said.segundos.replace("{n}", s) : s < 7200 ? said.minutos.replace("{n}", Math.floor(s / 60)) : said.horas.replace("{n}", Math.floor(s / 3600));
    });
  }

  function show() {
    var on = !paused && ritmo() > 0 && banner.hidden;
    document.querySelector(".live .dot").classList.toggle("off", !on);
    $("ao-vivo-texto").textContent = paused ? said.pausado : !ritmo() ? said.terminada : on ? said.aoVivo : said.semConexao;
    $("pausar-tick").hidden = !ritmo();
  }

  function idle() { return Date.now() - touched > MINUTE; }
  function wait() { clearTimeout(timer); if (ritmo()) timer = setTimeout(beat, idle() ? Math.max(MINUTE, ritmo()) : ritmo()); }
  function beat() {
    if (!paused && !document.hidden) document.body.dispatchEvent(new CustomEvent("tick"));
    wait();
  }

  function lost(event) {
    var status = event.detail.xhr ? event.detail.xhr.status : 0;
    if (status === 403 || status === 404) { location.reload(); return; }   /* the page itself says what happened */
    banner.querySelector("p").textContent = said.dadosDe.replace("{hora}", hms(dataFrom));
    banner.hidden = false;
    show();
  }

  function answered(event) {
    if (!event.detail.successful) return;
    var date = event.detail.xhr.getResponseHeader("Date");
    dataFrom = date ? new Date(date) : new Date();
    $("relogio").dateTime = dataFrom.toISOString();
    $("relogio").textContent = hms(dataFrom);
    banner.hidden = true;
    show();
  }

  $("pausar-tick").addEventListener("click", function () {
    var text = (paused = !paused) ? this.dataset.retomar : this.dataset.pausar;
    this.setAttribute("aria-pressed", String(paused));
    this.title = text;
    this.querySelector(".vh").textContent = text;
    show();
    if (!paused) beat();
  });
  ["pointermove", "pointerdown", "keydown", "wheel"].forEach(function (name) {
    addEventListener(name, function () { var was = idle(); touched = Date.now(); if (was) beat(); }, { passive: true });
  });
  addEventListener("focus", function () { touched = Date.now(); beat(); });
  document.addEventListener("visibilitychange", function () { if (!document.hidden) beat(); });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach(function (name) { document.body.addEventListener(name, lost); });
  document.body.addEventListener("htmx:afterRequest", answered);
  document.body.addEventListener("htmx:beforeSwap", function () {
    document.querySelectorAll("[data-rolagem]").forEach(function (e) { scrolls[e.id] = [e.scrollTop, e.scrollLeft]; });
  });
  document.body.addEventListener("htmx:afterSwap", ages);              /* before the times are painted */
  document.body.addEventListener("htmx:afterSettle", function () {
    document.querySelectorAll("[data-rolagem]").forEach(function (e) {
      if (scrolls[e.id]) { e.scrollTop = scrolls[e.id][0]; e.scrollLeft = scrolls[e.id][1]; }
    });
    ages(); show(); wait();
  });
  setInterval(function () { if (!document.hidden) ages(); }, 1000);
  ages(); show(); wait();
})();
