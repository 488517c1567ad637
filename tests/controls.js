/* Injected before anything of a page: what went wrong there, its controls by their shapes, and what a person sees now. */
(() => {
  "use strict";
  const wrong = what => { try { sessionStorage.wrong = (sessionStorage.wrong || "") + what + "\n"; } catch { /* about:blank */ } };
  document.addEventListener("securitypolicyviolation", e => wrong(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
  addEventListener("error", e => wrong(`error: ${e.message || e.target.outerHTML}`), true);
  addEventListener("unhandledrejection", e => wrong(`rejection: ${e.reason}`));

  const ALL = "a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex]";
  const OPEN = "details[open], dialog[open], [popover]:popover-open";
  const plain = text => (text || "").replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "*").replace(/\d+/g, "#");
  const every = selector => [...document.querySelectorAll(selector)];
  const visible = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && [...e.getClientRects()].some(r => r.width * r.height > 0);
  const inBar = e => e.closest(".topbar, .skip") !== null;

  function kind(e) {
    const tag = e.localName, type = e.type;
    if (tag === "a") return e.matches(".skip") ? "skip" : "link";
    if (tag === "button" || tag === "summary" || tag === "textarea") return tag;
    if (tag === "select") return e.options.length > 1 ? "select" : "fixed";
    if (tag !== "input") return e.scrollHeight > e.clientHeight + 2 ? "region" : "fixed";
    if (type === "radio" && e.checked) return "fixed";
    return ["checkbox", "radio", "file", "number", "date", "submit"].includes(type) ? type : "text";
  }

  /* Two rows' same control have one shape: no number, no UUID, no text; what it does and where it is remain. */
  function shape(e) {
    const where = plain(e.getAttribute("href") ?? e.getAttribute("formaction") ?? e.form?.getAttribute("action"));
    const which = ["submit", "checkbox", "radio"].includes(e.type) ? plain(e.value) : "";
    return [kind(e), plain(e.id), plain(e.name), plain(e.className), which, where].join("|");
  }

  const enabled = bar => every(ALL).filter(e => !e.disabled && e.tabIndex >= -1 && inBar(e) === bar && visible(e)
    && (e.tabIndex >= 0 || e.matches("a, button, input, select, textarea, summary")));

  const find = wanted => every(ALL).find(e => !e.disabled && visible(e) && shape(e) === wanted) || null;

  /* What must be filled before a form's button does its work, with what the form itself asks for. */
  function fill(button) {
    [...(button.form?.elements || [])].filter(e => (e.required || e.localName === "textarea") && !e.value).forEach(e => {
      if (e.localName === "select") e.selectedIndex = 1;
      else e.value = e.pattern || (e.type === "date" ? "2026-11-20" : e.type === "number" ? e.min || "1" : "x");
      e.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  window.controls = {
    /* Each shape once: [shape, kind, its markup, how many have it]. */
    found(bar) {
      const all = new Map();
      enabled(bar).forEach(e => {
        const known = all.get(shape(e));
        if (known) known[3]++; else all.set(shape(e), [shape(e), kind(e), e.outerHTML.replace(/\s+/g, " ").slice(0, 160), 1]);
      });
      return [...all.values()];
    },
    find,
    state: () => ({
      page: performance.timeOrigin,
      url: location.href,
      text: plain(document.body.innerText),
      fields: every("input, select, textarea").map(e => [e.value, e.checked]),
      open: every(OPEN).length,
      pressed: every("[aria-pressed], [aria-expanded]").map(e => [e.ariaPressed, e.ariaExpanded]),
      theme: document.documentElement.dataset.theme,
      scrolled: [scrollY, ...every("[tabindex]").map(e => e.scrollTop)],
    }),
    /* Everything before the act: [the control in view, what is seen now, whether a new page alone is what it asks for]. */
    prepare(wanted, focus) {
      const e = find(wanted);
      if (!e) return null;
      e.scrollIntoView({ block: "center" });
      if (kind(e) === "button" || kind(e) === "submit") fill(e);
      if (focus) e.focus();
      return [e, controls.state(), e.localName === "a" || e.form?.method === "get"];
    },
    /* After it: what is seen, or null while something is under way. A link's page is judged when it is walked itself. */
    settled: link => (document.readyState === "complete" || (link && document.readyState !== "loading"))
      && !document.querySelector(".htmx-request") ? controls.state() : null,
    opened: () => every("dialog[open], [popover]:popover-open, details.menu[open]").length,
    status: () => performance.getEntriesByType("navigation")[0].responseStatus,
    took() {
      const said = (sessionStorage.wrong || "").split("\n").filter(Boolean), status = controls.status();
      sessionStorage.removeItem("wrong");
      return status >= 400 ? [...said, `answers ${status}`] : said;
    },
    /* As if the page had just come and nothing of it had asked for the focus. */
    start() { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex"); scrollTo(0, 0); },
    /* The one with the focus: [shape, whether of the bar, whether outlined, whether not all of it is covered, markup]. */
    focused() {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const outlined = [e, e.parentElement, ...(e.labels || [])].some(x => {
        const s = getComputedStyle(x);
        return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
      });
      const r = e.getClientRects()[0] || { left: 0, top: 0, width: 0, height: 0 };
      const points = [.1, .5, .9].flatMap(x => [.2, .5, .8].map(y => [r.left + r.width * x, r.top + r.height * y]));
      const shown = points.some(([x, y]) => {
        const top = document.elementFromPoint(x, y);
        return top && (e.contains(top) || top.contains(e) || [...(e.labels || [])].some(l => l.contains(top)));
      });
      return [shape(e), inBar(e), outlined, shown, e.outerHTML.replace(/\s+/g, " ").slice(0, 160)];
    },
  };
})();
