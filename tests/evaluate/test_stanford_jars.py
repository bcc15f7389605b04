"""The jars of SPICE from a server that stands in for the published one."""

from __future__ import annotations

import functools
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audiolect.cli.main import run
from audiolect.errors import DamagedFile, DownloadError
from audiolect.evaluate.stanford_jars import ARCHIVE_URL, download_stanford_jars
from audiolect.metrics.spice import STANFORD_JARS


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        return


def zipped(content: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out.getvalue()


JAR = zipped({"META-INF/MANIFEST.MF": b"x"})
WHOLE = {f"stanford-corenlp-full-2015-12-09/{name}": JAR for name in STANFORD_JARS} | {"../evil.txt": b"no"}


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    site = tmp_path / "site"
    site.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def published(data: bytes) -> str:
        (site / "parser.zip").write_bytes(data)
        return f"http://127.0.0.1:{server.server_port}/parser.zip"

    yield published
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_the_two_jars_are_unpacked(publish: Callable[[bytes], str], tmp_path: Path) -> None:
    url, folder = publish(zipped(WHOLE)), tmp_path / "jars"
    jars = download_stanford_jars(folder, url=url)
    assert set(jars) == set(STANFORD_JARS) == {path.name for path in folder.iterdir()}
    assert not (tmp_path / "evil.txt").exists()
    # What is there is not fetched again.
    assert download_stanford_jars(folder, url="http://127.0.0.1:1/nothing.zip") == jars
    (folder / STANFORD_JARS[0]).write_bytes(b"cut off")
    assert download_stanford_jars(folder, url=url) == jars


@pytest.mark.parametrize("data", [b"<html>", zipped({f"x/{STANFORD_JARS[0]}": JAR})])
def test_something_else_is_refused_and_removed(publish: Callable[[bytes], str], tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedFile, match="not what it should be"):
        download_stanford_jars(tmp_path / "jars", url=publish(data))
    assert not (tmp_path / "jars" / "parser.zip").exists()


def test_a_missing_archive(publish: Callable[[bytes], str], tmp_path: Path) -> None:
    url = publish(b"x").replace("parser", "other")
    with pytest.raises(DownloadError):
        download_stanford_jars(tmp_path / "jars", url=url)


def test_the_verb(
    publish: Callable[[bytes], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def call(*arguments: object) -> int:
        with pytest.raises(SystemExit) as ended:
            run([str(argument) for argument in arguments])
        return int(ended.value.code or 0)

    assert call("download", "spice", tmp_path / "jars", "--dry-run") == 0
    assert ARCHIVE_URL in capsys.readouterr().out
    monkeypatch.setattr("audiolect.evaluate.stanford_jars.ARCHIVE_URL", publish(zipped(WHOLE)))
    assert call("download", "spice", tmp_path / "jars", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["jars"]) == set(STANFORD_JARS)
    assert call("download", "spice", tmp_path / "jars") == 0
    assert "--spice-jars" in capsys.readouterr().out
