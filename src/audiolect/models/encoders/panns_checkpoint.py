"""Published checkpoints of PANNs: their front end is checked and left out, everything else is loaded whole.

    state = read_panns("Cnn14_mAP=0.431.pth")
    report = load_panns(Cnn14(Cnn14Settings()), state, where="Cnn14_mAP=0.431.pth")

Those files hold ``{"model": state_dict}``, and in it the Fourier transform and the mel filter bank as parameters: three
tensors that were never trained. They say which window, rate and mel bins the weights have learned with, so they are
compared with the encoder's own log-mel, and a checkpoint of another front end is refused. The hop is not in them.

Nothing is loaded in part: every parameter and buffer of the encoder is in the checkpoint with its shape, and the
checkpoint holds nothing else but the front end and, where the encoder was made without it, the classifier.

Public names: FRONT_END, LoadReport, read_panns, front_end_weights, without_front_end, load_panns.
Source: zenodo.org/records/3987831; github.com/qiuqiangkong/torchlibrosa (what the three tensors are).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.models.encoders.panns_layers import PannsEncoder
from audiolect.models.mel_scales import mel_filterbank
from audiolect.models.mel_settings import LogMelSettings

_STFT = "spectrogram_extractor.stft"
FRONT_END = (f"{_STFT}.conv_real.weight", f"{_STFT}.conv_imag.weight", "logmel_extractor.melW")
_CLASSIFIER = ("fc_audioset.weight", "fc_audioset.bias")
# Of the greatest weight: single precision keeps 1e-7, another window or scale differs by 1e-2 and more.
_TOLERANCE = 1e-4
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of a checkpoint's tensors, each by its name."""

    loaded: tuple[str, ...]
    checked: tuple[str, ...]
    """The front end: equal to the encoder's own, and not carried."""
    left_out: tuple[str, ...]
    """The classifier, where the encoder has none."""


def read_panns(path: str | Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint file; nothing in the file is executed.

    Raises:
        StorageError: there is no such file.
        DamagedFile: it is no file of torch, is cut short, or holds no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise StorageError("There is no such checkpoint.", where=path, expected="a file of torch, such as *.pth")
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as problem:
        raise DamagedFile("The checkpoint cannot be read.", where=path, cause=str(problem).splitlines()[0]) from problem
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise DamagedFile(
            "The checkpoint holds no state dict.",
            where=path,
            expected='{"model": {name: tensor, …}}',
            found=str(type(state)),
        )
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def front_end_weights(settings: LogMelSettings) -> dict[str, Tensor]:
    """What the checkpoints' three tensors are for a log-mel, by name, float32.

    The Fourier transform as two convolutions, (K, 1, N) each: ``window * cos`` and ``-window * sin`` of
    ``2 pi k n / N``; and the mel filter bank (K, M). N is n_fft, K = N // 2 + 1, M the number of mel bins.
    """
    size = settings.n_fft
    window_N = torch.zeros(size, dtype=torch.float64)
    start = (size - settings.window_samples) // 2
    hann = torch.hann_window(settings.window_samples, periodic=True, dtype=torch.float64)
    window_N[start : start + settings.window_samples] = hann
    # The product modulo N keeps the angles small, and with them the rounding.
    turns_KN = torch.outer(torch.arange(size // 2 + 1), torch.arange(size)) % size
    angles_KN = turns_KN.double() * (2 * math.pi / size)
    bank_KM = mel_filterbank(
        sample_rate_hz=settings.sample_rate_hz,
        n_fft=size,
        num_mels=settings.num_mels,
        fmin_hz=settings.fmin_hz,
        fmax_hz=settings.fmax_hz,
        scale=settings.mel_scale,
        norm=settings.mel_norm,
    )
    real_K1N = (angles_KN.cos() * window_N)[:, None]
    imaginary_K1N = (-angles_KN.sin() * window_N)[:, None]
    weights = (real_K1N, imaginary_K1N, torch.from_numpy(bank_KM))
    return {name: weight.float() for name, weight in zip(FRONT_END, weights, strict=True)}


def without_front_end(state: Mapping[str, Tensor], settings: LogMelSettings, *, where: object) -> dict[str, Tensor]:
    """The state dict without the three tensors of its front end, if it has them.

    Raises:
        UsageError: they are not those of ``settings``: the weights have learned with another log-mel.
    """
    carried = [name for name in FRONT_END if name in state]
    if carried:
        ours = front_end_weights(settings)
        differing = [problem for name in carried if (problem := _difference(name, state[name], ours[name]))]
        if differing:
            raise UsageError(
                "The checkpoint was trained with another log-mel than the encoder hears.",
                where=where,
                expected=f"that of {settings.sample_rate_hz} Hz, n_fft {settings.n_fft}, {settings.num_mels} mel bins",
                found="; ".join(differing),
                fix="give the section features the checkpoint's rate, n_fft, hop, mel bins and their limits",
            )
    return {name: tensor for name, tensor in state.items() if name not in carried}


def _difference(name: str, theirs: Tensor, ours: Tensor) -> str | None:
    if theirs.shape != ours.shape:
        return f"{name} has the shape {tuple(theirs.shape)}, ours {tuple(ours.shape)}"
    distance = float((theirs.float() - ours).abs().max() / ours.abs().max())
    # Written so that NaN does not pass.
    return None if distance <= _TOLERANCE else f"{name} differs by {distance:.1%} of its greatest value"


def load_panns(encoder: PannsEncoder, state: Mapping[str, Tensor], *, where: object) -> LoadReport:
    """Fill an encoder with a checkpoint's weights, all of them or none.

    Args:
        encoder: of the checkpoint's architecture.
        state: from ``read_panns``.
        where: the file, for the letter.

    Raises:
        UsageError: another front end, another architecture, or tensors that are missing.
    """
    checked = tuple(name for name in FRONT_END if name in state)
    weights = without_front_end(state, encoder.features, where=where)
    left_out = tuple(name for name in _CLASSIFIER if name in weights and encoder.fc_audioset is None)
    weights = {name: tensor for name, tensor in weights.items() if name not in left_out}
    own = encoder.state_dict()
    problems = [f"{name} is missing" for name in own if name not in weights]
    problems += [f"{name} has no place" for name in weights if name not in own]
    problems += [
        f"{name} has the shape {tuple(weights[name].shape)}, not {tuple(own[name].shape)}"
        for name in own
        if name in weights and weights[name].shape != own[name].shape
    ]
    if problems:
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        raise UsageError(
            "The checkpoint does not fit the encoder; nothing was loaded.",
            where=where,
            expected=f"the {len(own)} tensors of {type(encoder).__name__}",
            found="; ".join(problems[:_MOST_NAMED]) + more,
            cause="a checkpoint of another architecture, or one with another number of classes",
        )
    encoder.load_state_dict(weights)
    return LoadReport(tuple(weights), checked, left_out)
