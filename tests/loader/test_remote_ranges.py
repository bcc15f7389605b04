"""Ranges over memory:// and over a web server of the test's own, which fails in all the ways that servers fail."""

from __future__ import annotations

import multiprocessing
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from audiolect.errors import DamagedFile, DownloadError, MissingDependency, UsageError
from audiolect.loader.remote_ranges import RemoteFolder, RemoteRanges, is_url

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

CONTENTS = {f"{number}.bin": np.random.default_rng(number).bytes(5000 * (number + 1)) for number in range(3)}


@dataclass
class Behaviour:
    """What the server does wrong, and what it was asked."""

    ignores_ranges: bool = False
    failures: list[int] = field(default_factory=list)  # a status for each of the next requests; 0 drops the connection
    short: int = 0  # of so many answers the last bytes are not sent
    stall: threading.Event | None = None
    barrier: threading.Barrier | None = None
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            content = CONTENTS.get(self.path.rpartition("/")[2])
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            behaviour.asked.append(wanted)
            content = CONTENTS.get(self.path.rpartition("/")[2])
            if behaviour.stall is not None:
                behaviour.stall.wait(20)
            if behaviour.barrier is not None:
                behaviour.barrier.wait(10)
            status = behaviour.failures.pop() if behaviour.failures else 200 if content else 404
            if not status:
                self.close_connection = True
                return
            span = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
            body = content if status == 200 else b""
            if body and span and not behaviour.ignores_ranges:
                status, body = (206, body[int(span[1]) : int(span[2]) + 1]) if int(span[1]) < len(body) else (416, b"")
            if behaviour.short and body:
                behaviour.short -= 1
                body = body[:-7]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/packs/p", behaviour
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name, content in CONTENTS.items():
        system.pipe_file(f"/test-ranges/{name}", content)
    yield "memory://test-ranges"
    system.rm("/test-ranges", recursive=True)


def folder(url: str, **settings: Any) -> RemoteFolder:
    return RemoteFolder(url, **({"backoff_seconds": 0.01} | settings))


def ranges(url: str, **settings: Any) -> RemoteRanges:
    return RemoteRanges(folder(url), list(CONTENTS), [len(content) for content in CONTENTS.values()], **settings)


WANTED = [(2, 0, 15000), (0, 10, 20), (1, 9999, 1), (1, 4, 0), (0, 0, 5000), (2, 777, 3000)]
EXPECTED = [CONTENTS[f"{file}.bin"][start : start + size] for file, start, size in WANTED]


def fetched(source: RemoteRanges) -> list[bytes]:
    return [bytes(view) for view in source.fetch(*(list(column) for column in zip(*WANTED, strict=True)))]


@pytest.mark.parametrize(
    ("place", "is_one"),
    [
        ("https://a/b", True),
        ("s3://a", True),
        ("memory://a", True),
        ("/a/b", False),
        ("a:b", False),
        ("file:///a", False),
    ],
)
def test_urls_are_told_from_folders(place: str, is_one: bool) -> None:
    assert is_url(place) is is_one


@pytest.mark.parametrize("most_bytes", [1 << 20, 1, 6000])
@pytest.mark.parametrize("kind", ["server", "memory"])
def test_ranges_are_slices(kind: str, most_bytes: int, request: pytest.FixtureRequest) -> None:
    value = request.getfixturevalue(kind)
    source = ranges(value if kind == "memory" else value[0], most_bytes_at_once=most_bytes)
    assert fetched(source) == EXPECTED
    assert source.whole(1) == CONTENTS["1.bin"]


def test_ranges_of_a_call_are_asked_for_at_the_same_time(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.barrier = threading.Barrier(5)  # nobody gets an answer until all five have asked
    assert fetched(ranges(url)) == EXPECTED
    assert not behaviour.barrier.broken
    assert len(behaviour.asked) == 5


@pytest.mark.parametrize("failures", [[503], [500, 429, 503], [0], [0, 0]], ids=str)
def test_what_passes_is_tried_again(server: tuple[str, Behaviour], failures: list[int]) -> None:
    url, behaviour = server
    behaviour.failures = list(failures)
    assert fetched(ranges(url)) == EXPECTED
    assert behaviour.failures == []


def test_short_answers_are_tried_again(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.short = 2
    assert fetched(ranges(url)) == EXPECTED


def test_what_does_not_pass_ends_in_a_letter(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.failures = [503] * 100
    with pytest.raises(DownloadError, match=r"in 3 tries[\s\S]*0\.bin[\s\S]*503"):
        folder(url, attempts=3).ranges([("0.bin", 0, 10)])
    assert len(behaviour.asked) == 3


@pytest.mark.parametrize("status", [401, 403, 410])
def test_a_refusal_is_not_tried_again(server: tuple[str, Behaviour], status: int) -> None:
    url, behaviour = server
    behaviour.failures = [status] * 100
    with pytest.raises(DownloadError, match=f"cannot be had[\\s\\S]*{status}"):
        folder(url).ranges([("0.bin", 0, 10)])
    assert len(behaviour.asked) == 1


@pytest.mark.parametrize("kind", ["server", "memory"])
def test_a_missing_file_is_named(kind: str, request: pytest.FixtureRequest) -> None:
    value = request.getfixturevalue(kind)
    url = value if kind == "memory" else value[0]
    with pytest.raises(DownloadError, match=r"gone\.bin"):
        folder(url).whole("gone.bin")
    with pytest.raises(DownloadError, match=r"gone\.bin"):
        folder(url).num_bytes(["gone.bin"])


def test_a_server_that_ignores_ranges_is_told_at_once(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.ignores_ranges = True
    with pytest.raises(DownloadError, match=r"ignores ranges[\s\S]*nginx"):
        folder(url).check_ranges("0.bin")
    assert len(behaviour.asked) == 1


def test_a_stalling_server_is_given_up(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.stall = threading.Event()
    with pytest.raises(DownloadError, match=r"in 2 tries[\s\S]*Timeout"):
        folder(url, attempts=2, timeout_seconds=0.2).ranges([("0.bin", 0, 10)])
    behaviour.stall.set()


@pytest.mark.parametrize("kind", ["server", "memory"])
def test_a_range_beyond_the_end_is_damage(kind: str, request: pytest.FixtureRequest) -> None:
    value = request.getfixturevalue(kind)
    with pytest.raises(DamagedFile, match="ends before it should"):
        folder(value if kind == "memory" else value[0]).ranges([("0.bin", 4990, 5010)])
    with pytest.raises(DamagedFile, match="ends before it should"):
        folder(value if kind == "memory" else value[0]).ranges([("0.bin", 6000, 6010)])


def test_a_file_of_another_length_is_damage(memory: str) -> None:
    source = RemoteRanges(folder(memory), ["0.bin"], [5001])
    with pytest.raises(DamagedFile, match=r"5001 bytes[\s\S]*5000 bytes"):
        list(source.fetch([0], [0], [10]))


def test_an_unknown_kind_of_url_is_a_letter() -> None:
    with pytest.raises(UsageError, match=r"kind of URL[\s\S]*nonsense"):
        RemoteFolder("nonsense://a/b")


def test_a_missing_library_is_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(url: str, **options: Any) -> None:
        raise ImportError("Install s3fs to access S3", name="s3fs")

    monkeypatch.setattr(fsspec, "url_to_fs", absent)
    with pytest.raises(MissingDependency, match=r"s3fs[\s\S]*audiolect\[remote\]"):
        RemoteFolder("s3://a/b")


def test_threads_share_a_folder(server: tuple[str, Behaviour]) -> None:
    source, wrong = ranges(server[0]), []

    def hammer() -> None:
        for _ in range(5):
            if fetched(source) != EXPECTED:
                wrong.append(1)

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_makes_a_connection_of_its_own(server: tuple[str, Behaviour]) -> None:
    source = ranges(server[0])
    assert fetched(source) == EXPECTED
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put(fetched(source) == EXPECTED))
    child.start()
    assert answers.get(timeout=20) is True
    child.join(20)
    assert child.exitcode == 0
    assert fetched(source) == EXPECTED
