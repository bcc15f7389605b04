"""What of a batch a dual encoder hears and reads, and how: at once, or in micro-batches.

    rows = rows_of(batch, settings.batches)
    audio_BE, text_BE = embed_rows(encoder, rows, micro_batch=64)

Micro-batches are gradient caching (``gradient_cache.py``): the embeddings of all rows come together in one loss, memory
holds the graph of one micro-batch, and each is embedded twice. Loss and gradients are those of the whole batch, to
rounding. Layers that mix the rows of a batch are refused: batch normalisation in training mode would see a micro-batch.

Shapes: B rows, T samples, W windows of S samples, E numbers of an embedding.

Conventions: rows stay where they are, on the CPU, until a micro-batch is embedded on the encoder's device.

Public names: Rows, rows_of, embed_sound, embed_rows, embed_frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audiolect.errors import UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.models.clap import DualEncoder
from audiolect.models.masked_norm import needs_every_process
from audiolect.training.gradient_cache import cached_outputs


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Recordings, whole or as windows, and a text for each.

    Args:
        sound: (B, T) float32 waveforms, or (B, W, S) windows.
        lengths: (B,) int64 valid samples, or (B, W) of each window.
        texts: B of them.
        mask: (B, W) bool, the windows that a recording has; None: whole recordings.
    """

    sound: Tensor
    lengths: Tensor
    texts: tuple[str, ...]
    mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.sound)

    def parts(self, size: int) -> list[Rows]:
        """The rows in order, ``size`` at a time; the last may have fewer. No rows: one part without any."""
        slices = [slice(first, first + size) for first in range(0, max(len(self), 1), size)]
        return [
            Rows(self.sound[at], self.lengths[at], self.texts[at], None if self.mask is None else self.mask[at])
            for at in slices
        ]


def rows_of(batch: Batch, settings: BatchSettings, texts: Sequence[str] | None = None) -> Rows:
    """The rows of a batch.

    Args:
        batch: of the loader.
        settings: how it was cut.
        texts: of the rows; None: their answers.
    """
    words = tuple(batch.answers if texts is None else texts)
    lengths = torch.from_numpy(batch.lengths)
    if batch.windows is None or batch.window_mask is None:
        return Rows(torch.from_numpy(batch.waveforms), lengths, words)
    hop = settings.window_samples - settings.overlap_samples
    starts = torch.arange(batch.windows.shape[1]) * hop
    valid = (lengths[:, None] - starts).clamp(1, settings.window_samples)
    return Rows(torch.from_numpy(batch.windows), valid, words, torch.from_numpy(batch.window_mask))


def embed_sound(encoder: DualEncoder, rows: Rows) -> Tensor:
    """(B, E), on the encoder's device."""
    device = encoder.log_scale.device
    sound, lengths = rows.sound.to(device, non_blocking=True), rows.lengths.to(device)
    if rows.mask is None:
        return encoder.embed_audio(sound, lengths)
    return encoder.embed_windows(sound, rows.mask.to(device), lengths)


def embed_rows(
    encoder: DualEncoder, rows: Rows, *, micro_batch: int | None = None, allow_batch_norm: bool = False
) -> tuple[Tensor, Tensor]:
    """Sounds and texts, (B, E) each; at least one row.

    Args:
        encoder: what hears and reads.
        rows: what it hears and reads.
        micro_batch: rows at a time; None: all. What fits into one micro-batch is embedded as ever.
        allow_batch_norm: let batch normalisation count each micro-batch by itself.

    Raises:
        UsageError: micro-batches and a layer that mixes rows, unless allowed; or one that counts over processes.
    """
    if micro_batch is None or len(rows) <= micro_batch:
        return _embedded(encoder, rows)
    if needs_every_process(encoder):
        raise UsageError(
            "Batch normalisation over several processes does not go with micro-batches.",
            where="training.objective.micro_batch",
            expected="an encoder without batch normalisation that trains",
            cause="each process would have to embed as many micro-batches as the others",
            fix="freeze the encoder (training.freezing), train in one process, or micro_batch: null",
        )
    audio, text = cached_outputs(
        lambda part: _embedded(encoder, part),
        rows.parts(micro_batch),
        model=encoder,
        allow_batch_norm=allow_batch_norm,
    )
    return audio, text


@torch.no_grad()
def embed_frozen(encoder: DualEncoder, rows: Rows, *, micro_batch: int | None = None) -> tuple[Tensor, Tensor]:
    """Sounds and texts, (B, E) each, of an encoder in eval mode, without gradient; B may be 0."""
    if not len(rows):
        none = encoder.log_scale.new_zeros((0, encoder.embedding_size))
        return none, none
    parts = [_embedded(encoder, part) for part in rows.parts(micro_batch or len(rows))]
    return torch.cat([audio for audio, _ in parts]), torch.cat([text for _, text in parts])


def _embedded(encoder: DualEncoder, rows: Rows) -> tuple[Tensor, Tensor]:
    return embed_sound(encoder, rows), encoder.embed_texts(rows.texts)
