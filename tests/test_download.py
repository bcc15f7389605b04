"""Downloads against a local server that drops, lies, stalls, refuses and changes its mind."""

import hashlib
import sys
import threading
import time
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect import download
from audiolect.download import fetch
from audiolect.errors import DamagedFile, DownloadError, MissingDependency, StorageError, UsageError

BODY = bytes(range(256)) * 40
SHA256 = hashlib.sha256(BODY).hexdigest()
BLAKE2B = hashlib.blake2b(BODY, digest_size=16).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


class Site:
    """A server whose answer to the n-th request is ``answers[n]``, the last one for all that follow."""

    def __init__(self, *answers):
        self.answers = answers or (whole(),)
        self.requests: list[dict[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.requests.append(dict(self.headers))
                site.answers[min(len(site.requests), len(site.answers)) - 1](self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/a.wav"


def whole(body=BODY, *, ranges=True, send=None, announce=None, headers=()):
    """Answer with ``body`` or the asked range of it; stop after ``send`` bytes; announce another length."""

    def answer(handler):
        asked = handler.headers.get("Range") if ranges else None
        condition = handler.headers.get("If-Range")
        if condition and condition not in dict(headers).values():
            asked = None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and start >= len(body):
            return reply(handler, 416, b"", {"Content-Range": f"bytes */{len(body)}"})
        extra = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if asked else {}
        rest = body[start:]
        length = len(rest) if announce is None else announce
        return reply(handler, 206 if asked else 200, rest[:send], dict(headers) | extra, length)

    return answer


def reply(handler, status, body, headers, length=None):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def refuse(status, **headers):
    return lambda handler: reply(handler, status, b"an error page", headers)


def stall_after(num_bytes, seconds):
    def answer(handler):
        reply(handler, 200, BODY[:num_bytes], {"ETag": '"1"'}, len(BODY))
        handler.wfile.flush()
        time.sleep(seconds)

    return answer


@contextmanager
def running(site):
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        thread.join()
        site.server.server_close()


@pytest.fixture
def serve():
    opened = []

    def serve(*answers):
        context = running(Site(*answers))
        opened.append(context)
        return context.__enter__()

    yield serve
    for context in opened:
        context.__exit__(None, None, None)


@cache
def client() -> httpx.Client:
    """One for all tests: making one takes longer than any download here."""
    return httpx.Client(trust_env=False)


def get(site, target, **options):
    return fetch(site.url, target, backoff_seconds=0.001, **{"client": client()} | options)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


ETAG = {"ETag": '"1"'}

# ------------------------------------------------------------------------------------------------------ what goes well


@pytest.mark.parametrize("hashes", [{"sha256": SHA256}, {"blake2b": BLAKE2B}, {"md5": MD5.upper()}, {}])
def test_a_file_comes_whole_and_nothing_else_remains(serve, tmp_path, hashes):
    target = tmp_path / "new" / "a.wav"
    assert get(serve(), target, num_bytes=len(BODY), **hashes) == target
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["a.wav"]


def test_an_empty_file_comes_too(serve, tmp_path):
    get(serve(whole(b"")), tmp_path / "a.wav", num_bytes=0, sha256=hashlib.sha256(b"").hexdigest())
    assert (tmp_path / "a.wav").read_bytes() == b""


def test_a_client_is_made_and_closed_where_none_is_given(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get(serve(), tmp_path / "a.wav", sha256=SHA256, client=None)
    assert (tmp_path / "a.wav").read_bytes() == BODY


@pytest.mark.parametrize("stated", [{"sha256": SHA256}, {"num_bytes": len(BODY)}, {}])
def test_what_is_there_already_is_not_fetched(serve, tmp_path, stated):
    (tmp_path / "a.wav").write_bytes(BODY)
    site = serve()
    get(site, tmp_path / "a.wav", **stated)
    assert site.requests == []


def test_a_target_with_another_content_is_replaced(serve, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"another")
    get(serve(), tmp_path / "a.wav", sha256=SHA256)
    assert (tmp_path / "a.wav").read_bytes() == BODY


def test_headers_are_sent_and_redirects_followed(serve, tmp_path):
    site = serve(refuse(302, Location="/elsewhere"), whole())
    get(site, tmp_path / "a.wav", sha256=SHA256, headers={"X-Token": "t"})
    assert [request["X-Token"] for request in site.requests] == ["t", "t"]
    assert site.requests[0]["Accept-Encoding"] == "identity"


def test_progress_sees_every_byte_once(serve, tmp_path):
    bars = []

    @contextmanager
    def progress(what, *, total, unit):
        bars.append([what, total, unit, 0])

        def advance(amount):
            bars[-1][3] += amount

        yield advance

    get(serve(whole(send=4000, headers=ETAG), whole(headers=ETAG)), tmp_path / "a.wav", progress=progress)
    assert bars == [
        ["downloading a.wav", len(BODY), "bytes", 4000],
        ["downloading a.wav", len(BODY), "bytes", len(BODY)],
    ]


# ------------------------------------------------------------------------------------------------------ resuming


def test_a_connection_that_drops_half_way_is_resumed(serve, tmp_path):
    site = serve(whole(send=5000, headers=ETAG), whole(headers=ETAG))
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert (tmp_path / "a.wav").read_bytes() == BODY
    assert [request.get("Range") for request in site.requests] == [None, "bytes=5000-"]
    assert site.requests[1]["If-Range"] == '"1"'


def test_the_next_call_goes_on_where_the_last_one_stopped(serve, tmp_path):
    modified = {"Last-Modified": "Wed, 01 May 2024 10:00:00 GMT"}
    site = serve(whole(send=5000, headers=modified), refuse(503), whole(headers=modified))
    with pytest.raises(DownloadError, match=r"did not finish[\s\S]*503[\s\S]*after 5000 bytes[\s\S]*goes on"):
        get(site, tmp_path / "a.wav", sha256=SHA256, max_attempts=2)
    assert names(tmp_path) == ["a.wav.part", "a.wav.part.json"]
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert site.requests[-1]["Range"] == "bytes=5000-"
    assert site.requests[-1]["If-Range"] == modified["Last-Modified"]
    assert names(tmp_path) == ["a.wav"]


def test_many_drops_do_not_matter_as_long_as_bytes_come(serve, tmp_path):
    site = serve(whole(send=1000, headers=ETAG))
    get(site, tmp_path / "a.wav", sha256=SHA256, max_attempts=2)
    assert len(site.requests) == -(-len(BODY) // 1000)


def test_a_file_that_has_changed_is_not_stitched(serve, tmp_path):
    old, new = b"old" * 3000, b"new" * 3000
    site = serve(whole(old, send=5000, headers={"ETag": '"old"'}), whole(new, headers={"ETag": '"new"'}))
    get(site, tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == new


def test_a_server_that_ignores_if_range_is_seen_through(serve, tmp_path):
    old, new = b"old" * 3000, b"new" * 3000

    def careless(handler):
        del handler.headers["If-Range"]
        whole(new, headers={"ETag": '"new"'})(handler)

    get(serve(whole(old, send=5000, headers={"ETag": '"old"'}), careless), tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == new


def test_without_etag_and_date_the_hash_decides(serve, tmp_path):
    """The server tells nothing of versions: a wrong beginning shows at the end, and a fresh copy is taken."""
    site = serve(whole(b"x" * len(BODY), send=5000), whole())
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert [request.get("Range") for request in site.requests] == [None, "bytes=5000-", None]
    assert (tmp_path / "a.wav").read_bytes() == BODY


def test_without_etag_date_and_hash_it_starts_over(serve, tmp_path):
    site = serve(whole(send=5000), whole())
    get(site, tmp_path / "a.wav")
    assert [request.get("Range") for request in site.requests] == [None, None]
    assert (tmp_path / "a.wav").read_bytes() == BODY


def test_a_weak_etag_is_no_version(serve, tmp_path):
    site = serve(whole(send=5000, headers={"ETag": 'W/"1"'}), whole())
    get(site, tmp_path / "a.wav")
    assert "Range" not in site.requests[1]


def test_a_server_without_ranges_starts_over(serve, tmp_path):
    site = serve(whole(send=5000, ranges=False, headers=ETAG), whole(ranges=False, headers=ETAG))
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert site.requests[1]["Range"] == "bytes=5000-"
    assert (tmp_path / "a.wav").read_bytes() == BODY


def test_a_server_that_gives_small_pieces_is_asked_for_the_next(serve, tmp_path):
    def piece(handler):
        start = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        body = BODY[start : start + 2000]
        headers = ETAG | {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{len(BODY)}"}
        reply(handler, 206, body, headers)

    site = serve(whole(send=5000, headers=ETAG), piece)
    get(site, tmp_path / "a.wav", max_attempts=2)
    assert (tmp_path / "a.wav").read_bytes() == BODY
    assert len(site.requests) == 4


def part(folder: Path, data: bytes, note: str) -> None:
    (folder / "a.wav.part").write_bytes(data)
    (folder / "a.wav.part.json").write_text(note)


def test_a_part_that_is_complete_only_gets_its_name(serve, tmp_path):
    site = serve(whole(headers=ETAG))
    part(tmp_path, BODY, f'{{"url": "{site.url}", "etag": "\\"1\\""}}')
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert [request["Range"] for request in site.requests] == [f"bytes={len(BODY)}-"]
    assert names(tmp_path) == ["a.wav"]


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (BODY[:100], '{"url": "http://elsewhere/a.wav", "etag": "\\"1\\""}'),
        (BODY[:100], "{half"),
        (BODY[:100], "[]"),
        (BODY + b"too long", '{"url": "URL", "etag": "\\"1\\""}'),
        (b"", '{"url": "URL", "etag": "\\"1\\""}'),
    ],
)
def test_a_part_of_something_else_is_not_used(serve, tmp_path, data, note):
    site = serve(whole(headers=ETAG))
    part(tmp_path, data, note.replace("URL", site.url))
    get(site, tmp_path / "a.wav", num_bytes=len(BODY))
    assert [request.get("Range") for request in site.requests] == [None]
    assert (tmp_path / "a.wav").read_bytes() == BODY


def test_a_part_longer_than_the_file_is_thrown_away(serve, tmp_path):
    site = serve(whole(headers=ETAG))
    part(tmp_path, BODY + b"more", f'{{"url": "{site.url}", "etag": "\\"1\\""}}')
    get(site, tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == BODY


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=3), st.booleans(), st.binary(max_size=30))
def test_wherever_it_drops_the_bytes_are_right(tmp_path_factory, drops, ranges, body):
    target = tmp_path_factory.mktemp("drop") / "a.wav"
    answers = [whole(body, send=send, ranges=ranges, headers=ETAG) for send in drops] + [whole(body, headers=ETAG)]
    with running(Site(*answers)) as site:
        get(site, target)
    assert target.read_bytes() == body


# ------------------------------------------------------------------------------------------------------ what goes wrong


def test_a_wrong_hash_is_said_and_the_part_removed(serve, tmp_path):
    with pytest.raises(DamagedFile, match=rf"expected sha256[\s\S]*expected: {SHA256}[\s\S]*found: [0-9a-f]{{64}}"):
        get(serve(whole(b"an error page")), tmp_path / "a.wav", sha256=SHA256)
    assert names(tmp_path) == []


def test_a_wrong_hash_leaves_the_old_target(serve, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"old")
    with pytest.raises(DamagedFile):
        get(serve(whole(b"an error page")), tmp_path / "a.wav", blake2b=BLAKE2B)
    assert (tmp_path / "a.wav").read_bytes() == b"old"
    assert names(tmp_path) == ["a.wav"]


def test_an_announced_length_that_is_not_the_expected_one_stops_at_once(serve, tmp_path):
    with pytest.raises(DamagedFile, match=r"expected length[\s\S]*11 bytes[\s\S]*10240 bytes"):
        get(serve(), tmp_path / "a.wav", num_bytes=11)
    assert names(tmp_path) == []


def test_a_server_that_announces_more_than_it_has(serve, tmp_path):
    """It can be resumed until there is nothing more, and then the hash decides."""
    get(serve(whole(announce=len(BODY) + 10, headers=ETAG), whole(headers=ETAG)), tmp_path / "a.wav", sha256=SHA256)
    assert (tmp_path / "a.wav").read_bytes() == BODY
    liar = serve(whole(announce=len(BODY) + 10, ranges=False))
    with pytest.raises(DownloadError, match="did not finish"):
        get(liar, tmp_path / "b.wav", max_attempts=3)
    assert "b.wav" not in names(tmp_path)


def test_a_server_that_announces_less_than_it_sends(serve, tmp_path):
    with pytest.raises(DamagedFile, match=r"sha256[\s\S]*part of it[\s\S]*same command again"):
        get(serve(whole(announce=100)), tmp_path / "a.wav", sha256=SHA256)
    assert names(tmp_path) == []


def test_a_stall_is_left_and_resumed(serve, tmp_path):
    site = serve(stall_after(5000, 0.5), whole(headers=ETAG))
    get(site, tmp_path / "a.wav", sha256=SHA256, stall_seconds=0.1)
    assert site.requests[1]["Range"] == "bytes=5000-"
    assert (tmp_path / "a.wav").read_bytes() == BODY


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, r"404 Not Found[\s\S]*may have moved"), (403, r"403 Forbidden[\s\S]*login"), (204, "204 No Content")],
)
def test_a_refusal_is_said_at_once(serve, tmp_path, status, message):
    site = serve(refuse(status))
    with pytest.raises(DownloadError, match=message):
        get(site, tmp_path / "a.wav")
    assert len(site.requests) == 1
    assert names(tmp_path) == []


def test_a_busy_server_is_asked_again(serve, tmp_path):
    site = serve(refuse(503), refuse(429, **{"Retry-After": "0"}), refuse(500), whole())
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert len(site.requests) == 4


def test_pauses_grow_and_the_server_may_say_how_long(serve, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    site = serve(refuse(503), refuse(503), refuse(429, **{"Retry-After": "7"}), refuse(503, **{"Retry-After": "9999"}))
    with pytest.raises(DownloadError, match="6 tries in a row"):
        fetch(site.url, tmp_path / "a.wav", backoff_seconds=0.5, max_attempts=6, client=client())
    assert pauses == [0.5, 1.0, 7.0, 60.0, 60.0]


def test_nobody_at_the_address(tmp_path):
    site = Site()
    site.server.server_close()
    with pytest.raises(DownloadError, match=r"did not finish: 2 tries[\s\S]*no network"):
        get(site, tmp_path / "a.wav", max_attempts=2)
    assert names(tmp_path) == []


@pytest.mark.parametrize("url", ["ftp://somewhere/a.wav", "no address", "http://127.0.0.1:port/"])
def test_an_address_that_is_none(tmp_path, url):
    with pytest.raises(DownloadError, match="address cannot be used"):
        fetch(url, tmp_path / "a.wav", client=client())


def test_a_server_that_compresses_unasked(serve, tmp_path):
    with pytest.raises(DownloadError, match="compresses"):
        get(serve(whole(headers={"Content-Encoding": "gzip"})), tmp_path / "a.wav")


def test_a_circle_of_redirects(serve, tmp_path):
    with pytest.raises(DownloadError, match="address cannot be used"):
        get(serve(refuse(302, Location="/round")), tmp_path / "a.wav")


@pytest.mark.parametrize("stated", [{"sha256": "abc"}, {"md5": "g" * 32}, {"blake2b": ""}, {"sha256": MD5}])
def test_a_stated_hash_that_is_none(tmp_path, stated):
    with pytest.raises(UsageError, match=r"is no (sha256|md5|blake2b)"):
        fetch("http://127.0.0.1:1/", tmp_path / "a.wav", **stated)


def test_a_folder_that_cannot_be_written(serve, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        get(serve(), tmp_path / "file" / "a.wav")


def test_the_extra_may_be_absent(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingDependency, match=r"audiolect\[download\]"):
        fetch("http://127.0.0.1:1/", tmp_path / "a.wav")


def test_an_interrupt_keeps_the_part(serve, tmp_path):
    @contextmanager
    def interrupted(what, *, total, unit):
        yield lambda amount: (_ for _ in ()).throw(KeyboardInterrupt) if amount else None

    site = serve(whole(headers=ETAG))
    with pytest.raises(KeyboardInterrupt):
        get(site, tmp_path / "a.wav", sha256=SHA256, progress=interrupted)
    assert names(tmp_path) == ["a.wav.part", "a.wav.part.json"]
    get(site, tmp_path / "a.wav", sha256=SHA256)
    assert "Range" in site.requests[1]
    assert (tmp_path / "a.wav").read_bytes() == BODY
