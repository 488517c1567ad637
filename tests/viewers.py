"""People who look: `python tests/viewers.py PORT COOKIE N`. Each opens the home page and polls it as the browser does.

Until SIGTERM; then it says how many answers came, of which status, and their median time.
"""

import http.client
import re
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

EVERY_SECONDS = 2.0
VISIT_SECONDS = 30.0
stop = threading.Event()
seconds: list[float] = []
statuses: Counter[int] = Counter()


def get(connection: http.client.HTTPConnection, path: str, cookie: str, *, poll: bool) -> tuple[int, str]:
    headers = {"Cookie": cookie, "Connection": "close"} | ({"HX-Request": "true"} if poll else {})
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read().decode(errors="replace")


def tick(html: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found, html[:300]
    return found[1].replace("&amp;", "&")


def viewer(n: int, of: int, port: int, cookie: str) -> None:
    stop.wait(EVERY_SECONDS * n / of)  # they did not all come at once
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    path = ""
    while not path and not stop.is_set():
        try:
            path = tick(get(connection, "/", cookie, poll=False)[1])
        except (OSError, http.client.HTTPException):
            connection.close()
            statuses[0] += 1
    while not stop.wait(EVERY_SECONDS):
        began = time.perf_counter()
        try:
            status, html = get(connection, path, cookie, poll=True)
        except (OSError, http.client.HTTPException):
            connection.close()
            statuses[0] += 1
            continue
        seconds.append(time.perf_counter() - began)
        statuses[status] += 1
        path = tick(html) if status == 200 else path


class Person(threading.Thread):
    """Opens a page as `where` says, polls it as the browser does, and goes on to the next one after half a minute."""

    def __init__(self, port: int, cookie: str, where: Callable[[], str], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookie, self._where, self._stopped = cookie, where, stop
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            page = self._where()
            if page:
                self._visit(page)

    def _visit(self, page: str) -> None:
        leaves = time.monotonic() + VISIT_SECONDS
        html = self._get(page)
        while time.monotonic() < leaves and "hx-get" in html and not self._stopped.wait(EVERY_SECONDS):
            html = self._get(tick(html), poll=True) or html
            if "tela.jpg" in html:
                self._get(f"{page}tela.jpg")

    def _get(self, path: str, *, poll: bool = False) -> str:
        try:
            status, text = get(self._connection, path, self._cookie, poll=poll)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            status, text = 0, ""
        self.statuses[status] += 1
        return text if status == 200 else ""


def main() -> None:
    port, cookie, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    for i in range(n):
        threading.Thread(target=viewer, args=(i, n, port, cookie), daemon=True).start()
    while not stop.wait(0.5):
        pass
    middle = f", median {statistics.median(seconds) * 1000:.0f} ms" if seconds else ""
    print(f"{sum(statuses.values())} polls {dict(statuses)}{middle}", flush=True)


if __name__ == "__main__":
    main()
