"""The verb ``push``: a folder to a repository of the Hub.

Public names: add_verbs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import errors_console, human_bytes, human_count, print_done, print_json, print_table

_GROUP = "Models"
_CARD = "README.md"

_Folder = Annotated[
    Path, typer.Argument(help="A folder, as `export hf` writes it; all of it is sent.", show_default=False)
]
_Repository = Annotated[str, typer.Argument(help="OWNER/NAME; made where there is none.", show_default=False)]
_Private = Annotated[bool, typer.Option("--private", help="Nobody else may see it.")]
_Revision = Annotated[str | None, typer.Option("--revision", help="A branch, made where there is none. Default: main.")]
_Message = Annotated[str | None, typer.Option("--message", "-m", help="Of the commit.")]
_Endpoint = Annotated[
    str | None, typer.Option("--endpoint", help="Address of the server. Default: HF_ENDPOINT, else the Hub.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verb to the command."""
    app.command("push", rich_help_panel=_GROUP)(push)


def push(
    folder: _Folder,
    repository: _Repository,
    *,
    private: _Private = False,
    revision: _Revision = None,
    message: _Message = None,
    endpoint: _Endpoint = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Send a folder to a repository of the Hub. The token is that of HF_TOKEN, or of `hf auth login`.

    audiolect export hf runs/captions --scores scores.json --out whisper-clotho

    audiolect push whisper-clotho me/whisper-clotho --private
    """
    from audiolect.hub_upload import folder_files, push_folder

    _check_no_run(folder)
    files = folder_files(folder)
    if not (folder / _CARD).is_file():
        errors_console().print(
            f"note: {folder} has no {_CARD}, so its page will say nothing", markup=False, soft_wrap=True
        )
    if dry_run:
        sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
        if as_json:
            print_json({"would_push": str(folder), "repository": repository, "private": private, "files": sizes})
        else:
            rows = [(name, human_bytes(size)) for name, size in sizes.items()]
            print_table(f"would be sent to {repository} (nothing is sent)", ("file", "size"), rows, right=(1,))
        return
    pushed = push_folder(folder, repository, private=private, revision=revision, message=message, endpoint=endpoint)
    if as_json:
        print_json({"url": pushed.url, "commit": pushed.commit, "files": pushed.files, "num_bytes": pushed.num_bytes})
        return
    told = f"{human_count(pushed.files, 'file')}, {human_bytes(pushed.num_bytes)}, commit {pushed.commit[:8]}"
    print_done(f"{pushed.url}: {told}", f"open {pushed.url}")


def _check_no_run(folder: Path) -> None:
    """A run has the places of its data on its card, and states of the optimiser that nobody needs."""
    from audiolect.errors import UsageError
    from audiolect.training.run_folder import CHECKPOINTS, STAGES_NAME

    if (folder / CHECKPOINTS).is_dir() or (folder / STAGES_NAME).is_file():
        raise UsageError(
            "A run is not published as it is: its cards name places of this machine.",
            where=folder,
            expected="a folder with a model",
            found="a run",
            fix=f"audiolect export hf {folder} --out FOLDER, then push FOLDER",
        )
