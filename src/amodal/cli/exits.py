"""What the exit code of a command says."""

from __future__ import annotations

DONE = 0
SOME_REFUSED = 1  # finished; refused.json lists the inputs that were refused
NOTHING_DONE = 2  # wrong use, or nothing could be done
READER_GONE = 141  # who read our output has closed it: as shells have SIGPIPE
INTERRUPTED = 130  # by Ctrl-C, as shells have it
