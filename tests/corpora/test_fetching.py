"""Whole downloads against a local server: files, archives, a hub, and films by a stand-in for yt-dlp."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from audiolect.corpora import audiocaps
from audiolect.corpora.download_card import read_coverage, read_download_card
from audiolect.corpora.downloads import DOWNLOADS
from audiolect.corpora.fetching import FetchOptions, fetch_corpus, plan_download
from audiolect.corpora.remote import Download, HubFolder, RemoteArchive, RemoteFile
from audiolect.corpora.segments import SegmentTable
from audiolect.corpora.youtube import SegmentOptions, Tools
from audiolect.errors import DamagedFile, DownloadError, TableError, UnsafePath, UsageError
from audiolect.folder_lock import hold_folder

STAND_IN = """
import shutil, sys
from pathlib import Path
here = Path(__file__).parent
folder = Path(sys.argv[sys.argv.index("--output") + 1]).parent
film = sys.argv[-1].rsplit("=", 1)[1]
with open(here / "log", "a") as log: log.write(film + "\\n")
if film.startswith("gone"): sys.exit("ERROR: Private video")
if film.startswith("stop"): __import__("os").kill(__import__("os").getppid(), 2); __import__("time").sleep(60)
shutil.copy(here / "film.wav", folder / "source.wav")
print(3)
"""


class Site:
    """A server of files by name, which counts the requests and can be cut short."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()
        self.most_bytes: int | None = None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = unquote(urlsplit(self.path).path).lstrip("/")
                site.requests[name] += 1
                data = site.content.get(name)
                if data is None:
                    self.send_error(404)
                    return
                asked = self.headers.get("Range")
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                self.send_response(206 if asked else 200)
                self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
                if asked:
                    self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                self.wfile.write(data[start:][: site.most_bytes])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def file(self, name: str, data: bytes, **others) -> RemoteFile:
        self.content[name] = data
        return RemoteFile(f"{self.url}/{name}?download=1", name.rpartition("/")[2], **others)

    def checked(self, name: str, data: bytes, **others) -> RemoteFile:
        return self.file(name, data, md5=hashlib.md5(data).hexdigest(), **others)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "stand_in.py").write_text(STAND_IN, "utf-8")
    soundfile.write(folder / "film.wav", 0.1 * np.ones(24_000), 8000)
    return Tools((sys.executable, os.fspath(folder / "stand_in.py")), imageio_ffmpeg.get_ffmpeg_exe())


def zip_of(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    """The corpus as it lies there, without our own files."""
    ours = ("download.json", "status.jsonl")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes() for name, path in found.items() if not name.startswith(".download") and name not in ours
    }


def corpus(**parts) -> Download:
    return Download("mini", "a corpus", "CC0", "https://example.org", "1 KB", **parts)


def options(**others) -> FetchOptions:
    return FetchOptions(backoff_seconds=0, **others)


def films(site: Site, tools: Tools, *tables: str, **others) -> tuple[Download, FetchOptions]:
    """A corpus of films: one table for each split, named by its films."""
    files, segments = [], []
    for number, table in enumerate(tables):
        split = f"split{number}"
        rows = "".join(f"{film},0\n" for film in table.split())
        files.append(site.file(f"{split}.csv", f"id,start\n{rows}".encode(), splits=(split,)))
        segments.append(SegmentTable(f"{split}.csv", split, 0, 1, num_seconds=1))
    settings = SegmentOptions(sample_rate_hz=8000, max_attempts=1)
    return corpus(files=tuple(files), segments=tuple(segments)), options(segments=settings, tools=tools, **others)


def tried(tools: Tools) -> Counter[str]:
    log = Path(tools.ytdlp[1]).parent / "log"
    return Counter(log.read_text("utf-8").split()) if log.exists() else Counter()


def test_files_and_archives_come_once(site: Site, tmp_path: Path) -> None:
    download = corpus(
        files=(site.checked("table.csv", b"a,b\n"), site.file("LICENSE", b"do as you like")),
        archives=(
            RemoteArchive((site.checked("audio.zip", zip_of({"mini-1/audio/a.wav": b"aa"})),), strip="mini-1"),
            RemoteArchive((site.file("more.tar.gz", tar_of({"deep/er/b.wav": b"b"})),), into="audio", flatten=True),
        ),
    )
    folder = tmp_path / "mini"
    card = fetch_corpus(download, folder, options(command="audiolect download mini"))
    expected = {"table.csv": b"a,b\n", "LICENSE": b"do as you like", "audio/a.wav": b"aa", "audio/b.wav": b"b"}
    assert tree(folder) == expected
    assert card == read_download_card(folder)
    assert (card.corpus, card.license, card.command) == ("mini", "CC0", "audiolect download mini")
    assert card.coverage is None
    assert set(card.files) == {"table.csv", "LICENSE", "audio.zip", "more.tar.gz"}
    assert card.files["audio.zip"].hash == f"md5:{hashlib.md5(site.content['audio.zip']).hexdigest()}"
    assert card.files["audio.zip"].verified
    assert card.files["audio.zip"].num_unpacked == 1
    blake = hashlib.blake2b(b"do as you like", digest_size=16).hexdigest()
    assert (card.files["LICENSE"].hash, card.files["LICENSE"].verified) == (f"blake2b:{blake}", False)
    assert list((folder / ".download" / "archives").iterdir()) == []
    again = fetch_corpus(download, folder, options())
    assert tree(folder) == expected
    assert again.files == card.files
    assert set(site.requests.values()) == {1}


def test_archives_can_be_kept(site: Site, tmp_path: Path) -> None:
    download = corpus(archives=(RemoteArchive((site.file("a.zip", zip_of({"a": b"a"})),)),))
    fetch_corpus(download, tmp_path / "mini", options(keep_archives=True))
    assert [path.name for path in (tmp_path / "mini" / ".download" / "archives").iterdir()] == ["a.zip"]
    (tmp_path / "mini" / "a").unlink()
    fetch_corpus(download, tmp_path / "mini", options(keep_archives=True))
    assert (tmp_path / "mini" / "a").read_bytes() == b"a"
    assert site.requests["a.zip"] == 1


@pytest.mark.parametrize("damage", ["removed", "cut"])
def test_what_came_out_of_an_archive_and_is_gone_comes_again(site: Site, tmp_path: Path, damage: str) -> None:
    download = corpus(archives=(RemoteArchive((site.checked("a.zip", zip_of({"a": b"aaa", "b": b"b"})),)),))
    fetch_corpus(download, tmp_path, options())
    if damage == "removed":
        (tmp_path / "a").unlink()
    else:
        (tmp_path / "a").write_bytes(b"aa")
    fetch_corpus(download, tmp_path, options())
    assert tree(tmp_path) == {"a": b"aaa", "b": b"b"}
    assert site.requests["a.zip"] == 2


def test_an_interrupted_archive_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    content = {"a": os.urandom(50_000)}
    download = corpus(archives=(RemoteArchive((site.checked("a.zip", zip_of(content)),)),))
    site.most_bytes = 15_000
    fetch_corpus(download, tmp_path, options())
    assert tree(tmp_path) == content
    assert site.requests["a.zip"] == 4


def test_an_archive_with_another_hash_is_not_unpacked(site: Site, tmp_path: Path) -> None:
    part = site.checked("a.zip", zip_of({"a": b"a"}))
    site.content["a.zip"] = zip_of({"evil": b"a"})
    with pytest.raises(DamagedFile, match="md5"):
        fetch_corpus(corpus(archives=(RemoteArchive((part,)),)), tmp_path, options())
    assert tree(tmp_path) == {}


def test_an_error_page_in_the_place_of_an_archive_is_asked_for_again(site: Site, tmp_path: Path) -> None:
    download = corpus(archives=(RemoteArchive((site.file("a.tar.gz", b"<html>try later</html>"),)),))
    with pytest.raises(DamagedFile, match="cannot be read"):
        fetch_corpus(download, tmp_path, options())
    site.content["a.tar.gz"] = tar_of({"a": b"a"})
    fetch_corpus(download, tmp_path, options())
    assert tree(tmp_path) == {"a": b"a"}


def test_an_unsafe_archive_leaves_nothing_and_says_so(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "inside" / "mini"
    download = corpus(archives=(RemoteArchive((site.file("a.tar.gz", tar_of({"fine": b"a", "../../evil": b"a"})),)),))
    with pytest.raises(UnsafePath, match="evil"):
        fetch_corpus(download, folder, options())
    assert tree(folder) == {}
    assert [path.name for path in tmp_path.rglob("evil")] == []


def test_a_missing_file_is_a_letter_and_what_came_before_it_stays(site: Site, tmp_path: Path) -> None:
    first, second = site.file("a.csv", b"a"), site.file("b.csv", b"b")
    del site.content["b.csv"]
    with pytest.raises(DownloadError, match="404"):
        fetch_corpus(corpus(files=(first, second)), tmp_path, options())
    card = read_download_card(tmp_path)
    assert card is not None
    assert list(card.files) == ["a.csv"]


def test_a_source_that_has_changed_is_noted(site: Site, tmp_path: Path) -> None:
    download = corpus(files=(site.file("a.csv", b"before"),))
    fetch_corpus(download, tmp_path, options())
    site.content["a.csv"] = b"after"
    assert fetch_corpus(download, tmp_path, options()).notes == []
    (tmp_path / "a.csv").unlink()
    card = fetch_corpus(download, tmp_path, options())
    assert len(card.notes) == 1
    assert card.notes[0].startswith("a.csv has changed at its source")


def test_splits_come_one_after_the_other(site: Site, tmp_path: Path) -> None:
    download = corpus(
        files=(site.file("a.csv", b"a", splits=("train",)), site.file("b.csv", b"b", splits=("test",))),
        archives=(RemoteArchive((site.file("t.zip", zip_of({"t": b"t"})),), splits=("test",)),),
    )
    fetch_corpus(download, tmp_path, options(splits=("train",)))
    assert tree(tmp_path) == {"a.csv": b"a"}
    card = fetch_corpus(download, tmp_path, options(splits=("test",)))
    assert tree(tmp_path) == {"a.csv": b"a", "b.csv": b"b", "t": b"t"}
    assert set(card.files) == {"a.csv", "b.csv", "t.zip"}
    with pytest.raises(UsageError, match="did you mean train"):
        fetch_corpus(download, tmp_path, options(splits=("trian",)))


def test_a_split_archive_from_a_hub(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    content = {f"long/way/{n}.flac": os.urandom(40_000) for n in range(3)}
    for name, data in content.items():
        (tmp_path / "x" / Path(name).name).write_bytes(data)
    try:
        subprocess.run(["zip", "-q", "-r", "-s", "64k", "Sea.zip", "x"], cwd=tmp_path, check=True)
    except FileNotFoundError:
        pytest.skip("the program zip is not here")
    listing = []
    for path in tmp_path.glob("Sea.z*"):
        data = path.read_bytes()
        site.content[f"datasets/o/c/resolve/main/Zip_files/Sea/{path.name}"] = data
        large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        entry = {"type": "file", "oid": "0", "size": len(data), "path": f"Zip_files/Sea/{path.name}", "lfs": large}
        listing.append(entry)
    site.content["api/datasets/o/c/tree/main/Zip_files/Sea"] = json.dumps(listing).encode()
    hub = HubFolder("o/c", "Zip_files/Sea", into="Sea", flatten=True, hub=site.url)
    card = fetch_corpus(corpus(hub_folders=(hub,)), tmp_path / "mini", options())
    assert tree(tmp_path / "mini") == {f"Sea/{Path(name).name}": data for name, data in content.items()}
    assert all(facts.verified and facts.hash.startswith("sha256:") for facts in card.files.values())
    assert [facts.num_unpacked for facts in card.files.values()].count(3) == 1


def test_films_come_with_their_coverage(site: Site, tools: Tools, tmp_path: Path) -> None:
    download, settings = films(site, tools, "a gone1 b", "c a")
    folder = tmp_path / "mini"
    card = fetch_corpus(download, folder, settings)
    audio = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.flac"))
    assert audio == ["audio/split0/a_0.flac", "audio/split0/b_0.flac", "audio/split1/c_0.flac"]
    coverage = card.coverage
    assert coverage is not None
    assert coverage == read_coverage(folder)
    assert (coverage.available, coverage.expected) == (3, 4)
    assert coverage.statuses == {"ok": 3, "unavailable": 1}
    assert {name: (one.available, one.expected) for name, one in coverage.splits.items()} == {
        "split0": (2, 3),
        "split1": (1, 1),
    }
    fetch_corpus(download, folder, settings)
    assert tried(tools) == {"a": 1, "gone1": 1, "b": 1, "c": 1}


def test_what_was_downloaded_can_be_prepared(site: Site, tools: Tools, tmp_path: Path) -> None:
    """The real entry of AudioCaps, its addresses turned to the local site; the dataset covers what the card says."""
    rows = {"train": [("here1", 1)], "valid": [("here2", 1)] * 5, "test": [("gone3", 1)] * 5}
    files = []
    for file in DOWNLOADS["audiocaps"].files:
        lines = [f"{n},{film},{start},a dog barks {n}" for n, (film, start) in enumerate(rows[file.splits[0]])]
        table = "\n".join(["audiocap_id,youtube_id,start_time,caption", *lines]) + "\n"
        files.append(replace(site.file(file.path, table.encode()), splits=file.splits))
    download = replace(DOWNLOADS["audiocaps"], files=tuple(files))
    card = fetch_corpus(download, tmp_path / "audiocaps", options(tools=tools))
    dataset = audiocaps.prepare(tmp_path / "audiocaps", tmp_path / "dataset")
    paths = dataset.recordings["path"].to_list()
    assert sorted(paths) == ["audio/train/here1_1.flac", "audio/valid/here2_1.flac"]
    assert set(dataset.recordings["sample_rate_hz"]) == {32_000}
    assert card.coverage is not None
    assert dataset.card.coverage.available == card.coverage.available == 2
    assert card.coverage.expected == 3


def test_films_of_one_split_and_a_limit(site: Site, tools: Tools, tmp_path: Path) -> None:
    download, settings = films(site, tools, "a b c", "d e")
    card = fetch_corpus(download, tmp_path, replace(settings, splits=("split0",), limit=2))
    assert tried(tools) == {"a": 1, "b": 1}
    assert card.coverage is not None
    assert (card.coverage.available, card.coverage.expected) == (2, 3)
    assert card.coverage.statuses == {"ok": 2, "not tried": 1}
    card = fetch_corpus(download, tmp_path, replace(settings, splits=("split1",)))
    assert tried(tools) == {"a": 1, "b": 1, "d": 1, "e": 1}
    assert card.coverage is not None
    assert (card.coverage.available, card.coverage.expected) == (4, 5)
    with pytest.raises(UsageError, match="limit is negative"):
        fetch_corpus(download, tmp_path, replace(settings, limit=-1))


def test_a_limit_of_none_fetches_the_tables_alone(site: Site, tools: Tools, tmp_path: Path) -> None:
    download, settings = films(site, tools, "a b")
    card = fetch_corpus(download, tmp_path / "mini", replace(settings, limit=0, tools=None))
    assert tree(tmp_path / "mini") == {"split0.csv": b"id,start\na,0\nb,0\n"}
    assert card.coverage is not None
    assert card.coverage.expected == 2


def test_control_c_leaves_the_coverage_of_what_is_here(site: Site, tools: Tools, tmp_path: Path) -> None:
    download, settings = films(site, tools, "a b stop c")
    with pytest.raises(KeyboardInterrupt):
        fetch_corpus(download, tmp_path, replace(settings, workers=1))
    coverage = read_coverage(tmp_path)
    assert coverage is not None
    assert (coverage.available, coverage.expected) == (2, 4)
    assert coverage.statuses == {"ok": 2, "not tried": 2}


def test_a_table_that_is_none_is_a_letter(site: Site, tools: Tools, tmp_path: Path) -> None:
    download, settings = films(site, tools, "a")
    site.content["split0.csv"] = b"id,start\n<html>,x\n"
    with pytest.raises(TableError, match=r"split0\.csv:2"):
        fetch_corpus(download, tmp_path, settings)


def test_one_download_at_a_time_and_one_corpus_in_a_folder(site: Site, tmp_path: Path) -> None:
    download = corpus(files=(site.file("a.csv", b"a"),))
    with hold_folder(tmp_path / ".download"), pytest.raises(UsageError, match="Another process"):
        fetch_corpus(download, tmp_path, options())
    fetch_corpus(download, tmp_path, options())
    with pytest.raises(UsageError, match="another corpus"):
        fetch_corpus(replace(download, name="maxi"), tmp_path, options())


def test_what_a_killed_process_left_on_the_way_is_removed(site: Site, tmp_path: Path) -> None:
    for name in (".unpacking-abc", "scratch"):
        (tmp_path / ".download" / name / "x").mkdir(parents=True)
    fetch_corpus(corpus(files=(site.file("a.csv", b"a"),)), tmp_path, options())
    assert sorted(path.name for path in (tmp_path / ".download").iterdir()) == ["lock"]


def test_a_plan_looks_at_the_folder_and_not_at_the_net(site: Site, tools: Tools, tmp_path: Path) -> None:
    download, _ = films(site, tools, "a")
    archive = RemoteArchive((site.checked("a.zip", zip_of({"a": b"a"})),), into="in")
    download = replace(download, archives=(archive,), hub_folders=(HubFolder("o/c", "Z", into="Sea"),))
    steps = plan_download(download, tmp_path / "none")
    assert [(step.kind, step.into, step.done) for step in steps] == [
        ("file", ".", False),
        ("archive", "in", False),
        ("archives", "Sea", False),
        ("segments", "audio/split0", False),
    ]
    assert steps[1].verified_by == f"md5:{archive.parts[0].md5}"
    assert not (tmp_path / "none").exists()
    assert not site.requests
    fetch_corpus(replace(download, hub_folders=(), segments=()), tmp_path, options())
    assert [step.done for step in plan_download(download, tmp_path)] == [True, True, False, False]
    assert plan_download(replace(download, files=(), archives=(), hub_folders=(), segments=()), tmp_path) == []
