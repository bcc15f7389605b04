"""The two jars of the Stanford parser that SPICE needs: fetched as published, and only these unpacked.

Conventions: the archive stays beside the jars until both are unpacked, so that a stopped download goes on. No hash is
published for it; what came is told by its BLAKE2b-128, and the jars must be whole archives themselves.

Public names: ARCHIVE_URL, download_stanford_jars.

Source: the address is the one that pycocoevalcap 1.2 uses; Stanford CoreNLP 3.6.0 of 2015-12-09, GPL 3 or later.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from audiolect.download import fetch
from audiolect.errors import DamagedFile
from audiolect.metrics.spice import STANFORD_JARS
from audiolect.progress import Progress, silent_progress
from audiolect.storage import atomic_path, fingerprint_file

ARCHIVE_URL = "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"


def download_stanford_jars(
    folder: Path, *, url: str = ARCHIVE_URL, progress: Progress = silent_progress
) -> dict[str, str]:
    """Fetch the archive and unpack the jars of STANFORD_JARS; nothing is fetched where they are.

    Returns:
        name → BLAKE2b-128.

    Raises:
        DownloadError: the archive does not come.
        DamagedFile: it is no archive, or lacks a jar.
        StorageError: the folder cannot be written.
    """
    # Of a file that is absent this is False as well.
    if not all(zipfile.is_zipfile(folder / name) for name in STANFORD_JARS):
        archive = fetch(url, folder / url.rsplit("/", 1)[-1], progress=progress)
        _unpack(archive, folder)
        archive.unlink()
    return {name: fingerprint_file(folder / name) for name in STANFORD_JARS}


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = {Path(member).name: member for member in opened.namelist()}
            missing = [name for name in STANFORD_JARS if name not in members]
            if missing:
                raise _damaged(archive, f"no {' and no '.join(missing)}")
            for name in STANFORD_JARS:
                # Read by its name within the archive, and written under ours: no path of the archive is used.
                with (
                    opened.open(members[name]) as source,
                    atomic_path(folder / name) as temporary,
                    temporary.open("wb") as target,
                ):
                    shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, EOFError) as problem:
        raise _damaged(archive, str(problem)) from problem


def _damaged(archive: Path, found: str) -> DamagedFile:
    archive.unlink(missing_ok=True)
    return DamagedFile(
        "The archive of the Stanford parser is not what it should be; it was removed.",
        where=archive,
        expected="a zip with " + " and ".join(STANFORD_JARS),
        found=found,
        cause="a page of a proxy, or another version",
        fix="audiolect download spice DEST once more",
    )
