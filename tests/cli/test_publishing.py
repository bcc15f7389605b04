"""``audiolect push`` as a user runs it, against a stand-in of the Hub on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from called import call

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a card and weights."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    return folder


def test_a_folder_is_sent(folder: Path, hub: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("push", folder, "someone/m", "--private", "--message", "First", "--revision", "v1") == 0
    told = capsys.readouterr().out
    assert f"wrote {hub.url}/someone/m: 2 files, 10.0 KiB, commit 00000000" in told
    stored = hub.files["someone/m", "v1"]
    assert stored == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert hub.repositories == {"someone/m": True}
    assert hub.commits[0]["summary"] == "First"


def test_the_address_can_be_given(
    folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    assert call("push", folder, "someone/m", "--endpoint", hub.url, "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"] == 2
    assert set(hub.files["someone/m", "main"]) == {"README.md", "model.safetensors"}


def test_a_dry_run_sends_nothing(folder: Path, hub: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "README.md").unlink()
    assert call("push", folder, "someone/m", "--dry-run", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["files"] == {"model.safetensors": 10240}
    assert "has no README.md" in told.err
    assert call("push", folder, "someone/m", "--dry-run") == 0
    assert "nothing is sent" in capsys.readouterr().out
    assert not hub.calls


def test_letters(folder: Path, hub: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for words, arguments in {
        "audiolect export hf": (tmp_path / "run", "someone/m"),
        "no such folder": (tmp_path / "nowhere", "someone/m"),
        "no name of a repository": (folder, "m"),
    }.items():
        assert call("push", *arguments) == 2, words
        assert words in " ".join(capsys.readouterr().err.split())
    hub.refuse = {"/api/": 403}
    assert call("push", folder, "other/m") == 2
    assert "does not let this token write" in capsys.readouterr().err
