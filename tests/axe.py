"""Accessibility as axe-core sees it: serious and critical findings are failures, told with their element.

`targets` is beside it, for axe 4.4 does not know WCAG 2.2's smallest size of what is pressed (2.5.8).
"""

from collections.abc import Mapping
from typing import Any

from axe_core_python.selenium import Axe
from selenium.webdriver.remote.webdriver import WebDriver

GRAVE = {"serious", "critical"}
_script = Axe().axe_script
# `preload` fetches every style sheet again, for rules that are off or about media; nobody reads the selectors.
OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": False, "selectors": False, "elementRef": True}

_run = """
const [options, grave, excused, done] = arguments;
const told = rule => rule.nodes
  .filter(node => !(rule.id in excused && node.element.matches(excused[rule.id])))
  .map(node => `${rule.id} (${rule.impact}): ${node.html.slice(0, 200)} — ${node.failureSummary}`);
axe.run(document, options).then(
  found => done(found.violations.filter(rule => grave.includes(rule.impact)).flatMap(told)), e => done(String(e)))"""

TARGET = 24  # CSS pixels, both ways
# The box of a control is its own or its label's, which does the same: the larger one.
_targets = """
const seen = {visibilityProperty: true, opacityProperty: true};
return [...document.querySelectorAll('button, a.btn, input:is([type=checkbox], [type=radio]), select, summary')]
  .filter(e => !e.disabled && e.checkVisibility(seen)).map(e => {
    const boxes = [e, ...(e.labels || [])].map(b => b.getBoundingClientRect());
    return [Math.max(...boxes.map(b => Math.min(b.width, b.height))), e.outerHTML.slice(0, 200)];
  }).filter(([side]) => side > 0 && side < arguments[0] - 0.5)"""


def findings(
    driver: WebDriver, *, only: list[str] | None = None, excused: Mapping[str, str] | None = None
) -> list[str]:
    """The serious and critical ones of the page as it is now, a line each.

    `only`: these rules alone. `excused`: rule -> selector of the elements that it may find.
    """
    if not driver.execute_script("return typeof axe === 'object'"):
        driver.execute_script(_script)
    options = OPTIONS | ({"runOnly": {"type": "rule", "values": only}} if only else {})
    result = driver.execute_async_script(_run, options, sorted(GRAVE), excused or {})
    assert isinstance(result, list), result
    return result


def targets(driver: WebDriver) -> list[str]:
    """The visible controls that are smaller than a finger needs, a line each; links in text are none."""
    small = driver.execute_script(_targets, TARGET)
    return [f"target-size: {side:.1f} px: {html}" for side, html in small]


def check(driver: WebDriver, *, only: list[str] | None = None) -> None:
    """Fails, naming each element, when the page as it is now has a serious or critical finding."""
    assert findings(driver, only=only) == []
