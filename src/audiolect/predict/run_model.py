"""A trained model as an Embedder, with the way of reading sound and the templates that go with it.

Conventions: torch is imported only when a model is opened. It runs in evaluation mode, in float32, on the first
accelerator, else on the CPU. What is opened is a run (``training/run_folder.py``), or a folder with a model alone
(``models/clap.py``: ``model.yaml``).

Public names: RunModel, TorchEmbedder, open_run_model, LocatedModel, locate_model, with_changes, HEARD_SECONDS.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolect.config import parse_config
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import UsageError, missing_extra
from audiolect.loader.batch_settings import BatchSettings
from audiolect.predict.embedder import Embedder, Vectors
from audiolect.storage import read_yaml
from audiolect.text.label_prompts import DEFAULT_TEMPLATES, check_templates
from audiolect.training.run_folder import CONFIG_NAME, POINTERS, Run, open_run, read_checkpoint_card

if TYPE_CHECKING:
    from audiolect.models.clap import DualEncoder

HEARD_SECONDS = 10.0

_BATCH_SIZE = 32
_MODEL_FILE = "model.yaml"


@dataclass(frozen=True, slots=True)
class RunModel:
    """A model that was opened.

    Args:
        embedder: ready to embed.
        settings: how recordings are read: windows of the length that the model was trained on.
        templates: of the evaluation section of its recipe, else the default ones.
    """

    embedder: Embedder
    settings: BatchSettings
    templates: tuple[str, ...]


class TorchEmbedder:
    """A dual encoder behind the interface of ``embedder.Embedder``."""

    def __init__(self, model: DualEncoder, identity: ModelIdentity, device: str) -> None:
        self._model = model.to(device).eval()
        self._device = device
        self.identity = identity
        self.rate_hz = int(model.rate_hz)
        self.embedding_size = int(model.embedding_size)

    def embed_audio(self, waveforms: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]) -> Vectors:
        """(B, T) waveforms, of which ``lengths`` (B,) samples are valid → (B, E)."""
        import torch

        with torch.inference_mode():
            heard = torch.from_numpy(waveforms).to(self._device), torch.from_numpy(lengths).to(self._device)
            return np.asarray(self._model.embed_audio(*heard).float().cpu().numpy(), np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """B texts → (B, E)."""
        import torch

        with torch.inference_mode():
            return np.asarray(self._model.embed_texts(list(texts)).float().cpu().numpy(), np.float32)


def open_run_model(folder: Path, checkpoint: str = "best") -> RunModel:
    """Open a run's checkpoint, or a folder with a model alone.

    Args:
        folder: of either.
        checkpoint: ``best``, ``last`` or a step; of a model alone it means nothing.

    Raises:
        UsageError: there is neither, or no such checkpoint.
        UnknownVersion, DamagedFile, ConfigError: it cannot be used.
        MissingDependency: torch is not installed.
    """
    found = locate_model(folder, checkpoint)
    if found.run is None:
        return _opened(found.folder, found.identity, _windows(HEARD_SECONDS), DEFAULT_TEMPLATES)
    training, evaluation = found.run.config.get("training") or {}, found.run.config.get("evaluation") or {}
    templates = evaluation.get("templates") or DEFAULT_TEMPLATES
    heard = _heard(training, evaluation, folder)
    return _opened(found.folder, found.identity, heard, check_templates(templates), found.run.recipe_folder)


@dataclass(frozen=True, slots=True)
class LocatedModel:
    """Where a model is: its folder, who it is (but for the hash of its weights), and the run, if it is of one."""

    folder: Path
    identity: ModelIdentity
    run: Run | None

    @property
    def format(self) -> str:
        """The format of its ``model.yaml``: ``audiolect/captioner`` and the like."""
        return str(read_yaml(self.folder / _MODEL_FILE).get("format"))


def locate_model(folder: Path, checkpoint: str = "best") -> LocatedModel:
    """Find a run's checkpoint, or a folder with a model alone; arguments and errors as of ``open_run_model``.

    Raises:
        UsageError: also where torchrun or its like has started several processes, which would all do the same work and
            write the same files.
    """
    processes = os.environ.get("WORLD_SIZE", "1")
    if processes != "1":
        raise UsageError(
            "Only a training is shared by several processes.",
            where="the environment's WORLD_SIZE",
            expected="1",
            found=processes,
            fix="start the command without torchrun; several commands, each with a --where of its own, share the work",
        )
    if (folder / _MODEL_FILE).is_file():
        if checkpoint not in POINTERS:
            raise UsageError(
                "A folder with a model alone has no steps to choose from.",
                where=folder,
                found=f"--checkpoint {checkpoint}",
            )
        return LocatedModel(folder, ModelIdentity(run=folder.resolve().name, checkpoint_hash="unknown"), None)
    run = open_run(folder)
    chosen = run.checkpoint(checkpoint)
    training = run.config.get("training") or {}
    seeds = {"training": training.get("seed"), "mixture": (run.config.get("mixture") or {}).get("seed")}
    identity = ModelIdentity(
        run=run.name,
        checkpoint=checkpoint,
        step=int(read_checkpoint_card(chosen, verify=False)["step"]),
        checkpoint_hash="unknown",
        seeds={name: seed for name, seed in seeds.items() if isinstance(seed, int)},
    )
    return LocatedModel(chosen, identity, run)


def with_changes(settings: BatchSettings, *, window_seconds: float | None, batch_size: int | None) -> BatchSettings:
    """The settings with what the command line says.

    Raises:
        ConfigError: a length that cannot be.
    """
    changes: dict[str, object] = {}
    if window_seconds is not None:
        changes |= {"policy": "windows", "window_seconds": window_seconds}
    if batch_size is not None:
        changes |= {"batch_size": batch_size, "batch_seconds": None}
    return parse_config(settings.model_dump(mode="json") | changes, BatchSettings, "the command line")


def _heard(training: dict[str, Any], evaluation: dict[str, Any], folder: Path) -> dict[str, Any]:
    """How recordings are read: as the recipe evaluates; where it does not say, whole, as long as those trained on.

    Training hears crops; a recording is then predicted from all its windows of that length, not from one crop.
    """
    if evaluation.get("batches"):
        return dict(evaluation["batches"])
    trained = parse_config(training.get("batches") or {}, BatchSettings, folder / CONFIG_NAME)
    if trained.policy == "crop":
        return _windows(trained.crop_seconds)
    if trained.policy == "pad" and trained.max_seconds is not None:
        return _windows(trained.max_seconds)
    changes = {"batch_size": None if trained.batch_seconds else _BATCH_SIZE}
    return trained.model_dump(mode="json") | changes


def _windows(seconds: float) -> dict[str, Any]:
    return {"policy": "windows", "window_seconds": seconds, "batch_size": _BATCH_SIZE}


def _opened(
    folder: Path,
    identity: ModelIdentity,
    heard: dict[str, Any],
    templates: tuple[str, ...],
    recipe_folder: Path | None = None,
) -> RunModel:
    try:
        import torch

        from audiolect.models.clap import load_model
        from audiolect.models.text_tower import keep_vectors
        from audiolect.models.weights_hash import weights_hash
    except ImportError as error:
        raise missing_extra("Asking a model", "models", "torch") from error
    model = load_model(folder)
    if recipe_folder is not None:
        keep_vectors(model, recipe_folder, only_if_there=True)
    identity = identity.model_copy(update={"checkpoint_hash": weights_hash(model)})
    settings = parse_config(heard | {"rate_hz": int(model.rate_hz)}, BatchSettings, folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return RunModel(TorchEmbedder(model, identity, device), settings, templates)
