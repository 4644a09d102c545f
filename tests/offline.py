"""The command line with every socket trapped: ``python offline.py LOG WORDS...``.

Each attempt to connect, bind, send or resolve a name is written to LOG and refused. Sockets of the local file
system (AF_UNIX), which reach nobody else, are let through. With the single word ``self-test`` it tries one.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

_TRAPPED = (
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
)


def trap(log: Path) -> None:
    """From now on no socket leaves this process unseen."""
    log.touch()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _TRAPPED:
            return
        if isinstance(arguments[0], socket.socket) and arguments[0].family == socket.AF_UNIX:
            return
        if event == "socket.bind" and arguments[1] == ("::1", 0):
            return  # urllib3 asks its own machine, when it is imported, whether there is IPv6; nothing is sent
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{event} {[part for part in arguments if not isinstance(part, socket.socket)]}\n")
        raise OSError(f"trapped: {event}")

    sys.addaudithook(hook)


if __name__ == "__main__":
    trap(Path(sys.argv[1]))
    if sys.argv[2:] == ["self-test"]:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    from probandum import cli

    sys.argv = ["probandum", *sys.argv[2:]]
    cli.main()
