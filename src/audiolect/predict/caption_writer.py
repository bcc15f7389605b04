"""A trained captioner behind an interface of arrays and texts.

Conventions: torch is imported only when a model is opened. It runs in evaluation mode, in float32, on the first
accelerator, else on the CPU. Recordings are heard whole: what a model does with long ones is its own rule
(``models/captioner_audio.py``). What is written of a recording depends on nothing else in the batch.

Public names: CaptionWriter, TorchCaptionWriter, WriterModel, open_caption_writer, is_captioner,
CAPTIONER_FORMAT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from audiolect.config import parse_config
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import UsageError, missing_extra
from audiolect.loader.batch_settings import BatchSettings
from audiolect.models.generation_settings import GenerationSettings
from audiolect.predict.run_model import LocatedModel, locate_model

if TYPE_CHECKING:
    from audiolect.models.captioner import Captioner

CAPTIONER_FORMAT = "audiolect/captioner"

_BATCH_SECONDS = 240.0

# Texts with their scores, the best first.
Outputs = list[tuple[str, float]]


class CaptionWriter(Protocol):
    """A model that describes, ready to write; B recordings, T samples."""

    @property
    def identity(self) -> ModelIdentity:
        """Which weights these are."""

    @property
    def rate_hz(self) -> int:
        """The rate of the waveforms."""

    @property
    def styles(self) -> frozenset[str]:
        """The prefixes that it was trained with; none where it is not known."""

    def write(
        self,
        waveforms: npt.NDArray[np.float32],
        lengths: npt.NDArray[np.int64],
        prefix: str,
        keys: Sequence[str],
        settings: GenerationSettings,
    ) -> list[Outputs]:
        """(B, T) waveforms, of which ``lengths`` (B,) samples are valid → for each, texts with scores.

        ``keys`` name the recordings: with the seed they decide what sampling draws.
        """


@dataclass(frozen=True, slots=True)
class WriterModel:
    """A captioner that was opened, how recordings are read for it, and how its recipe lets it write."""

    writer: CaptionWriter
    settings: BatchSettings
    generation: GenerationSettings


class TorchCaptionWriter:
    """A Captioner behind the interface."""

    def __init__(self, model: Captioner, identity: ModelIdentity, device: str) -> None:
        self._model = model.to(device).eval()
        self._device = device
        self.identity = identity
        self.rate_hz = int(model.rate_hz)
        self.styles = frozenset(model.styles)

    def write(
        self,
        waveforms: npt.NDArray[np.float32],
        lengths: npt.NDArray[np.int64],
        prefix: str,
        keys: Sequence[str],
        settings: GenerationSettings,
    ) -> list[Outputs]:
        """As of ``CaptionWriter``."""
        import torch

        from audiolect.models.generation import generate

        heard = torch.from_numpy(waveforms).to(self._device), torch.from_numpy(lengths).to(self._device)
        found = generate(self._model, *heard, [prefix] * len(lengths), settings, keys)
        return [[(" ".join(one.text.split()), float(one.score)) for one in outputs] for outputs in found]


def is_captioner(run: Path, checkpoint: str = "best") -> bool:
    """Whether a run, or a folder with a model alone, is of a captioner; what is neither is told by whoever opens it."""
    if not any((run / name).is_file() for name in ("model.yaml", "config.yaml", "stages.json")):
        return False
    return locate_model(run, checkpoint).format == CAPTIONER_FORMAT


def open_caption_writer(found: LocatedModel) -> WriterModel:
    """Open the captioner of a run, or of a folder with a model alone.

    Raises:
        UsageError: it is a model of another kind.
        UnknownVersion, DamagedFile, ConfigError: it cannot be used.
        MissingDependency: torch is not installed.
    """
    if found.format != CAPTIONER_FORMAT:
        raise UsageError(
            "This model does not write captions.",
            where=found.folder,
            expected=CAPTIONER_FORMAT,
            found=found.format,
            fix="give a run whose recipe says model: {name: captioner}",
        )
    try:
        import torch

        from audiolect.models.captioner import load_captioner
        from audiolect.models.weights_hash import weights_hash
    except ImportError as error:
        raise missing_extra("Asking a model", "models", "torch") from error
    model = load_captioner(found.folder)
    identity = found.identity.model_copy(update={"checkpoint_hash": weights_hash(model)})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    config: dict[str, Any] = {} if found.run is None else found.run.config
    written = ((config.get("training") or {}).get("objective") or {}).get("generation") or {}
    settings = BatchSettings(
        rate_hz=int(model.rate_hz), policy="pad", max_seconds=None, batch_seconds=_BATCH_SECONDS, threads=1
    )
    generation = parse_config(written, GenerationSettings, found.folder)
    return WriterModel(TorchCaptionWriter(model, identity, device), settings, generation)
