"""What generation does with logits before it chooses: rules on tokens, and the greatest of many.

The rules stand in this order, as in transformers: repetition penalty, no repeated n-grams, least length, suppressed
tokens. Beams apply them to log-probabilities, all other methods to logits. Repetition counts what the decoder has read
from its start on, the prefix included.

Shapes: R rows, V vocabulary.

Public names: History, apply_rules, needs_rules, largest.
Source: Keskar et al. 2019, arXiv 1909.05858, section 4.1 (repetition penalty).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from audiolect.models.generation_settings import GenerationSettings

# Scores in one block: the greatest of all lie in the blocks with the greatest maxima.
_BLOCK = 128


class History:
    """What each row has read and written: lists of token ids, the prefix first."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        self.rows = [list(row) for row in rows]
        self.prefix_lengths = [len(row) for row in rows]

    def expand(self, rows_each: int) -> None:
        """n copies of each row."""
        self.rows = [list(row) for row in self.rows for _ in range(rows_each)]
        self.prefix_lengths = [length for length in self.prefix_lengths for _ in range(rows_each)]

    def reorder(self, rows: Sequence[int]) -> None:
        """Row i goes on from row ``rows[i]``; also with fewer rows than before."""
        self.rows = [list(self.rows[row]) for row in rows]
        self.prefix_lengths = [self.prefix_lengths[row] for row in rows]

    def add(self, tokens: Sequence[int]) -> None:
        """The next token of each row."""
        for row, token in zip(self.rows, tokens, strict=True):
            row.append(token)

    def written(self, row: int) -> list[int]:
        """What a row has written after its prefix."""
        return self.rows[row][self.prefix_lengths[row] :]


def needs_rules(settings: GenerationSettings) -> bool:
    """Whether any rule would change a score."""
    return bool(
        settings.repetition_penalty != 1.0 or settings.no_repeat_ngram or settings.min_tokens or settings.suppress
    )


def apply_rules(scores: Tensor, history: History, settings: GenerationSettings, end: int) -> Tensor:
    """Scores (R, V) after the rules, in new memory where there is any.

    Args:
        scores: logits, or log-probabilities.
        history: of the same R rows.
        settings: which rules.
        end: the id that ends a caption.
    """
    if not needs_rules(settings):
        return scores
    scores = scores.clone()
    for row, ids in enumerate(history.rows):
        if settings.repetition_penalty != 1.0:
            seen = torch.tensor(sorted(set(ids)), device=scores.device)
            old = scores[row, seen]
            penalty = settings.repetition_penalty
            scores[row, seen] = torch.where(old < 0, old * penalty, old / penalty)
        banned = _completions(ids, settings.no_repeat_ngram)
        if len(ids) - history.prefix_lengths[row] < settings.min_tokens:
            banned.append(end)
        if banned:
            scores[row, torch.tensor(banned, device=scores.device)] = -torch.inf
    if settings.suppress:
        scores[:, torch.tensor(settings.suppress, device=scores.device)] = -torch.inf
    return scores


def largest(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The greatest ``count`` scores of each row, (R, V) → values and ids (R, count), the greatest first.

    As ``torch.topk``, which goes through a whole vocabulary several times: here one pass finds the blocks where the
    greatest lie, and the rest is small.
    """
    rows, size = scores.shape
    blocks = size // _BLOCK
    if blocks <= 2 * count:
        top = torch.topk(scores, min(count, size), dim=1)
        return top.values, top.indices
    whole = scores[:, : blocks * _BLOCK].reshape(rows, blocks, _BLOCK)
    chosen = torch.topk(whole.amax(dim=2), count, dim=1).indices
    inside = torch.arange(_BLOCK, device=scores.device)
    places = (chosen[:, :, None] * _BLOCK + inside).flatten(1)
    rest = torch.arange(blocks * _BLOCK, size, device=scores.device).expand(rows, -1)
    places = torch.cat([places, rest], dim=1)
    top = torch.topk(scores.gather(1, places), count, dim=1)
    return top.values, places.gather(1, top.indices)


def _completions(ids: list[int], size: int) -> list[int]:
    """The tokens that would complete an n-gram of ``size`` tokens that is there already."""
    if size < 1 or len(ids) + 1 < size:
        return []
    last = tuple(ids[len(ids) - size + 1 :])
    return [ids[i + size - 1] for i in range(len(ids) - size + 1) if tuple(ids[i : i + size - 1]) == last]
