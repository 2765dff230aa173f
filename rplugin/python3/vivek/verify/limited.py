"""What starts a command in the sandbox: sets the limits of its own process, then becomes the command.

It runs with ``python -I -S -c``, inside the sandbox, because a limit on processes counts within a user namespace only
where it is set there. So it imports nothing of Vivek.
"""

import contextlib
import os
import resource
import sys

CANNOT_START = 127
MARK = "vivek cannot start: "


def main() -> None:
    """``limited.py NAME=VALUE... -- COMMAND...``, where a NAME is that of a resource: ``FSIZE=1048576``."""
    split = sys.argv.index("--")
    for word in sys.argv[1:split]:
        name, _, value = word.partition("=")
        _lower(getattr(resource, f"RLIMIT_{name}", None), int(value))
    command = sys.argv[split + 1 :]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{MARK}{error.strerror}\n")
        sys.exit(CANNOT_START)


def _lower(kind: "int | None", value: int) -> None:
    """Set a limit, never above the one in force. A kind that this system lacks is passed over."""
    if kind is None:
        return
    _, hard = resource.getrlimit(kind)
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS knows some of the names, and refuses to set them
        resource.setrlimit(kind, (least, least))


if __name__ == "__main__":
    main()
