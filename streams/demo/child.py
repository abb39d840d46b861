"""`python -m kedge.streams.demo.child`: `kedge worker`, for as long as the process that started it lives.

That process holds the other end of this one's standard input. However it ends, a SIGKILL included, the end is closed.
"""

import os
import sys
import threading
from importlib.metadata import entry_points

from kedge.streams.worker.signals import leave_signals_to_main

_ORPHANED = 0


def main() -> None:
    """Run the installed `kedge` command."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    (command,) = entry_points(group="console_scripts", name="kedge")
    sys.argv = ["kedge", "worker"]
    sys.exit(command.load()())


def _end_with_parent() -> None:
    leave_signals_to_main()
    os.read(sys.stdin.fileno(), 1)
    # Nobody is left to tell, and what is not committed never happened.
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main()
