"""Makes the output of a Python script live without making it slow.

Python buffers what it writes to a file: fast, but the log would stand still for minutes. Unbuffered, a million lines
cost seven times their time. So the script stays buffered, and a thread flushes four times a second. This folder is put
on the PYTHONPATH of scripts only; nothing of ours is imported.
"""

import atexit
import os
import sys
import threading

SECONDS = 0.25


def _keep_flushing() -> None:
    stop, busy = threading.Event(), threading.Lock()

    def run() -> None:
        while not stop.wait(SECONDS):
            with busy:
                for stream in (sys.stdout, sys.stderr):
                    try:
                        stream.flush()
                    except (OSError, ValueError, AttributeError):
                        return  # closed, replaced by something else, or the disk is full: the script will tell

    thread = threading.Thread(target=run, name="live-output", daemon=True)

    def finish() -> None:
        # A daemon thread inside a flush while the interpreter shuts down is a fatal error.
        stop.set()
        thread.join(1)

    # No fork in the middle of a flush: the child would inherit the stream's lock, taken.
    os.register_at_fork(before=busy.acquire, after_in_parent=busy.release, after_in_child=busy.release)
    atexit.register(finish)
    thread.start()


_keep_flushing()
