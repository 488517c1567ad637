"""A DevTools connection of its own to a Chromium that WebDriver drives, for pictures of its page.

Only the browser process is asked, never the page: a page that waits for its portal, or hangs, answers nobody. No domain
is enabled, for that would take part in the page's dialogs.
"""

import base64
import http.client
import json
import time
from typing import Any

import websocket

CONNECT_SECONDS = 2.0
COMMAND_SECONDS = 3.0
QUALITY = 40  # of 100; 1280 pixels wide, some 40 KB
MAX_BYTES = 1_000_000


class DevToolsError(Exception):
    """The browser answered with an error, or with what is no answer."""


FAILURES = (DevToolsError, websocket.WebSocketException, http.client.HTTPException, OSError, ValueError, LookupError)


class DevTools:
    """One page of one browser. Any of FAILURES means: close it; a new one may be tried."""

    def __init__(self, address: str, page: str) -> None:
        """`address`: host:port of the browser's debugger, or a Grid's ws:// address. `page`: its target's id."""
        url = address if address.startswith(("ws://", "wss://")) else _browser_socket(address)
        self._id = 0
        self._socket = websocket.create_connection(url, timeout=CONNECT_SECONDS, suppress_origin=True)
        try:
            self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        except FAILURES:
            self.close()
            raise

    def close(self) -> None:
        # Without the closing handshake: a stuck browser would be waited for.
        self._socket.shutdown()

    def picture(self) -> bytes:
        """What the page shows now, as a JPEG."""
        answer = self._call("Page.captureScreenshot", self._session, format="jpeg", quality=QUALITY)
        jpeg = base64.b64decode(answer["data"])
        if not jpeg.startswith(b"\xff\xd8") or len(jpeg) > MAX_BYTES:
            raise DevToolsError(f"no picture: {len(jpeg)} bytes")
        return jpeg

    def _call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """One command and its answer, within COMMAND_SECONDS whatever else the browser tells meanwhile."""
        self._id += 1
        deadline = time.monotonic() + COMMAND_SECONDS
        message = {"id": self._id, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._socket.settimeout(COMMAND_SECONDS)
        self._socket.send(json.dumps(message))
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._id:
                if "error" in answer:
                    raise DevToolsError(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
        raise DevToolsError(f"{method}: no answer")


def _browser_socket(address: str) -> str:
    host, _, port = address.rpartition(":")
    client = http.client.HTTPConnection(host, int(port), timeout=CONNECT_SECONDS)
    try:
        client.request("GET", "/json/version")
        return json.loads(client.getresponse().read())["webSocketDebuggerUrl"]
    finally:
        client.close()
