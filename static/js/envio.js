/* Sending files: what is dropped joins what was chosen, a bar shows the progress, a refusal is said beside the form.
   Without this script the form is sent as any other. */
(function () {
  "use strict";
  var $ = function (id) { return document.getElementById(id); };
  var form = $("envio"), input = $("arquivos"), drop = $("alvo"), error = $("erro-envio"), busy = $("andamento");
  if (!form) return;
  function total() { return Array.from(input.files).reduce(function (sum, file) { return sum + file.size; }, 0); }
  function refuse(text) { error.textContent = text; error.hidden = !text; busy.hidden = true; }
  function chosen() {
    var n = input.files.length, note = $("escolhidos");
    var mb = (total() / 1048576).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
    note.textContent = n ? n + " " + (n === 1 ? note.dataset.um : note.dataset.muitos) + ", " + mb + " MB" : "";
    refuse(total() > Number(form.dataset.limite) ? error.dataset.grande : "");
  }
  input.addEventListener("change", chosen);
  ["dragenter", "dragover", "dragleave", "drop"].forEach(function (name) {
    drop.addEventListener(name, function (event) {
      event.preventDefault();
      drop.classList.toggle("sobre", name === "dragenter" || name === "dragover");
      if (name !== "drop") return;
      var all = new DataTransfer();
      [input.files, event.dataTransfer.files].forEach(function (files) {
        Array.from(files).forEach(function (file) { all.items.add(file); });
      });
      input.files = all.files;
      chosen();
    });
  });
  form.addEventListener("htmx:beforeRequest", function (event) {
    if (total() > Number(form.dataset.limite)) { event.preventDefault(); return refuse(error.dataset.grande); }
    refuse("");
    busy.hidden = false;
  });
  form.addEventListener("htmx:xhr:progress", function (event) {
    var done = event.detail.total ? Math.floor(100 * event.detail.loaded / event.detail.total) : 0;
    if (busy.hidden || event.detail.loaded === undefined) return;
    $("barra-envio").value = done;
    $("texto-envio").textContent = done < 100 ? busy.dataset.enviando + " " + done + "%" : busy.dataset.conferindo;
  });
  form.addEventListener("htmx:responseError", function (event) {
    var page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    var why = page.querySelector("[data-motivo]") || page.querySelector("h1");
    refuse(why ? why.textContent : error.dataset.semRede);
  });
  form.addEventListener("htmx:sendError", function () { refuse(error.dataset.semRede); });
})();
