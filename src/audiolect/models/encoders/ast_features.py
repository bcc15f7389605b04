"""What AST hears: Kaldi's filter bank energies, as its published weights were trained with.

Frames of 400 samples every 160, without their mean, pre-emphasised by 0.97, under a symmetric Hann window; the power of
512 Fourier points in 128 triangles on the mel scale ``1127 ln(1 + f / 700)`` from 20 Hz to half the rate, straight
lines in mel; natural logarithm with a floor of 2 ** -23. Only whole frames count: n samples have
``1 + (n - 400) // 160``. Behind a recording's end the values are 0 before the normalisation ``(x - mean) / (2 std)``.

Shapes: B batch, T samples, F frames, K = 257 Fourier bins, M mel bins.

Public names: ast_features, ast_frame_counts, SAMPLE_RATE_HZ, FRAME_SAMPLES, HOP_SAMPLES.
Source: Gong et al. 2021, "AST"; Povey et al. 2011 (Kaldi); transformers' ASTFeatureExtractor is the tests' oracle.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from audiolect.models.pooling import apply_mask, length_mask

SAMPLE_RATE_HZ = 16000
FRAME_SAMPLES = 400
HOP_SAMPLES = 160
_FFT = 512
_FMIN_HZ = 20.0
_PREEMPHASIS = 0.97
_FLOOR = 2.0**-23


def ast_frame_counts(lengths: Tensor) -> Tensor:
    """Samples (B,) → frames (B,) int64."""
    return ((lengths - FRAME_SAMPLES) // HOP_SAMPLES + 1).clamp(min=0)


def ast_features(waveforms: Tensor, lengths: Tensor, num_mels: int, mean: float, std: float) -> Tensor:
    """Waveforms (B, T) at 16 kHz, zero behind their ends, and lengths (B,) in samples → (B, F, M) float32.

    F is that of the longest recording, at least 1.
    """
    padded = pad(waveforms.float(), (0, max(0, FRAME_SAMPLES - waveforms.shape[1])))
    with torch.autocast(waveforms.device.type, enabled=False), torch.no_grad():
        frames = padded.unfold(1, FRAME_SAMPLES, HOP_SAMPLES)
        frames = frames - frames.mean(dim=2, keepdim=True)
        before = torch.cat([frames[..., :1], frames[..., :-1]], dim=2)
        window = torch.hann_window(FRAME_SAMPLES, periodic=False, device=frames.device)
        spectrum = torch.fft.rfft((frames - _PREEMPHASIS * before) * window, n=_FFT)
        energies = spectrum.real.square() + spectrum.imag.square()
        bank_KM = _mel_bank(num_mels).to(frames.device)
        logs_BFM = (energies @ bank_KM).clamp(min=_FLOOR).log()
    valid = length_mask(ast_frame_counts(lengths.to(frames.device)), logs_BFM.shape[1])
    return (apply_mask(logs_BFM, valid) - mean) / (2 * std)


@lru_cache(maxsize=8)
def _mel_bank(num_mels: int) -> Tensor:
    """(K, M) float32."""

    def mel(hz: Tensor) -> Tensor:
        return 1127.0 * torch.log1p(hz / 700.0)

    with torch.inference_mode(mode=False):
        limits = mel(torch.tensor([_FMIN_HZ, SAMPLE_RATE_HZ / 2], dtype=torch.float64))
        corners = torch.linspace(float(limits[0]), float(limits[1]), num_mels + 2, dtype=torch.float64)
        bins_K1 = mel(torch.arange(_FFT // 2 + 1, dtype=torch.float64) * SAMPLE_RATE_HZ / _FFT)[:, None]
        left, centre, right = corners[:-2], corners[1:-1], corners[2:]
        rising, falling = (bins_K1 - left) / (centre - left), (right - bins_K1) / (right - centre)
        return torch.minimum(rising, falling).clamp(min=0).float()
