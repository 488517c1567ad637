/* Keys: "/" goes to the search, "?" to the help, "g" and then a letter to a page of the bar. Never while somebody types,
   never over an open dialog, and not at all for who has switched them off (the tick box of the help page). */
(function () {
  "use strict";
  var sinceG = 0, root = document.documentElement;
  function off(value) {
    try { if (value !== undefined) localStorage.setItem("atalhos", value); return localStorage.getItem("atalhos") === "0"; }
    catch (e) { return false; }
  }
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || off() || root.querySelector("dialog[open]")) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    var going = Date.now() - sinceG < 1500, letter = going ? event.key : event.key === "?" ? "h" : "";
    var search = event.key === "/" && root.querySelector("main [type=search]");
    var link = /^[a-z]$/.test(letter) && root.querySelector(".nav a[data-tecla=" + letter + "]");
    sinceG = event.key === "g" && !going ? Date.now() : 0;
    if (!search && !link) return;
    event.preventDefault();
    if (search) search.focus(); else location.assign(link.href + (event.key === "?" ? "#atalhos" : ""));
  });
  /* A menu closes by Escape, which gives the focus back to what opened it, and by a click elsewhere. */
  ["keydown", "click"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      root.querySelectorAll("details.menu[open]").forEach(function (menu) {
        if (name === "click" ? menu.contains(event.target) : event.key !== "Escape") return;
        if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
        menu.open = false;
      });
    });
  });
  var box = document.getElementById("usar-atalhos");
  if (!box) return;
  box.checked = !off();
  box.addEventListener("change", function () { off(box.checked ? "1" : "0"); });
})();
