"""The decoder of Whisper: names and shapes of its tensors as published, a cache of our own while it writes.

Layers of causal self-attention, cross-attention to the encoder's positions and feed-forward, each after a layer norm
and added to what came in; the output layer is the embedding of the tokens.

Conventions: texts are padded behind; what stands behind an end is seen by nothing before it. ``start`` reads prefixes
once and gives the state that ``step`` goes on from, token by token (``caption_attention.py``).

Shapes: B recordings, R rows (beams of recordings), L tokens, S positions of the encoder, D width, V vocabulary.

Public names: DecoderShape, CaptionDecoder.
Source: Radford et al. 2022, arXiv 2212.04356, section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from audiolect.models.caption_attention import DecoderState, attend_recording, attend_self, attend_written_out
from audiolect.models.packed_linear import apply_packed, pack_weight
from audiolect.models.recompute import recompute


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """The sizes of a decoder."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    """The most tokens that it has positions for."""
    vocabulary: int
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0


class _Attention(nn.Module):
    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = shape.attention_dropout
        self.k_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.width)
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.out_proj = nn.Linear(shape.width, shape.width)

    def split(self, x: Tensor) -> Tensor:
        """(B, L, D) → (B, H, L, K)."""
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)

    def memory(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, H, L, K) of (B, L, D)."""
        return self.split(self.k_proj(encoded)).contiguous(), self.split(self.v_proj(encoded)).contiguous()

    def memory_of_recordings(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """As ``memory``, for many looks of few queries: on the CPU the keys lie in the order of (B, H, K, L)."""
        keys, values = self.split(self.k_proj(encoded)), self.split(self.v_proj(encoded)).contiguous()
        if keys.device.type == "cpu":
            return keys.transpose(2, 3).contiguous().transpose(2, 3), values
        return keys.contiguous(), values

    def whole(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, *, causal: bool) -> Tensor:
        """All tokens of a text at once, (B, L, D) → (B, L, D)."""
        query = self.split(self.q_proj(x))
        if not causal and query.device.type == "cpu" and not torch.is_grad_enabled():
            # The fused attention is slow with keys that lie as ``memory_of_recordings`` has them.
            found = attend_written_out(query, keys, values, mask)
        else:
            found = scaled_dot_product_attention(
                query, keys, values, attn_mask=mask, is_causal=causal, dropout_p=self.dropout if self.training else 0.0
            )
        projected: Tensor = self.out_proj(found.transpose(1, 2).flatten(2))
        return projected


class _Layer(nn.Module):
    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.self_attn = _Attention(shape)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.encoder_attn = _Attention(shape)
        self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.feed_forward)
        self.fc2 = nn.Linear(shape.feed_forward, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)
        self.drop = nn.Dropout(shape.dropout)
        self.drop_inside = nn.Dropout(shape.activation_dropout)

    def forward(self, x: Tensor, encoded: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, L, D), encoded (B, S, D), mask (B, 1, 1, S) → (B, L, D)."""
        return self.read(x, self.encoder_attn.memory(encoded), mask)[0]

    def read(
        self, x: Tensor, memory: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """A whole text; also its own keys and values (B, H, L, K)."""
        normed = self.self_attn_layer_norm(x)
        own = self.self_attn.memory(normed)
        x = x + self.drop(self.self_attn.whole(normed, *own, None, causal=True))
        x = x + self.drop(self.encoder_attn.whole(self.encoder_attn_layer_norm(x), *memory, mask, causal=False))
        return x + self.drop(self.think(x)), own

    def think(self, x: Tensor) -> Tensor:
        """The feed-forward half, not yet added."""
        inside: Tensor = self.fc2(self.drop_inside(gelu(self.fc1(self.final_layer_norm(x)))))
        return inside

    def step(self, x: Tensor, state: DecoderState, layer: int) -> Tensor:
        """One token for each row, (R, D) → (R, D)."""
        own, cross = self.self_attn, self.encoder_attn
        normed = self.self_attn_layer_norm(x)
        query, key, value = (
            part.unflatten(-1, (own.heads, -1)) for part in (own.q_proj(normed), own.k_proj(normed), own.v_proj(normed))
        )
        x = x + own.out_proj(attend_self(query, key, value, state, layer).flatten(1))
        query = cross.q_proj(self.encoder_attn_layer_norm(x)).unflatten(-1, (cross.heads, -1))
        x = x + cross.out_proj(attend_recording(query, state, layer).flatten(1))
        return x + self.think(x)


class CaptionDecoder(nn.Module):
    """The decoder. ``gradient_checkpointing`` computes the layers again in the backward pass."""

    # Prefixes of several lengths may be read together.
    ragged = True

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.width = shape.width
        self.most_tokens = shape.positions
        self.vocabulary = shape.vocabulary
        self.gradient_checkpointing = False
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = nn.Embedding(shape.positions, shape.width)
        self.layers: Any = nn.ModuleList([_Layer(shape) for _ in range(shape.layers)])
        self.layer_norm = nn.LayerNorm(shape.width)
        self.drop = nn.Dropout(shape.dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, ids: Tensor, encoded: Tensor, mask: Tensor | None) -> Tensor:
        """Whole texts, for training.

        Args:
            ids: (B, L) int64, padded behind.
            encoded: (B, S, D).
            mask: (B, S) bool, True where a position belongs to the recording; None: all do.

        Returns:
            (B, L, D), from which ``logits`` makes those of the next tokens.
        """
        x = self.drop(self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]])
        heard = None if mask is None else mask[:, None, None]
        for layer in self.layers:
            x = recompute(layer, x, encoded, heard) if self.gradient_checkpointing else layer(x, encoded, heard)
        normed: Tensor = self.layer_norm(x)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., D) → (..., V)."""
        weight = self.embed_tokens.weight
        if hidden.ndim == 2 and hidden.device.type == "cpu" and not torch.is_grad_enabled():
            # The weights times a few vectors: measured, a third less time than the vectors times the weights.
            return torch.mm(weight, hidden.T).T.contiguous()
        return linear(hidden, weight)

    def start(
        self, prefixes: Sequence[Sequence[int]], encoded: Tensor, mask: Tensor | None, most_tokens: int
    ) -> DecoderState:
        """Read the beginnings of all texts at once.

        Args:
            prefixes: token ids of each recording's beginning, one at least, of any lengths.
            encoded, mask: as of ``forward``.
            most_tokens: how many tokens a text will have at most; the size of the cache.

        Returns:
            The state; ``next_logits`` are those of each first token.
        """
        lengths = torch.tensor([len(prefix) for prefix in prefixes], device=encoded.device)
        longest = max(map(len, prefixes))
        ids = torch.tensor([[*prefix, *[0] * (longest - len(prefix))] for prefix in prefixes], device=encoded.device)
        cross = [layer.encoder_attn.memory_of_recordings(encoded) for layer in self.layers]
        heard = None if mask is None else mask[:, None, None]
        even = min(map(len, prefixes)) == longest
        x = self.embed_tokens(ids) + self.embed_positions.weight[:longest]
        kept = []
        for layer, memory in zip(self.layers, cross, strict=True):
            x, own = layer.read(x, memory, heard)
            kept.append((_room(own[0], most_tokens), _room(own[1], most_tokens)))
        read = self.layer_norm(x)
        last = read[torch.arange(len(x), device=x.device), lengths - 1]
        output = pack_weight(self.embed_tokens.weight, len(x))
        return DecoderState(lengths, longest, even, 1, cross, heard, last, read, kept, output)

    def next_logits(self, state: DecoderState) -> Tensor:
        """As ``logits(state.hidden)``, by what ``start`` has prepared for it: (R, V)."""
        return self.logits(state.hidden) if state.output is None else apply_packed(state.hidden, state.output)

    def step(self, state: DecoderState, tokens: Tensor) -> None:
        """Read the next token of each row, (R,) int64; ``next_logits`` are those of the one after it."""
        places = self.embed_positions.weight[state.longest] if state.even else self.embed_positions(state.lengths)
        x = self.embed_tokens(tokens) + places
        for number, layer in enumerate(self.layers):
            x = layer.step(x, state, number)
        state.lengths = state.lengths + 1
        state.longest += 1
        state.hidden = self.layer_norm(x)


def _room(written: Tensor, capacity: int) -> Tensor:
    """(B, H, L, K) → (B, H, C, K), zero behind."""
    batch, heads, length, width = written.shape
    cache = written.new_zeros(batch, heads, max(capacity, length), width)
    cache[:, :, :length] = written
    return cache
