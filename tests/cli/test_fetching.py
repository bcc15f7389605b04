from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from called import call

from audiolect.cli import fetching
from audiolect.corpora import downloads, youtube
from audiolect.corpora.downloads import DOWNLOADS
from audiolect.corpora.remote import Download, RemoteArchive, RemoteFile
from audiolect.corpora.segments import SegmentTable

# The command on a corpus of films whose fetching takes a minute, by a stand-in for yt-dlp, to be interrupted.
SLOW = """
import sys
from audiolect.cli.main import run
from audiolect.corpora import downloads, segment_pool
from audiolect.corpora.remote import Download
from audiolect.corpora.segments import SegmentTable
from audiolect.corpora.youtube import Tools
folder, note, ffmpeg = sys.argv[1:]
sleep = "import sys, time; open(sys.argv[1], 'a').write('begun '); time.sleep(60)"
segment_pool.find_tools = lambda: Tools((sys.executable, "-c", sleep, note), ffmpeg)
downloads.DOWNLOADS["films"] = Download("films", "s", "l", "h", "z", segments=(SegmentTable("t.csv", "all", 0, 1),))
run(["download", "films", folder, "--workers", "2"])
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A site with two corpora, ``tiny`` of files and ``films`` of two films, of which one is not there."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "site"
    root.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=os.fspath(root))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tiny/audio/a.wav", b"sound")
    (root / "tiny.zip").write_bytes(buffer.getvalue())
    (root / "films.csv").write_text("id,start\nhere,1\ngone,1\n", "utf-8")
    soundfile.write(root / "here.wav", 0.1 * np.ones(32_000), 8000)
    part = RemoteFile(f"{url}/tiny.zip", "tiny.zip", md5=hashlib.md5(buffer.getvalue()).hexdigest())
    words = ("a corpus", "CC0 of course", "https://example.org", "1 KB")
    monkeypatch.setitem(DOWNLOADS, "tiny", Download("tiny", *words, archives=(RemoteArchive((part,), strip="tiny"),)))
    table = SegmentTable("films.csv", "train", 0, 1, num_seconds=2)
    listed = RemoteFile(f"{url}/films.csv", "films.csv", splits=("train",))
    films = Download("films", *words, files=(listed,), segments=(table,))
    monkeypatch.setitem(DOWNLOADS, "films", films)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(youtube.SegmentOptions.__init__, "__defaults__", _with_template(f"{url}/{{id}}.wav"))
    yield root
    server.shutdown()
    server.server_close()


def _with_template(template: str) -> tuple[object, ...]:
    defaults = youtube.SegmentOptions.__init__.__defaults__
    assert defaults is not None
    return tuple(template if value == youtube.YOUTUBE else value for value in defaults)


def test_the_help_names_every_corpus_of_the_table() -> None:
    assert fetching._NAMES.split(", ") == sorted(DOWNLOADS)


def test_a_corpus_of_files(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tiny"
    assert call("download", "tiny", folder) == 0
    output = capsys.readouterr()
    assert (folder / "audio" / "a.wav").read_bytes() == b"sound"
    assert "licence: CC0 of course" in output.err
    assert "1 files, 1 verified" in output.out
    assert f"wrote {folder}" in output.out
    assert "next  audiolect prepare" in output.out


def test_films_by_the_real_programs_with_their_coverage(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "films"
    arguments = ("download", "films", folder, "--rate", 8000, "--workers", 2, "--timeout", 60)
    assert call(*arguments) == 0
    output = capsys.readouterr().out
    assert (folder / "audio" / "train" / "here_1.flac").is_file()
    assert "coverage: ids" in output
    assert "unavailable" in output
    assert call(*arguments, "--json") == 0
    output = capsys.readouterr().out
    card = json.loads(output)
    assert (card["coverage"]["available"], card["coverage"]["expected"]) == (1, 2)
    assert card["folder"] == str(folder)
    assert card["command"].startswith("audiolect download films")
    assert len((folder / "status.jsonl").read_text("utf-8").splitlines()) == 2


def test_a_dry_run_says_the_plan_and_writes_nothing(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("download", "films", tmp_path / "none", "--dry-run", "--split", "train") == 0
    assert "plan (nothing is written)" in capsys.readouterr().out
    assert call("download", "tiny", tmp_path / "none", "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["would_download"] == "tiny"
    assert [step["kind"] for step in plan["steps"]] == ["archive"]
    assert not (tmp_path / "none").exists()


def test_bad_requests_are_letters(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("download", "urbansound", tmp_path) == 2
    assert "did you mean urbansound8k?" in capsys.readouterr().err
    assert call("download", "films", tmp_path / "x", "--split", "trian") == 2
    assert "did you mean train?" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    (site / "tiny.zip").unlink()
    assert call("download", "tiny", tmp_path / "x2", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"] == "DownloadError"


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--workers", 0),
        ("--workers", 1000),
        ("--first", -1),
        ("--rate", 10),
        ("--rate", 10**9),
        ("--timeout", 0),
        ("--timeout", -5),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
    ],
)
def test_numbers_have_bounds(flag: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("download", "esc50", tmp_path / "x", flag, value) == 2
    assert f"Invalid value for '{flag}'" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_every_real_plan_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in downloads.DOWNLOADS:
        assert call("download", name, tmp_path / name, "--dry-run") == 0
        assert DOWNLOADS[name].homepage in capsys.readouterr().err


def test_control_c_ends_with_130_and_a_card(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "t.csv").write_text("id,start\na,0\nb,0\nc,0\n", "utf-8")
    note = tmp_path / "note"
    command = [sys.executable, "-c", SLOW, os.fspath(folder), os.fspath(note), imageio_ffmpeg.get_ffmpeg_exe()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 30
        while not (note.exists() and note.read_text().count("begun") == 2):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, errors = process.communicate(timeout=20)
    assert time.monotonic() - begun < 15
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    card = json.loads((folder / "download.json").read_text("utf-8"))
    assert card["coverage"]["statuses"] == {"not tried": 3}
