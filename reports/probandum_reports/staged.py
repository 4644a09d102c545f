"""Files of reports while they stand in the folder where they are staged: for their owner alone, and synced by nobody.

What a process that is killed leaves there is swept with the folder, so none has to be whole on its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from probandum.record import make_folder


def opened(path: Path) -> IO[bytes]:
    """A new file of mode 600, or an old one emptied, to write into."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def write(path: Path, data: bytes) -> None:
    """Write a whole file, and the folders above it that are not there."""
    make_folder(path.parent)
    with opened(path) as file:
        file.write(data)
