"""What a captioner's decoder hears of a batch of recordings.

Conventions: of a Whisper with ``length: window`` all positions of a window are heard, those of the silence behind a
recording too, as in its training. Elsewhere it is the positions of the recording alone. A recording longer than the
window is heard in windows without overlap, each by itself, and the decoder attends to all of them, one after the
other; only a rest shorter than a tenth of a window is left out (``encoders/hf_windows.py``).

On the CPU, without gradients, a Whisper hears one recording after the other: nothing is padded, and what its layers
leave behind stays in the cache (measured: a fifth less time than for a batch of 8 at once).

Shapes: B batch, T samples, S positions, D width.

Public names: hear.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audiolect.errors import UsageError
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.encoders.hf_windows import cut_windows, join_windows
from audiolect.models.encoders.whisper import WhisperAudioEncoder
from audiolect.models.features import log_mel


def hear(encoder: Any, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
    """Waveforms (B, T) float32 at ``encoder.rate_hz`` and lengths (B,) in samples → EncoderOutput.

    Raises:
        UsageError: a recording has no sample.
    """
    if len(lengths) and int(lengths.min()) < 1:
        raise UsageError(
            "A recording has no sample: there is nothing to describe.",
            where=f"row {int(lengths.argmin())} of {len(lengths)}",
            expected="at least one sample",
            fix="take it out of the dataset; audiolect check lists empty files",
        )
    if not isinstance(encoder, WhisperAudioEncoder):
        heard: EncoderOutput = encoder(waveforms, lengths)
        return heard
    if waveforms.device.type == "cpu" and not torch.is_grad_enabled() and len(lengths) > 1:
        sizes = lengths.tolist()
        return _stacked(
            [_hear_whisper(encoder, waveforms[i : i + 1, :n], lengths[i : i + 1]) for i, n in enumerate(sizes)]
        )
    return _hear_whisper(encoder, waveforms, lengths)


def _hear_whisper(encoder: WhisperAudioEncoder, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
    if encoder.settings.length == "recording":
        heard: EncoderOutput = encoder(waveforms, lengths)
        return heard
    windows = cut_windows(waveforms, lengths, encoder.window_samples)
    with torch.no_grad():
        features = log_mel(windows.waveforms, encoder.features, windows.lengths, fixed_length=True)
    frames = encoder.model(features.mT).last_hidden_state
    counts = torch.full((len(frames),), frames.shape[1], device=frames.device)
    return join_windows(frames.mean(dim=1), frames, counts, windows)


def _stacked(heard: list[EncoderOutput]) -> EncoderOutput:
    """Recordings that were heard one by one, as one batch."""
    return EncoderOutput(
        torch.cat([one.pooled for one in heard]),
        pad_sequence([one.frames[0] for one in heard], batch_first=True),
        pad_sequence([one.mask[0] for one in heard], batch_first=True),
    )
