"""Run a program that ends with its parent: ``python -m cli.lifeline MODULE ARGUMENTS``.

Its standard input is the lifeline: it ends when the parent does, however that died.
"""

import os
import runpy
import signal
import sys
import threading
import time

STOP_TIMEOUT_S = 15.0


def main() -> None:
    """Run the module as ``python -m`` does, under watch."""
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # unbuffered: a lock on stdin would trouble the exit
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_TIMEOUT_S)
    os._exit(1)


if __name__ == "__main__":
    main()
