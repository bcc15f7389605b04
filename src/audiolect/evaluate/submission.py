"""The ranking of a gallery for each caption, as the DCASE challenge wants it.

Conventions: file names are those of the recordings' paths, without folders; where two recordings have one name, the
file cannot say which is meant, and is refused. A caption that two recordings share is asked once.

Public names: rankings, write_ranking.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from audiolect.errors import DatasetError
from audiolect.evaluate.material import Material
from audiolect.formats.dcase_submission import NUM_RANKED, write_submission
from audiolect.metrics.top_matches import top_matches


def rankings(material: Material) -> dict[str, tuple[str, ...]]:
    """Caption → the names of its ten best files.

    Raises:
        DatasetError: no captions, fewer than ten recordings, or two recordings with one file name.
    """
    names = [PurePosixPath(path).name for path in material.recordings["path"]]
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise DatasetError("Two recordings have one file name.", where=material.embeddings.folder, found=repr(doubled))
    if not material.captions.height or len(names) < NUM_RANKED:
        raise DatasetError(
            "A submission ranks ten files for each caption.",
            where=material.embeddings.folder,
            expected=f"captions, and {NUM_RANKED} recordings or more",
            found=f"{material.captions.height} captions, {len(names)} recordings",
        )
    first: dict[str, int] = {}
    for row, caption in enumerate(material.captions["text"]):
        first.setdefault(caption, row)
    found = top_matches(
        material.caption_vectors[np.array(list(first.values()))], material.recording_vectors, NUM_RANKED
    )
    return {caption: tuple(names[index] for index in row) for caption, row in zip(first, found.indexes, strict=True)}


def write_ranking(path: Path, material: Material) -> int:
    """Write the submission of one system; how many captions it ranks.

    Raises:
        DatasetError: as ``rankings``.
        TableError: a rule of the challenge is broken.
    """
    ranked = rankings(material)
    names = [PurePosixPath(place).name for place in material.recordings["path"]]
    write_submission(path, ranked, file_names=names, captions=list(ranked))
    return len(ranked)
