"""Published checkpoints of PANNs: their front end is checked and left out, everything else is loaded whole.

    report = load_panns(Cnn14(Cnn14Settings()), "Cnn14_mAP=0.431.pth")
    print(report.text())

Those files hold ``{"model": state_dict}``, and in it the Fourier transform and the mel filter bank as parameters: three
tensors that were never trained. They say which window, rate and mel bins the weights have learned with, so they are
compared with the encoder's own log-mel, and a checkpoint of another front end is refused. The hop is not in them.

Nothing is loaded in part: every parameter and buffer of the encoder is in the checkpoint with its shape, and the
checkpoint holds nothing else but the front end and, where the encoder was made without it, the classifier.

Public names: FRONT_END, front_end_weights, check_front_end, load_panns.
Source: zenodo.org/records/3987831; github.com/qiuqiangkong/torchlibrosa (what the three tensors are).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from audiolect.errors import UsageError
from audiolect.models.encoders.panns_layers import PannsEncoder
from audiolect.models.load_reports import LoadReport, keep_report
from audiolect.models.mel_scales import mel_filterbank
from audiolect.models.mel_settings import LogMelSettings
from audiolect.models.pretrained import check_file
from audiolect.models.state_dicts import load_weights, read_weights

_STFT = "spectrogram_extractor.stft"
FRONT_END = (f"{_STFT}.conv_real.weight", f"{_STFT}.conv_imag.weight", "logmel_extractor.melW")
_CLASSIFIER = "fc_audioset."
# Of the greatest weight: single precision keeps 1e-7, another window or scale differs by 1e-2 and more.
_TOLERANCE = 1e-4


def load_panns(encoder: PannsEncoder, path: str | Path, sha256: str | None = None) -> LoadReport:
    """Fill an encoder with the weights of a checkpoint file, all of them or none.

    Args:
        encoder: whose names and shapes the checkpoint has.
        path: the file.
        sha256: that it must have; None: that of the table of known models, where it has one.

    Returns:
        The report; the front end and a classifier that the encoder lacks stand under ``ignored``.

    Raises:
        StorageError: there is no such file.
        DamagedFile: it has another hash, cannot be read, or holds no state dict; nothing in it is executed.
        UsageError: another front end, another architecture, or tensors that are missing.
    """
    remark = check_file(path, sha256) if not Path(path).is_dir() else ""
    state = read_weights(path)
    check_front_end(state, encoder.features, where=path)
    ignore = FRONT_END if encoder.fc_audioset is not None else (*FRONT_END, _CLASSIFIER)
    report = load_weights(encoder, state, where=path, ignore=ignore)
    keep_report(encoder, path, report, remark)
    return report


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


def check_front_end(state: Mapping[str, Tensor], settings: LogMelSettings, *, where: object) -> None:
    """Compare what a state dict has of the front end with a log-mel.

    Raises:
        UsageError: they differ: the weights have learned with another log-mel.
    """
    ours = front_end_weights(settings)
    differing = [
        problem for name in FRONT_END if name in state and (problem := _difference(name, state[name], ours[name]))
    ]
    if differing:
        raise UsageError(
            "The checkpoint was trained with another log-mel than the encoder hears.",
            where=where,
            expected=f"that of {settings.sample_rate_hz} Hz, n_fft {settings.n_fft}, {settings.num_mels} mel bins",
            found="; ".join(differing),
            fix="give the section features the checkpoint's rate, n_fft, hop, mel bins and their limits",
        )


def _difference(name: str, theirs: Tensor, ours: Tensor) -> str | None:
    if theirs.shape != ours.shape:
        return f"{name} has the shape {tuple(theirs.shape)}, ours {tuple(ours.shape)}"
    distance = float((theirs.float() - ours).abs().max() / ours.abs().max())
    # Written so that NaN does not pass.
    return None if distance <= _TOLERANCE else f"{name} differs by {distance:.1%} of its greatest value"
