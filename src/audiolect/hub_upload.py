"""A folder sent to a repository of the Hub, or of a server that answers as the Hub does.

    pushed = push_folder("whisper-clotho", "someone/whisper-clotho", private=True)
    pushed.url, pushed.commit

The repository is made where there is none. Small texts go with the commit itself, large files through the Hub's storage
for them. Files that the repository has already are not sent again, and files that only the repository has stay there.

Conventions: the token and the address are those of huggingface_hub: ``HF_TOKEN``, or what ``hf auth login`` has left;
``HF_ENDPOINT``. A repository that is to be private is never filled while it is public. Hidden folders of git are not
sent. Needs the extra ``models`` (huggingface_hub).

Public names: Pushed, push_folder, folder_files.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiolect.errors import AudiolectError, StorageError, UploadError, UsageError, missing_extra

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_HIDDEN = re.compile(r"/\.git/|/\.cache/huggingface/")
_WRITE_FIX = "make a token with the right to write in the settings of your account, then HF_TOKEN=… or `hf auth login`"
# status → (what, likely cause, what to do)
_LETTERS: dict[int, tuple[str, str, str]] = {
    401: ("The Hub does not know this token.", "it was withdrawn, has ended, or is of another server", _WRITE_FIX),
    403: (
        "The Hub does not let this token write there.",
        "a token that may only read, or a name of somebody else",
        "push to OWNER/NAME with an OWNER that is yours, with a token that has the right to write",
    ),
    404: (
        "The Hub has no such repository or revision for this token.",
        "a private repository of somebody else, or a wrong --endpoint",
        "look at the name, the --revision and the --endpoint",
    ),
    409: (
        "The repository was changed at the same time.",
        "somebody else has pushed to it",
        "push again: what was sent is not sent again",
    ),
    429: ("The Hub was asked too often.", "many uploads from one account", "wait some minutes and push again"),
}


@dataclass(frozen=True, slots=True)
class Pushed:
    """What an upload came to.

    Args:
        url: of the repository.
        commit: its newest commit.
        files: how many files the folder has.
        num_bytes: how long they are together.
    """

    url: str
    commit: str
    files: int
    num_bytes: int


def push_folder(
    folder: str | Path,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
    endpoint: str | None = None,
    token: str | None = None,
) -> Pushed:
    """Send a folder.

    Args:
        folder: all of it is sent.
        repository: OWNER/NAME; it is made where there is none.
        private: nobody else may see it.
        revision: a branch, made where there is none; None: main.
        message: of the commit.
        endpoint: address of the server; None: ``HF_ENDPOINT``, else the Hub.
        token: None: from the usual places.

    Raises:
        UsageError: a name that no repository can have, no token, or a public repository that should be private.
        StorageError: no such folder, or nothing in it.
        UploadError: the server refuses, or cannot be reached.
        MissingDependency: huggingface_hub is not installed.
    """
    folder = Path(folder)
    files = folder_files(folder)
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError("This is no name of a repository.", expected="OWNER/NAME", found=repr(repository))
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise missing_extra("Sending a model", "models", "huggingface_hub") from error
    token = token or huggingface_hub.get_token()
    if token is None:
        raise UsageError("There is no token for the Hub.", where="HF_TOKEN", found="none", fix=_WRITE_FIX)
    api = huggingface_hub.HfApi(endpoint=endpoint, token=token)
    known: Any = errors  # HTTPError is that of the library beneath, which is another one in each version
    try:
        return _sent(api, folder, repository, private=private, revision=revision, message=message, files=files)
    except (known.HTTPError, OSError, RuntimeError, ValueError) as problem:
        raise _letter(problem, f"{api.endpoint}/{repository}") from problem


def folder_files(folder: Path) -> list[Path]:
    """The files that an upload sends.

    Raises:
        StorageError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise StorageError("There is no such folder to send.", where=folder, found="no folder")
    inside = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path for path in inside if not _HIDDEN.search(f"/{path.relative_to(folder).as_posix()}")]
    if not files:
        raise StorageError("The folder holds nothing to send.", where=folder, found="no files")
    return files


def _sent(
    api: Any,
    folder: Path,
    repository: str,
    *,
    private: bool,
    revision: str | None,
    message: str | None,
    files: list[Path],
) -> Pushed:
    url = str(api.create_repo(repository, private=private or None, exist_ok=True))
    if private and not api.model_info(repository).private:
        raise UsageError(
            "The repository is public, and should be private.",
            where=url,
            found="a repository that was there before",
            fix="make it private in its settings, or give another name; nothing was sent",
        )
    if revision is not None:
        api.create_branch(repository, branch=revision, exist_ok=True)
    with warnings.catch_warnings():
        # What the Hub thinks of a card without metadata; the verb says what it thinks itself.
        warnings.filterwarnings("ignore", message="Warnings while validating metadata")
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            revision=revision,
            commit_message=message or f"Upload {folder.resolve().name}",
        )
    return Pushed(url, str(commit.oid), len(files), sum(path.stat().st_size for path in files))


def _letter(problem: BaseException, where: str) -> AudiolectError:
    """The letter for what a library has raised, or for what stands behind it."""
    from huggingface_hub import errors

    chain = [problem]
    while (behind := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(behind)
    root = next((link for link in chain if getattr(link, "response", None) is not None), chain[-1])
    said = getattr(root, "server_message", None) or next(iter(str(root).splitlines()), "")
    found = f"{type(root).__name__}: {said}"
    if (response := getattr(root, "response", None)) is not None:
        status = int(response.status_code)
        what, cause, fix = _LETTERS.get(
            status,
            (
                "The server has refused the upload.",
                "a fault of the server" if status >= 500 else "it does not accept what was sent",
                "push again later" if status >= 500 else "read what it says, and change the folder or the name",
            ),
        )
        return UploadError(what, where=where, found=found, cause=cause, fix=fix)
    known: Any = errors
    if any(isinstance(link, known.HTTPError | ConnectionError | TimeoutError) for link in chain):
        return UploadError(
            "The server cannot be reached.",
            where=where,
            found=found,
            cause="no connection, a wrong --endpoint, or HF_HUB_OFFLINE is set",
            fix="push again when there is a connection: what was sent is not sent again",
        )
    return UploadError(
        "The folder could not be sent.",
        where=where,
        found=found,
        fix="read what it says, and change the folder or the name",
    )
