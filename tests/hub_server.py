"""A model hub on loopback that serves one folder as one model, for tests of what is fetched and when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "c0ffee" + "0" * 34


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
        names = sorted(file.name for file in self.folder.iterdir())
        if path.startswith("/api/models/") and "/tree/" in path:
            sizes = {name: (self.folder / name).stat().st_size for name in names}
            found: object = [{"type": "file", "path": name, "size": sizes[name], "oid": "0" * 40} for name in names]
            return self._send(json.dumps(found).encode(), body, {"Content-Type": "application/json"})
        if path.startswith("/api/models/"):
            found = {"id": "us/tiny", "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
            return self._send(json.dumps(found).encode(), body, {"Content-Type": "application/json"})
        name = path.rpartition("/")[2]
        if name not in names:
            self.send_error(404)
            return None
        data = (self.folder / name).read_bytes()
        etag = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        return self._send(data, body, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _send(self, data: bytes, body: bool, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The hub's address, and the paths that were asked for."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"folder": folder, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
