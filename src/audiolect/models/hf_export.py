"""A saved model as a folder that transformers loads, whatever its kind.

    exported = export_for_transformers("runs/captions/checkpoints/00001200", "folder", style="clotho")
    exported.class_name, exported.checkpoint_hash

Conventions: a kind is told by the ``format`` of the model's ``model.yaml``. To add one, write a function that fills the
folder and says what it made, and give it a row in EXPORTERS.

Public names: EXPORTERS, export_for_transformers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from audiolect.errors import UsageError
from audiolect.models.captioner import load_captioner
from audiolect.models.captioner_export import export_whisper
from audiolect.models.clap import load_model
from audiolect.models.clap_export import export_clap
from audiolect.models.exported_model import ExportedModel
from audiolect.models.weights_hash import weights_hash
from audiolect.storage import read_yaml
from audiolect.text.styles import choose_style


def export_for_transformers(model: Path, folder: Path, *, style: str | None = None) -> ExportedModel:
    """Write a saved model for transformers.

    Args:
        model: a folder with ``model.yaml``.
        folder: where to; it may exist.
        style: as a person types it, the style of the pipeline; None: the only one there is, else none.

    Raises:
        UsageError: transformers has no class for this model, or the style is none of its own.
        UnknownVersion, DamagedFile, ConfigError: it cannot be used.
    """
    kind = str(read_yaml(model / "model.yaml").get("format"))
    if kind not in EXPORTERS:
        raise UsageError(
            "No class of transformers is known for this kind of model.",
            where=model,
            expected=" or ".join(EXPORTERS),
            found=kind,
        )
    return EXPORTERS[kind](model, folder, style)


def _captioner(source: Path, folder: Path, style: str | None) -> ExportedModel:
    model = load_captioner(source)
    several = style is None and len(model.styles) != 1
    prefix = "" if several else choose_style(style, model.styles)
    export_whisper(model, folder, prefix=prefix)
    remarks = []
    if model.encoder.settings.length == "recording":
        seconds = model.encoder.window_samples // model.encoder.rate_hz
        remarks.append(
            f"It was trained on recordings as long as they are. transformers fills each one up to {seconds} s, which "
            "it has not heard in training: captions differ there from those that were measured."
        )
    return ExportedModel(
        class_name="WhisperForConditionalGeneration",
        pipeline="automatic-speech-recognition",
        tags=("audio", "audio-captioning", "whisper"),
        checkpoint_hash=weights_hash(model),
        num_parameters=_count(model),
        rate_hz=model.rate_hz,
        styles=tuple(sorted(model.styles)),
        style=prefix,
        remarks=tuple(remarks),
    )


def _dual_encoder(source: Path, folder: Path, style: str | None) -> ExportedModel:
    if style is not None:
        raise UsageError("A dual encoder writes nothing.", where="--style", found=style, fix="leave it away")
    model = load_model(source)
    export_clap(model, folder)
    return ExportedModel(
        class_name="ClapModel",
        pipeline="zero-shot-audio-classification",
        tags=("audio", "audio-text-retrieval", "clap"),
        checkpoint_hash=weights_hash(model),
        num_parameters=_count(model),
        rate_hz=model.rate_hz,
        remarks=(
            "Of recordings beyond 10 s transformers hears random crops; audiolect hears all of them in windows, and "
            "that is what was measured.",
        ),
    )


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


EXPORTERS: dict[str, Callable[[Path, Path, str | None], ExportedModel]] = {
    "audiolect/captioner": _captioner,
    "audiolect/dual_encoder": _dual_encoder,
}
