"""A small text transformer for training from nothing: learned positions, layers that are normalised at their entrance.

Shapes: B batch, L text tokens, D width, H heads.

Conventions: padding is masked in the attention, so that it changes no vector of a text (to 1e-5 in float32).

Public names: TextTransformer.
Source: Vaswani et al. 2017; normalisation at the entrance after Xiong et al. 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from audiolect.models.recompute import recompute
from audiolect.models.text_settings import TransformerSettings


class TextTransformer(nn.Module):
    """Tokens to vectors. Raises nothing: ids must lie below ``vocabulary`` and rows within ``max_tokens``."""

    def __init__(self, settings: TransformerSettings, vocabulary: int) -> None:
        super().__init__()
        self.embedding_size = settings.width
        self.gradient_checkpointing = False
        self.token_dropout = settings.token_dropout
        self.tokens = nn.Embedding(vocabulary, settings.width)
        self.positions = nn.Embedding(settings.max_tokens, settings.width)
        self.dropout = nn.Dropout(settings.dropout)
        self.layers = nn.ModuleList(_Layer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Ids (B, L) int64 and mask (B, L), 1 where a token is → vectors (B, L, D)."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x_BLD = self.dropout(self._words(input_ids) + self.positions(places))
        seen = attention_mask.bool()
        mask_B11L = None if bool(seen.all()) else seen[:, None, None, :]
        for layer in self.layers:
            x_BLD = recompute(layer, x_BLD, mask_B11L) if self.gradient_checkpointing else layer(x_BLD, mask_B11L)
        vectors: Tensor = self.norm(x_BLD)
        return vectors

    def _words(self, input_ids: Tensor) -> Tensor:
        """(B, L, D); in training some rows are zero: what an unknown word is made of has hardly been trained."""
        words_BLD: Tensor = self.tokens(input_ids)
        if not (self.training and self.token_dropout):
            return words_BLD
        heard_BL1 = torch.rand((*input_ids.shape, 1), device=input_ids.device) >= self.token_dropout
        return words_BLD * heard_BL1


class _Layer(nn.Module):
    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.dropout = nn.Dropout(settings.dropout)
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in = nn.Linear(width, 4 * width)
        self.feed_out = nn.Linear(4 * width, width)

    def forward(self, x_BLD: Tensor, mask_B11L: Tensor | None) -> Tensor:
        batch, length, width = x_BLD.shape
        # (3, B, H, L, D / H)
        parts = self.attention_in(self.attention_norm(x_BLD)).view(batch, length, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        heard = scaled_dot_product_attention(query, key, value, attn_mask=mask_B11L)
        x_BLD = x_BLD + self.dropout(self.attention_out(heard.transpose(1, 2).reshape(batch, length, width)))
        inner = gelu(self.feed_in(self.feed_norm(x_BLD)))
        fed: Tensor = x_BLD + self.dropout(self.feed_out(inner))
        return fed
