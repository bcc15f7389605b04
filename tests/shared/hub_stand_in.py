"""A server on this machine that answers what huggingface_hub asks of the Hub when a folder is uploaded over LFS.

It keeps what it is given: ``files`` of each (repository, branch), the ``calls`` and the ``commits``. ``refuse`` maps
the beginning of a path to the status that it answers with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_of_the_test"


class StandIn(ThreadingHTTPServer):
    """The server. Files named ``*.safetensors``, and all above 1 kB, go through LFS."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repositories: dict[str, bool] = {}  # name → whether it is private
        self.files: dict[tuple[str, str], dict[str, bytes]] = {}
        self.objects: dict[str, bytes] = {}
        self.commits: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.refuse: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub() -> Iterator[StandIn]:
    """The server, while it runs."""
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        self.server.calls.append((self.command, path))
        for beginning, status in self.server.refuse.items():
            if path.startswith(beginning):
                return self._say(status, {"error": f"refused with {status}"})
        if path.startswith("/objects/"):
            oid = path.rpartition("/")[2]
            right = hashlib.sha256(body).hexdigest() == oid
            self.server.objects[oid] = body
            return self._say(200 if right else 400, {})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._say(401, {"error": "Invalid credentials"})
        return self._say(*self._asked(path, body))

    def _asked(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:  # noqa: PLR0911 - one for each call
        server, given = self.server, path.strip("/").split("/")
        name = "/".join(given[2:4])
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            is_there = name in server.repositories
            is_private = asked.get("visibility") == "private" or asked.get("private") is True
            server.repositories.setdefault(name, is_private)
            return (409 if is_there else 200), {"url": f"{server.url}/{name}", "error": "it is there"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{server.url}/objects/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            return 200, {"transfer": "basic", "objects": objects}
        if name not in server.repositories:
            return 404, {"error": "Repository not found"}
        if given[4:5] == ["branch"]:
            server.files.setdefault((name, given[5]), {})
            return 200, {}
        if given[4:5] == ["preupload"]:
            files = json.loads(body)["files"]
            return 200, {"files": [{"path": f["path"], "uploadMode": _mode(f), "shouldIgnore": False} for f in files]}
        if given[4:5] == ["commit"]:
            return 200, self._commit(name, given[5], [json.loads(line) for line in body.splitlines()])
        return 200, {"id": name, "private": server.repositories[name], "sha": "0" * 40}

    def _commit(self, name: str, branch: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        stored = self.server.files.setdefault((name, branch), {})
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.server.commits.append(value)
            elif line["key"] == "lfsFile":
                stored[value["path"]] = self.server.objects[value["oid"]]
            else:
                stored[value["path"]] = base64.b64decode(value["content"])
        oid = f"{len(self.server.commits):040x}"
        return {"commitUrl": f"{self.server.url}/{name}/commit/{oid}", "commitOid": oid}

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _say(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _mode(file: dict[str, Any]) -> str:
    return "lfs" if file["path"].endswith(".safetensors") or file["size"] > 1000 else "regular"
