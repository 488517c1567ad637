"""The first instruction of a script's process: nice value, signal defaults, harmless limits, then exec.

Run by path with `python -I -S`, before anything of ours is imported: `launch.py NICE SENTENCE COMMAND…`.

SENTENCE, with %(comando)s and %(erro)s, is what is said when the command cannot be started: nothing here translates.
"""

import os
import resource
import signal
import sys


def main() -> None:
    os.nice(int(sys.argv[1]))
    # A Python parent ignores SIGPIPE, and what is ignored is inherited through exec.
    for name in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    sentence, command = sys.argv[2], sys.argv[3:]
    try:
        os.execvp(command[0], command)  # noqa: S606 (an argument list, never a shell)
    except OSError as error:
        sys.stderr.write(sentence % {"comando": command[0], "erro": error.strerror} + "\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
