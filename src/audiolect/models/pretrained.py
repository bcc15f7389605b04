"""The pretrained models that are known by name: where they come from, under which licence, and how they are loaded.

A row tells people what they would build on; nothing is fetched because a name stands in a configuration, but what
transformers fetches itself from the Hub. A hash stands here only where the publisher states one that was seen; where it
is None, ``check_file`` says which hash the file has, and whether its size is the published one, so that a recipe can
pin it (``weights_sha256``). What transformers fetches is pinned by ``revision``.

Public names: KNOWN_MODELS, KnownModel, get_known_model, check_file, known_file, known_models_table.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from audiolect.errors import DamagedFile, StorageError, unknown_name

_ZENODO = "https://zenodo.org/records/3987831/files/"
_PANNS_LICENCE = "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One published model."""

    what: str
    """What it is, in a few words."""
    encoder: str
    """The name in ``audio`` or ``text`` of a configuration that takes it."""
    source: str
    """An address, or a name on the Hub."""
    licence: str
    """As the publisher states it; ``not stated`` where none was found."""
    paper: str
    num_bytes: int | None = None
    """Of the file, where it is known."""
    sha256: str | None = None
    """Of the file, where its publisher states it or a trusted copy was hashed."""


KNOWN_MODELS: dict[str, KnownModel] = {
    "panns-cnn14": KnownModel(
        "Cnn14 on AudioSet, mAP 0.431, 32 kHz", "cnn14", f"{_ZENODO}Cnn14_mAP%3D0.431.pth", _PANNS_LICENCE,
        "Kong et al. 2020, arXiv 1912.10211", num_bytes=327_428_481,
    ),
    "panns-wavegram-logmel-cnn14": KnownModel(
        "Wavegram_Logmel_Cnn14 on AudioSet, mAP 0.439, 32 kHz", "wavegram_logmel_cnn14",
        f"{_ZENODO}Wavegram_Logmel_Cnn14_mAP%3D0.439.pth", _PANNS_LICENCE, "Kong et al. 2020, arXiv 1912.10211",
    ),
    "panns-resnet38": KnownModel(
        "ResNet38 on AudioSet, mAP 0.434, 32 kHz", "resnet38", f"{_ZENODO}ResNet38_mAP%3D0.434.pth", _PANNS_LICENCE,
        "Kong et al. 2020, arXiv 1912.10211",
    ),
    "ast-audioset": KnownModel(
        "Audio Spectrogram Transformer on AudioSet, mAP 0.459, 16 kHz", "ast",
        "MIT/ast-finetuned-audioset-10-10-0.4593", "BSD-3-Clause", "Gong et al. 2021, arXiv 2104.01778",
    ),
    "clap-htsat-unfused": KnownModel(
        "LAION-CLAP: HTSAT and RoBERTa, 10 s at 48 kHz", "htsat", "laion/clap-htsat-unfused", "Apache-2.0",
        "Wu et al. 2023, arXiv 2211.06687",
    ),
    "clap-htsat-fused": KnownModel(
        "LAION-CLAP with feature fusion for longer recordings", "htsat", "laion/clap-htsat-fused", "Apache-2.0",
        "Wu et al. 2023, arXiv 2211.06687",
    ),
    "whisper-tiny": KnownModel(
        "Whisper, 39 M parameters, 16 kHz", "whisper", "openai/whisper-tiny", "Apache-2.0",
        "Radford et al. 2022, arXiv 2212.04356",
    ),
    "whisper-small": KnownModel(
        "Whisper, 244 M parameters, 16 kHz", "whisper", "openai/whisper-small", "Apache-2.0",
        "Radford et al. 2022, arXiv 2212.04356",
    ),
    "whisper-large-v2": KnownModel(
        "Whisper, 1550 M parameters, 16 kHz", "whisper", "openai/whisper-large-v2", "Apache-2.0",
        "Radford et al. 2022, arXiv 2212.04356",
    ),
    "bert-medium": KnownModel(
        "BERT of 8 layers and width 512", "huggingface", "prajjwal1/bert-medium", "MIT",
        "Turc et al. 2019, arXiv 1908.08962",
    ),
    "roberta-base": KnownModel(
        "RoBERTa of 12 layers and width 768", "huggingface", "FacebookAI/roberta-base", "MIT",
        "Liu et al. 2019, arXiv 1907.11692",
    ),
    "all-mpnet-base-v2": KnownModel(
        "sentence embeddings of width 768 (pooling mean, normalise)", "huggingface",
        "sentence-transformers/all-mpnet-base-v2", "Apache-2.0", "Reimers and Gurevych 2019, arXiv 1908.10084",
    ),
    "all-minilm-l6-v2": KnownModel(
        "sentence embeddings of width 384 (pooling mean, normalise)", "huggingface",
        "sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0", "Reimers and Gurevych 2019, arXiv 1908.10084",
    ),
}  # fmt: skip


def get_known_model(name: str) -> KnownModel:
    """A row of the table. Raises UsageError with the nearest names."""
    if name not in KNOWN_MODELS:
        raise unknown_name("pretrained model", name, KNOWN_MODELS)
    return KNOWN_MODELS[name]


def known_file(path: str | Path) -> str | None:
    """The known model whose published file has this name; None where there is none."""
    name = Path(path).name
    files = {
        unquote(row.source.rpartition("/")[2]): known for known, row in KNOWN_MODELS.items() if "://" in row.source
    }
    return files.get(name)


def check_file(path: str | Path, sha256: str | None = None) -> str:
    """Compare a file of weights with what is stated about it.

    Args:
        path: the file; one with the name of a known model's is held against the table, too.
        sha256: as a recipe states it; None: only the table is asked.

    Returns:
        A line for people: the hash, and who has stated it, or how to pin it.

    Raises:
        StorageError: the file is not there.
        DamagedFile: its hash is another.
    """
    path, name = Path(path), known_file(path)
    known = None if name is None else KNOWN_MODELS[name]
    again = "check where it is from" if known is None else f"fetch it again from {known.source}"
    if not path.is_file():
        raise StorageError("There is no such file of weights.", where=path, fix=again)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    stated = [(sha256, "weights_sha256"), (None if known is None else known.sha256, "the table of known models")]
    for expected, by in stated:
        if expected is not None and found != expected.lower():
            raise DamagedFile(
                "The file of weights has another hash than is stated.",
                where=path,
                expected=f"sha256 {expected}, of {by}",
                found=f"sha256 {found}",
                fix=again,
            )
    by_whom = next((by for expected, by in stated if expected is not None), None)
    if by_whom is not None:
        return f"sha256 {found}, as {by_whom} has it"
    num_bytes = path.stat().st_size
    size = (
        ""
        if known is None or known.num_bytes in (None, num_bytes)
        else f"the published file has {known.num_bytes} bytes, this one {num_bytes}; "
    )
    return f"{size}no hash of this file is known; to pin it, give the recipe weights_sha256: {found}"


def known_models_table() -> str:
    """The table for people: name, encoder, licence, what it is, and source, one model a line."""
    rows = [("name", "encoder", "licence", "what", "source")]
    rows += [(name, known.encoder, known.licence, known.what, known.source) for name, known in KNOWN_MODELS.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]) for row in rows
    )
