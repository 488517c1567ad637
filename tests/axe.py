"""Accessibility as axe-core sees it: serious and critical findings are failures, told with their element."""

from typing import Any

from axe_core_python.selenium import Axe
from selenium.webdriver.remote.webdriver import WebDriver

GRAVE = {"serious", "critical"}
_script = Axe().axe_script


def findings(driver: WebDriver, *, only: list[str] | None = None) -> list[str]:
    """The serious and critical ones of the page as it is now, a line each. `only`: these rules alone."""
    if not driver.execute_script("return typeof axe === 'object'"):
        driver.execute_script(_script)
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    result = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, arguments[0]).then(r => done(r.violations), e => done(String(e)))",
        options,
    )
    assert isinstance(result, list), result
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} — {node['failureSummary']}"
        for rule in result
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def check(driver: WebDriver, *, only: list[str] | None = None) -> None:
    """Fails, naming each element, when the page as it is now has a serious or critical finding."""
    assert findings(driver, only=only) == []
