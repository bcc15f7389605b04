"""A decoder of transformers in the clothes of ours: whole texts in training, token by token in generation.

It hears in one of two ways. ``cross``: its cross-attention looks at the encoder's positions, as that of BART, T5, or
GPT-2 with cross-attention added. ``prefix``: the encoder's positions stand before the text in the place of embedded
tokens, as any causal language model can read them; they are moved to the right, so that the text follows at once.

Conventions: prefixes that are read together have one length (``ragged`` is False: generation sees to it). The
cross-attention's keys and values are kept for each row, as transformers wants them, and are not moved when rows change
places, for they change within a recording alone.

Shapes: B recordings, R rows (beams of recordings), L tokens, S positions of the encoder, D width, V vocabulary.

Public names: HfCaptionDecoder, HfState.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import DynamicCache, EncoderDecoderCache

from audiolect.errors import UsageError


@dataclass(slots=True, eq=False)
class HfState:
    """What the decoder needs to go on. It changes with each step."""

    cache: Any
    heard: Tensor | None
    """``cross``: (R, S, D), what each row attends to."""
    mask: Tensor
    """``cross``: (R, S) int64, which of it; ``prefix``: (R, S + L) int64, which positions are audio or text."""
    lengths: Tensor
    """(R,) int64, tokens of text read so far; all are equal."""
    rows_each: int
    hidden: Tensor
    """(R, D), the vectors of the last tokens."""
    read: Tensor
    """(B, L, D), the vectors of the prefixes."""

    def expand(self, rows_each: int) -> None:
        """From one row for each recording to n of them."""
        self.cache.batch_repeat_interleave(rows_each)
        self.heard = None if self.heard is None else self.heard.repeat_interleave(rows_each, 0)
        self.mask = self.mask.repeat_interleave(rows_each, 0)
        self.lengths = self.lengths.repeat_interleave(rows_each)
        self.hidden = self.hidden.repeat_interleave(rows_each, 0)
        self.rows_each = rows_each

    def reorder(self, rows: Tensor) -> None:
        """Row i goes on from what row ``rows[i]`` of the same recording has written; (R,) int64."""
        cross = isinstance(self.cache, EncoderDecoderCache)
        (self.cache.self_attention_cache if cross else self.cache).reorder_cache(rows)

    def keep(self, recordings: Tensor) -> None:
        """Go on with these recordings alone; (b,) int64, in rising order."""
        inside = torch.arange(self.rows_each, device=recordings.device)
        rows = (recordings[:, None] * self.rows_each + inside).flatten()
        self.cache.batch_select_indices(rows)
        self.heard = None if self.heard is None else self.heard[rows]
        self.mask, self.lengths, self.hidden = self.mask[rows], self.lengths[rows], self.hidden[rows]


class HfCaptionDecoder(nn.Module):
    """The decoder.

    Args:
        model: a model of transformers with an output layer, without its encoder where it had one.
        way: how it hears.
    """

    ragged = False

    def __init__(self, model: Any, way: Literal["cross", "prefix"]) -> None:
        super().__init__()
        self.model: Any = model
        self.way = way
        # A causal language model brings no weights for it.
        self.added_cross = way == "cross" and not model.config.is_encoder_decoder
        config = model.config
        self.width = int(model.get_input_embeddings().embedding_dim if way == "prefix" else config.hidden_size)
        self.vocabulary = int(config.vocab_size)
        positions = getattr(config, "max_position_embeddings", None)
        # A model without a table of positions, as T5, has no limit of its own.
        self.most_tokens = 4096 if positions is None else int(positions)

    @property
    def body(self) -> Any:
        """The layers without the output layer."""
        return self.model.get_decoder() if self.model.config.is_encoder_decoder else self.model.base_model

    def forward(self, ids: Tensor, encoded: Tensor, mask: Tensor | None) -> Tensor:
        """Whole texts: ids (B, L) padded behind, encoded (B, S, D), mask (B, S) bool or None → (B, L, D)."""
        if self.way == "cross":
            return self._attend(ids, encoded, _given(mask, encoded), None)
        embedded, seen = self._joined(ids, encoded, _given(mask, encoded))
        return self._follow(embedded, seen, None)[:, encoded.shape[1] :]

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., D) → (..., V)."""
        config = self.model.config
        if getattr(config, "scale_decoder_outputs", False):  # T5 with tied embeddings
            hidden = hidden * config.d_model**-0.5
        logits: Tensor = self.model.get_output_embeddings()(hidden)
        bias = getattr(self.model, "final_logits_bias", None)
        return logits if bias is None else logits + bias[0]

    def next_logits(self, state: HfState) -> Tensor:
        """As of ``CaptionDecoder``."""
        return self.logits(state.hidden)

    def start(
        self, prefixes: Sequence[Sequence[int]], encoded: Tensor, mask: Tensor | None, most_tokens: int
    ) -> HfState:
        """Read the beginnings of all texts at once; as of ``CaptionDecoder``, but of one length."""
        ids = torch.tensor([list(prefix) for prefix in prefixes], device=encoded.device)
        seen = _given(mask, encoded)
        heard: Tensor | None = encoded
        if self.way == "cross":
            cache: Any = EncoderDecoderCache(DynamicCache(), DynamicCache())
            read = self._attend(ids, encoded, seen, cache)
        else:
            positions = getattr(self.model.config, "max_position_embeddings", None)
            if positions is not None and encoded.shape[1] + most_tokens > positions:
                raise UsageError(
                    "A recording and its caption are longer than the decoder's positions.",
                    expected=f"at most {positions}",
                    found=f"{encoded.shape[1]} positions of sound and {most_tokens} of text",
                    fix="take shorter windows, fewer max_tokens, or a decoder with cross-attention",
                )
            cache, heard = DynamicCache(), None
            embedded, seen = self._joined(ids, encoded, seen)
            read = self._follow(embedded, seen, cache)[:, encoded.shape[1] :]
        lengths = torch.full((len(ids),), ids.shape[1], device=ids.device)
        return HfState(cache, heard, seen, lengths, 1, read[:, -1], read)

    def step(self, state: HfState, tokens: Tensor) -> None:
        """Read the next token of each row, (R,) int64; ``logits(state.hidden)`` are those of the one after it."""
        if state.heard is not None:
            state.hidden = self._attend(tokens[:, None], state.heard, state.mask, state.cache)[:, -1]
        else:
            state.mask = torch.cat([state.mask, state.mask.new_ones(len(tokens), 1)], dim=1)
            embedded = self.model.get_input_embeddings()(tokens[:, None])
            state.hidden = self._follow(embedded, state.mask, state.cache)[:, -1]
        state.lengths = state.lengths + 1

    def _attend(self, ids: Tensor, encoded: Tensor, seen: Tensor, cache: Any) -> Tensor:
        found: Tensor = self.body(
            input_ids=ids,
            encoder_hidden_states=encoded,
            encoder_attention_mask=seen,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        return found

    def _follow(self, embedded: Tensor, seen: Tensor, cache: Any) -> Tensor:
        """Embedded positions (B, N, D) of which ``seen`` (B, all) are the last N → (B, N, D)."""
        places = (seen.cumsum(dim=1) - 1).clamp(min=0)[:, -embedded.shape[1] :]
        found: Tensor = self.body(
            inputs_embeds=embedded,
            attention_mask=seen,
            position_ids=places,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        return found

    def _joined(self, ids: Tensor, encoded: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Sound moved to the right, then text: (B, S + L, D), and which positions there are, (B, S + L)."""
        size = encoded.shape[1]
        shift = size - seen.sum(dim=1, keepdim=True)
        source = torch.arange(size, device=ids.device) - shift
        moved = encoded.gather(1, source.clamp(min=0)[:, :, None].expand_as(encoded))
        there = (source >= 0).to(seen.dtype)
        words = self.model.get_input_embeddings()(ids)
        # What pads a text stands behind it, where no token of the text looks.
        return torch.cat([moved.to(words.dtype), words], dim=1), torch.cat([there, torch.ones_like(ids)], dim=1)


def _given(mask: Tensor | None, encoded: Tensor) -> Tensor:
    if mask is None:
        return torch.ones(encoded.shape[:2], dtype=torch.int64, device=encoded.device)
    return mask.to(torch.int64)
