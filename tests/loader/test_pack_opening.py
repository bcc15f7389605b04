"""What must be there before a pack is read, and what each letter says where it is not."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.errors import DamagedFile, DownloadError, StorageError, UnknownVersion, UnsafePath
from audiolect.loader import pack_opening
from audiolect.loader.block_checks import CheckedRanges
from audiolect.loader.byte_ranges import LocalRanges
from audiolect.loader.pack import open_pack
from audiolect.loader.pack_format import read_card
from audiolect.loader.pack_opening import damage_letter, open_files_of_pack

fsspec = pytest.importorskip("fsspec")


def uploaded(folder: Path) -> str:
    system = fsspec.filesystem("memory")
    for path in folder.iterdir():
        system.pipe_file(f"/test-opening{folder}/{path.name}", path.read_bytes())
    return f"memory://test-opening{folder}"


@pytest.fixture(params=["here", "remote"])
def place_of(request: pytest.FixtureRequest) -> Callable[[Path], str]:
    return str if request.param == "here" else uploaded


def test_the_files_are_opened(make_pack: Callable[..., Any], place_of: Callable[[Path], str]) -> None:
    made = make_pack([10, 20, 30], shard_of=[0, 0, 1])
    files = open_files_of_pack(place_of(made.folder), "first")
    assert files.card.rate_hz == 32000
    assert files.index["recording_id"].to_list() == made.ids
    assert isinstance(files.shards, CheckedRanges)
    assert [bytes(view) for view in files.shards.fetch([1, 0], [0, 4], [60, 8])] == [
        made.integers[2].tobytes(),
        made.integers[0][2:6].tobytes(),
    ]


def test_without_checks_there_is_nothing_between(make_pack: Callable[..., Any]) -> None:
    files = open_files_of_pack(str(make_pack([10]).folder), "never")
    assert isinstance(files.shards, LocalRanges)


def test_an_empty_pack_is_a_pack(make_pack: Callable[..., Any], place_of: Callable[[Path], str]) -> None:
    assert open_files_of_pack(place_of(make_pack([]).folder), "first").index.height == 0


def test_there_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no pack[\s\S]*audiolect pack"):
        open_files_of_pack(str(tmp_path / "nothing"), "first")
    with pytest.raises(DownloadError, match=r"pack\.json"):
        open_files_of_pack("memory://test-opening-nothing", "first")


@pytest.mark.parametrize(
    ("changes", "letter"),
    [
        ({"version": 2}, (UnknownVersion, "newer audiolect")),
        ({"format": "audiolect/dataset"}, (UnknownVersion, "another kind")),
        ({"codec": "opus"}, (UnknownVersion, "codec")),
        ({"num_recordings": 4}, (DamagedFile, "contradicts its card")),
        ({"index": {"name": "../index.parquet", "num_bytes": 1, "hash": ""}}, (UnsafePath, "plain name")),
        ({"index": {"name": "index.parquet", "num_bytes": 1, "hash": ""}}, (DamagedFile, "not the one")),
    ],
    ids=["version", "kind", "codec", "counts", "path", "hash"],
)
def test_a_wrong_card_is_refused(
    make_pack: Callable[..., Any],
    seal_card: Callable[..., None],
    place_of: Callable[[Path], str],
    changes: dict[str, Any],
    letter: tuple[type[Exception], str],
) -> None:
    folder = make_pack([10, 20, 30]).folder
    seal_card(folder, **changes)
    with pytest.raises(letter[0], match=letter[1]):
        open_files_of_pack(place_of(folder), "first")


def test_names_that_lead_elsewhere_are_refused(
    make_pack: Callable[..., Any], seal_card: Callable[..., None], place_of: Callable[[Path], str]
) -> None:
    folder = make_pack([10]).folder
    shards = [{"name": "../shard-00000.pcm", "num_bytes": 20, "num_recordings": 1, "hash": ""}]
    seal_card(folder, shards=shards)
    with pytest.raises(UnsafePath, match=r"\.\./shard"):
        open_files_of_pack(place_of(folder), "first")


def test_a_changed_index_is_refused(make_pack: Callable[..., Any], place_of: Callable[[Path], str]) -> None:
    folder = make_pack([10]).folder
    data = bytearray((folder / "index.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "index.parquet").write_bytes(data)
    with pytest.raises(DamagedFile, match="index of a pack is not the one"):
        open_files_of_pack(place_of(folder), "first")


def test_a_shard_of_another_length_is_refused(make_pack: Callable[..., Any]) -> None:
    folder = make_pack([10]).folder
    (folder / "shard-00000.pcm").write_bytes(b"short")
    with pytest.raises(DamagedFile, match=r"shard-00000\.pcm[\s\S]*20 bytes[\s\S]*5 bytes"):
        open_files_of_pack(str(folder), "first")
    files = open_files_of_pack(uploaded(folder), "first")  # found out when it is touched
    with pytest.raises(DamagedFile, match=r"shard-00000\.pcm[\s\S]*20 bytes[\s\S]*5 bytes"):
        list(files.shards.fetch([0], [0], [4]))


def test_a_missing_shard_is_named(make_pack: Callable[..., Any]) -> None:
    folder = make_pack([10]).folder
    (folder / "shard-00000.pcm").unlink()
    with pytest.raises(DamagedFile, match=r"missing[\s\S]*shard-00000\.pcm"):
        open_files_of_pack(str(folder), "first")


def test_a_pack_may_be_moved(make_pack: Callable[..., Any], tmp_path: Path) -> None:
    made = make_pack([10])
    shutil.move(made.folder, tmp_path / "elsewhere")
    files = open_files_of_pack(str(tmp_path / "elsewhere"), "first")
    assert [bytes(view) for view in files.shards.fetch([0], [0], [20])] == [made.integers[0].tobytes()]


def test_a_pack_that_is_added_to_between_card_and_index_is_read_anew(
    make_pack: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card that is read first names an index that is gone when it is looked for."""
    old, new = make_pack([10], name="old").folder, make_pack([10, 20], name="new").folder
    cards = [read_card(old), read_card(new)]
    monkeypatch.setattr(pack_opening, "read_card", lambda _folder: cards.pop(0))
    assert open_files_of_pack(str(new), "first").index.height == 2
    assert cards == []


def test_the_letter_names_shard_bytes_and_recordings(make_pack: Callable[..., Any]) -> None:
    made = make_pack([100] * 10, shard_of=[0] * 9 + [1])
    files = open_files_of_pack(str(made.folder), "never")
    letter = str(damage_letter("P", ["a.pcm", "b.pcm"], files.index)(0, 150, 1000, "CRC 1", "CRC 2"))
    assert "P/a.pcm, bytes 150 to 1000, in recording 'r0000', 'r0001', 'r0002' and 2 more" in letter
    assert "audiolect pack verify P" in letter


class Simple(SimpleHTTPRequestHandler):
    """A web server of the standard library, which knows no ranges."""

    def log_message(self, *arguments: Any) -> None:
        pass


class Ranged(Simple):
    """The same, with ranges."""

    def do_GET(self) -> None:
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span is None:
            super().do_GET()
            return
        body = Path(self.translate_path(self.path)).read_bytes()[int(span[1]) : int(span[2]) + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(request.param, directory=str(tmp_path)))
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.mark.parametrize("served", [Ranged], indirect=True)
@pytest.mark.parametrize("codec", ["pcm", "flac"])
def test_a_web_server_serves_a_pack(make_pack: Callable[..., Any], served: str, codec: str) -> None:
    made = make_pack([300_000, 20, 70_000], shard_of=[0, 0, 1], codec=codec)
    pack = open_pack(f"{served}/pack")
    assert [np.array_equal(pack.read(row), made.slow(row)) for row in range(3)] == [True] * 3
    assert np.array_equal(pack.read("r0000", 250_000, 3000), made.slow(0)[250_000:253_000])


@pytest.mark.parametrize("served", [Simple], indirect=True)
def test_a_web_server_without_ranges_is_told_before_a_shard_comes(make_pack: Callable[..., Any], served: str) -> None:
    make_pack([10])
    with pytest.raises(DownloadError, match=r"ignores ranges[\s\S]*pack\.json[\s\S]*nginx"):
        open_files_of_pack(f"{served}/pack", "first")


@pytest.mark.parametrize("served", [Ranged], indirect=True)
def test_damage_on_a_web_server_is_found(make_pack: Callable[..., Any], served: str) -> None:
    made = make_pack([300_000])
    path = made.folder / "shard-00000.pcm"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    pack = open_pack(f"{served}/pack")
    assert np.array_equal(pack.read(0, 0, 100), made.slow(0)[:100])
    with pytest.raises(DamagedFile, match=r"bytes 524288 to 600000, in recording 'r0000'[\s\S]*pack verify http"):
        pack.read(0)
