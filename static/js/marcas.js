/* Tick boxes of the items: how many are chosen, all of the page at once, and none of a row that is no failure (any more). */
(function () {
  "use strict";
  var form = document.getElementById("escolha"), all = document.getElementById("escolher-todos");
  if (!form || !all) return;
  function boxes() { return Array.prototype.slice.call(form.querySelectorAll(".pick input")); }
  function count() {
    var may = boxes().filter(function (b) { return !b.disabled; }), n = may.filter(function (b) { return b.checked; }).length;
    var note = document.getElementById("n-escolhidos");
    note.textContent = n + " " + (n === 1 ? note.dataset.um : note.dataset.muitos);
    all.disabled = !may.length;
    all.checked = n > 0 && n === may.length;
    all.indeterminate = n > 0 && n < may.length;
  }
  function follow() {
    boxes().forEach(function (b) {
      b.disabled = !b.closest("tr").querySelector(".state.is-bad");
      if (b.disabled) b.checked = false;
    });
    count();
  }
  form.addEventListener("change", function (event) {
    if (event.target === all) boxes().forEach(function (b) { b.checked = all.checked && !b.disabled; });
    count();
  });
  form.addEventListener("reset", function () { setTimeout(count); });
  document.body.addEventListener("htmx:afterSettle", follow);
  follow();
})();
