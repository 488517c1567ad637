/* Robots' screens: the picture stays in its place and only its address changes, so the old one shows until the new one
   has come. */
document.body.addEventListener("htmx:afterSettle", function () {
  document.querySelectorAll("[data-tela]").forEach(function (e) {
    var img = e.querySelector("img");
    if (img.getAttribute("src") !== e.dataset.tela) img.setAttribute("src", e.dataset.tela);
  });
});
