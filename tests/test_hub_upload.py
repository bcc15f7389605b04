"""Folders sent to a stand-in of the Hub, through huggingface_hub's own calls: what arrives is what was sent."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import StorageError, UploadError, UsageError
from audiolect.hub_upload import folder_files, push_folder

# huggingface_hub's way of sending bytes, which the library beneath would have another way
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder: small texts, weights, a file in a folder, one that is empty, and git's own."""
    folder = tmp_path / "model"
    for name, data in {
        "README.md": b"---\nlicense: mit\n---\n# A model\n",
        "config.json": b"{}",
        "model.safetensors": bytes(range(256)) * 40,
        "parts/vocabulary.json": b"[" + b"1, " * 900 + b"1]",
        "empty.txt": b"",
        ".git/config": b"not sent",
        ".cache/huggingface/x": b"not sent",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def sent(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder_files(folder)}


def test_what_arrives_is_what_was_sent(folder: Path, hub: Any) -> None:
    pushed = push_folder(folder, "someone/a-model")
    assert hub.repositories == {"someone/a-model": False}
    assert hub.files["someone/a-model", "main"] == sent(folder)
    assert set(sent(folder)) == {"README.md", "config.json", "model.safetensors", "parts/vocabulary.json", "empty.txt"}
    assert len(hub.objects) == 2  # the large ones went through LFS
    assert (pushed.url, pushed.files) == (f"{hub.url}/someone/a-model", 5)
    assert pushed.num_bytes == sum(map(len, sent(folder).values()))
    assert pushed.commit == f"{1:040x}"
    assert hub.commits[0]["summary"] == "Upload model"


def test_again_privately_on_a_branch(folder: Path, hub: Any) -> None:
    push_folder(folder, "someone/m", private=True, revision="v2", message="Second try")
    assert hub.repositories == {"someone/m": True}
    assert hub.files["someone/m", "v2"] == sent(folder)
    assert ("someone/m", "main") not in hub.files
    (folder / "config.json").write_bytes(b"[]")
    push_folder(folder, "someone/m", private=True, revision="v2", message="Third try")
    assert hub.files["someone/m", "v2"]["config.json"] == b"[]"
    assert [commit["summary"] for commit in hub.commits] == ["Second try", "Third try"]


def test_nothing_private_goes_to_a_public_repository(folder: Path, hub: Any) -> None:
    hub.repositories["someone/m"] = False
    with pytest.raises(UsageError, match="public, and should be private"):
        push_folder(folder, "someone/m", private=True)
    assert not hub.commits
    assert not hub.objects


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/repos/create", 401, "does not know this token"),
        ("/api/repos/create", 403, "does not let this token write"),
        ("/api/models/someone/m/preupload", 403, "does not let this token write"),
        ("/api/models/someone/m/commit", 404, "no such repository or revision"),
        ("/api/models/someone/m/commit", 409, "changed at the same time"),
        ("/api/models/someone/m/commit", 500, "has refused the upload"),
        ("/objects/", 403, "does not let this token write"),
    ],
)
def test_refusals_are_letters(path: str, status: int, words: str, *, folder: Path, hub: Any) -> None:
    hub.refuse = {path: status} | ({"/api/models/someone/m": 404} if path.endswith("create") else {})
    with pytest.raises(UploadError, match=words) as letter:
        push_folder(folder, "someone/m")
    assert f"{hub.url}/someone/m" == letter.value.where
    assert f"refused with {status}" in str(letter.value.found)
    assert letter.value.fix
    assert ("someone/m", "main") not in hub.files


def test_a_wrong_token_and_none(folder: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UploadError, match="does not know this token") as letter:
        push_folder(folder, "someone/m", token="hf_secret")
    assert "hf_secret" not in str(letter.value)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(UsageError, match="no token") as letter:
        push_folder(folder, "someone/m")
    assert "HF_TOKEN" in str(letter.value)


def test_no_server(folder: Path, hub: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(UploadError, match="cannot be reached"):
        push_folder(folder, "someone/m", endpoint=address)


def test_what_cannot_be_sent(folder: Path, hub: Any, tmp_path: Path) -> None:
    for name in ("m", "a/b/c", "a b/c", "https://x.y/a/b"):
        with pytest.raises(UsageError, match="no name of a repository"):
            push_folder(folder, name)
    with pytest.raises(UploadError, match="could not be sent"):
        push_folder(folder, "someone/a--b")  # a name that the library refuses
    with pytest.raises(StorageError, match="no such folder"):
        push_folder(tmp_path / "nowhere", "someone/m")
    (tmp_path / "none").mkdir()
    with pytest.raises(StorageError, match="nothing to send"):
        push_folder(tmp_path / "none", "someone/m")
    assert not hub.commits
