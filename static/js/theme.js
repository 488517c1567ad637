/* Theme switch, shared with the Django admin: the same attribute and the same localStorage key. Loaded in the head,
   without defer, so that the page is never painted in the other theme first. */
(function () {
  "use strict";
  var root = document.documentElement, order = ["auto", "light", "dark"], saved = null;
  try { saved = localStorage.getItem("theme"); } catch (e) { /* storage may be blocked */ }
  if (order.indexOf(saved) >= 0) root.dataset.theme = saved;
  document.addEventListener("click", function (event) {
    if (!event.target.closest("#tema")) return;
    root.dataset.theme = order[(order.indexOf(root.dataset.theme) + 1) % 3];
    try { localStorage.setItem("theme", root.dataset.theme); } catch (e) { /* idem */ }
  });
})();
