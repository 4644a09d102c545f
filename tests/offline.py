"""The command line with every socket trapped: ``python offline.py LOG [--allow=HOST:PORT] WORDS...``.

Each attempt to connect, bind, send or resolve a name is written to LOG and refused. Sockets of the local file
system (AF_UNIX), which reach nobody else, are let through, and so are connections to HOST:PORT. With the single word
``self-test`` it tries one.
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


def trap(log: Path, allowed: str = "") -> None:
    """From now on no socket leaves this process unseen, but for those to ``allowed``, a host and a port."""
    host, _, port = allowed.rpartition(":")
    let_through = (host, int(port)) if allowed else None
    log.touch()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _TRAPPED:
            return
        if isinstance(arguments[0], socket.socket) and arguments[0].family == socket.AF_UNIX:
            return
        if event == "socket.bind" and arguments[1] == ("::1", 0):
            return  # urllib3 asks its own machine, when it is imported, whether there is IPv6; nothing is sent
        if event == "socket.connect" and arguments[1] == let_through:
            return
        if event == "socket.getaddrinfo" and tuple(arguments[:2]) == let_through:
            return
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{event} {[part for part in arguments if not isinstance(part, socket.socket)]}\n")
        raise OSError(f"trapped: {event}")

    sys.addaudithook(hook)


if __name__ == "__main__":
    words = sys.argv[2:]
    allowed = words.pop(0).removeprefix("--allow=") if words[:1] and words[0].startswith("--allow=") else ""
    trap(Path(sys.argv[1]), allowed)
    if words == ["self-test"]:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    from probandum import cli

    sys.argv = ["probandum", *words]
    cli.main()
