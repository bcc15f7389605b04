"""Any folder of audio, described by a mapping file instead of code; also the template for the corpora with a file of
their own: read the tables, declare drafts and examples, hand them to the intake.

Conventions: licence and citation come from the mapping. Where none is given, ``mapping.yaml`` in the folder itself is
taken, and without that the folder must speak for itself (inference.py). Audio files that no row names are counted in
the notes of the card: they are nobody's recordings.

    dataset = prepare(Path("my-sounds"), Path("datasets/my-sounds"), Path("my-sounds/mapping.yaml"))

Public names: prepare, MAPPING_NAME.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audiolect.corpora.audio_listing import list_audio
from audiolect.corpora.declare import Declaration, declare
from audiolect.corpora.inference import describe_inference, infer_mapping
from audiolect.corpora.intake import CorpusInfo, IntakeOptions, intake, writable_text
from audiolect.corpora.mapping import FolderMapping, load_mapping
from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError
from audiolect.progress import Progress, silent_progress

_DEFAULTS = IntakeOptions()
MAPPING_NAME = "mapping.yaml"  # taken from the folder itself, where none is named
_NAMED_ORPHANS = 3


def prepare(
    source: Path,
    out: Path,
    mapping: Path | FolderMapping | None = None,
    options: IntakeOptions = _DEFAULTS,
    progress: Progress = silent_progress,
) -> Dataset:
    """Make a dataset of a folder.

    Args:
        source: the folder of the corpus.
        out: the dataset folder to write.
        mapping: a mapping file, a mapping, or None: ``mapping.yaml`` of the folder, or one that is inferred.
        options: how the intake runs.
        progress: told of each recording.

    Raises:
        ConfigError: the mapping file is wrong.
        TableError: a table cannot be read, or lacks a column that the mapping names.
        UsageError: there is no such folder.
        AlreadyExists, DatasetError, TooManyProblems: as ``intake``.
    """
    _check_folder(source, "The source")
    notes: dict[str, Any] = {}
    if mapping is None and (source / MAPPING_NAME).is_file():
        mapping = source / MAPPING_NAME
    if mapping is None:
        mapping = infer_mapping(source)
        notes["mapping"] = describe_inference(mapping)
    elif isinstance(mapping, Path):
        mapping = load_mapping(mapping)
    root = source / mapping.audio
    if not options.no_audio:
        _check_folder(root, "The audio folder that the mapping names")
    declared = declare(mapping, source)
    notes |= _counts(declared, root)
    info = CorpusInfo(
        name=mapping.name,
        version=mapping.version,
        license=mapping.license,
        citation=mapping.citation,
        num_expected=mapping.num_expected or len(declared.drafts) + declared.num_left_out,
    )
    return intake(
        info,
        root,
        declared.drafts,
        declared.examples,
        out,
        options,
        progress,
        problems=declared.problems,
        notes=notes,
    )


def _check_folder(path: Path, what: str) -> None:
    if not path.is_dir():
        raise UsageError(
            f"{what} is not a folder." if path.exists() else f"{what} does not exist.",
            where=path,
            expected="a folder with audio files and, where there are any, their tables",
        )


def _counts(declared: Declaration, root: Path) -> dict[str, Any]:
    """For the notes: rows that `when` passed over, and audio files that no row names."""
    notes: dict[str, Any] = {}
    if declared.num_passed_over:
        notes["rows_passed_over"] = declared.num_passed_over
    named = {draft.path for draft in declared.drafts}
    orphans = [path for path in list_audio(root) if path not in named]
    if orphans:
        notes["audio_without_row"] = len(orphans)
        notes["audio_without_row_first"] = [writable_text(path) for path in orphans[:_NAMED_ORPHANS]]
    return notes
