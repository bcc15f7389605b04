"""The text tower: texts to vectors.

Shapes: B texts, L text tokens, D width.

Conventions: a text that is empty (or white space) is refused; one of more than ``max_tokens`` tokens is cut and counted
in ``truncation``, once for each distinct text. Padding changes nothing. A frozen tower stays in eval mode, gives no
gradients, and computes each distinct text once (``text_cache.py``); it keeps the vectors in ``cache_folder``: that of
its settings, and none where it was saved before, since it may now be anywhere (``None``: in memory alone).

Public names: TextTower, Truncation, needs_captions, tokenizer_for, keep_vectors.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize

from audiolect.errors import UsageError
from audiolect.models.pooling import masked_mean
from audiolect.models.text_cache import TextCache
from audiolect.models.text_pretrained import open_pretrained, save_pretrained_parts
from audiolect.models.text_settings import HuggingFaceSettings, TextSettings, TransformerSettings
from audiolect.models.text_tokenizer import SPECIAL_TOKENS, read_tokenizer, train_tokenizer, write_tokenizer
from audiolect.models.text_transformer import TextTransformer
from audiolect.models.weights_hash import weights_hash

_FROZEN_BATCH = 128
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Truncation:
    """Which texts were cut: ``num_texts`` distinct ones, the longest of ``most_tokens`` tokens, and an example."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self.most_tokens = 0
        self.example = ""
        self._seen: set[str] = set()

    @property
    def num_texts(self) -> int:
        """How many distinct texts were cut."""
        return len(self._seen)

    def add(self, text: str, num_tokens: int) -> None:
        """Count one text that was cut from ``num_tokens`` tokens."""
        self._seen.add(text)
        if num_tokens > self.most_tokens:
            self.most_tokens, self.example = num_tokens, text

    def sentence(self) -> str | None:
        """What a person should hear about it; None where nothing was cut."""
        if not self._seen:
            return None
        return (
            f"{self.num_texts} texts were cut to {self.max_tokens} tokens; the longest has {self.most_tokens}: "
            f"{self.example[:80]!r}"
        )


def needs_captions(settings: TransformerSettings | HuggingFaceSettings) -> bool:
    """Whether this tower's tokenizer is made from the training captions."""
    return isinstance(settings, TransformerSettings) or settings.config is not None


def tokenizer_for(settings: TransformerSettings | HuggingFaceSettings, captions: Iterable[str]) -> Tokenizer | None:
    """The tokenizer that this tower takes, made from captions; None where it brings its own."""
    if isinstance(settings, TransformerSettings):
        return train_tokenizer(captions, settings.vocabulary, min_count=settings.min_count)
    if settings.config is None:
        return None
    return train_tokenizer(captions, settings.config.get("vocab_size", 30522))


class TextTower(nn.Module):
    """Texts in, (B, D) out; not yet projected.

    Args:
        settings: of the section ``text``.
        tokenizer: from ``tokenizer_for``, where one is needed.
        saved: the folder that ``save_parts`` wrote into: then nothing is fetched, and the weights follow.

    Raises:
        UsageError: a tokenizer is needed and not there; a pretrained encoder cannot be opened.
    """

    def __init__(self, settings: TextSettings, tokenizer: Tokenizer | None = None, saved: Path | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.max_tokens = settings.max_tokens
        self.truncation = Truncation(settings.max_tokens)
        self.frozen = isinstance(settings, HuggingFaceSettings) and settings.frozen
        self._cache: TextCache | None = None
        self.cache_folder: Path | None = None
        if saved is None and isinstance(settings, HuggingFaceSettings) and settings.cache is not None:
            self.cache_folder = Path(settings.cache)
        if isinstance(settings, TransformerSettings):
            self._tokenizer: Any = _required(tokenizer) if saved is None else read_tokenizer(saved / "tokenizer.json")
            self.encoder: Any = TextTransformer(settings, self._tokenizer.get_vocab_size())
            self.embedding_size = settings.width
        else:
            self._pretrained = open_pretrained(settings, tokenizer, saved)
            self._tokenizer, self.encoder = self._pretrained.tokenizer, self._pretrained.model
            self.embedding_size = int(self.encoder.config.hidden_size)
        if self.frozen:
            self.encoder.requires_grad_(False)
            self.encoder.eval()
        register: Any = self.register_load_state_dict_post_hook
        register(_forget_cache)

    @property
    def words(self) -> Any:
        """Its tokenizer: of ``tokenizers`` for a transformer of our own, else of transformers."""
        return self._tokenizer

    def train(self, mode: bool = True) -> TextTower:
        """As of every module, but what is frozen stays in eval mode."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Texts → ``input_ids``, ``attention_mask`` (B, L) int64, and what else the encoder takes.

        Raises:
            UsageError: a text is empty; the letter says which.
        """
        for place, text in enumerate(texts):
            if not text.strip():
                raise UsageError(
                    "A text is empty: there is nothing to embed.",
                    where=f"text {place} of {len(texts)}",
                    expected="a text with at least one character that is not white space",
                    found=repr(text),
                    fix="take this example out of the dataset; audiolect check lists such texts",
                )
        if isinstance(self.settings, TransformerSettings):
            return self._tokenize_own(texts)
        tokens = self._tokenizer(
            list(texts), truncation=True, max_length=self.max_tokens, padding=True, return_tensors="pt", verbose=False
        )
        full = (tokens["attention_mask"].sum(dim=1) >= self.max_tokens).nonzero().flatten().tolist()
        for place in full:
            num_tokens = len(self._tokenizer(texts[place], verbose=False)["input_ids"])
            if num_tokens > self.max_tokens:
                self.truncation.add(texts[place], num_tokens)
        return {name: tokens[name] for name in _INPUTS if name in tokens}

    def _tokenize_own(self, texts: Sequence[str]) -> dict[str, Tensor]:
        pad, _, end = (self._tokenizer.token_to_id(token) for token in SPECIAL_TOKENS)
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for place, row in enumerate(rows):
            if len(row) > self.max_tokens:
                self.truncation.add(texts[place], len(row))
                rows[place] = [*row[: self.max_tokens - 1], end]
        longest = max(map(len, rows), default=1)
        ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows], dtype=torch.int64)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], dtype=torch.int64)
        return {"input_ids": ids.view(-1, longest), "attention_mask": mask.view(-1, longest)}

    def forward(self, tokens: dict[str, Tensor]) -> Tensor:
        """Tokens of ``tokenize`` → (B, D)."""
        device = next(self.encoder.parameters()).device
        tokens = {name: value.to(device) for name, value in tokens.items()}
        mask = tokens["attention_mask"].bool()
        if isinstance(self.settings, TransformerSettings):
            return _pooled(self.encoder(**tokens), mask, self.settings.pooling)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            output = self.encoder(**tokens)
            if self.settings.pooling == "pooler":
                vectors = _pooler_output(output, self.settings)
            else:
                vectors = _pooled(output.last_hidden_state, mask, self.settings.pooling)
            return normalize(vectors, dim=-1) if self.settings.normalise else vectors

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Texts → (B, D) on the tower's device, from the cache where the tower is frozen."""
        if not self.frozen or not texts:
            return self(self.tokenize(texts)) if texts else self._none()
        if self._cache is None:
            self._cache = TextCache(self._cache_key(), self.embedding_size, self.cache_folder)
        vectors = self._cache.vectors(texts, self._computed)
        return vectors.to(next(self.encoder.parameters()).device)

    def save_parts(self, folder: Path) -> None:
        """Write the tokenizer, and the configuration of a pretrained encoder, into ``folder``; not the weights."""
        if isinstance(self.settings, TransformerSettings):
            write_tokenizer(self._tokenizer, folder / "tokenizer.json")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            save_pretrained_parts(self._pretrained, folder)

    def _none(self) -> Tensor:
        return torch.zeros(0, self.embedding_size, device=next(self.encoder.parameters()).device)

    def _computed(self, texts: list[str]) -> Tensor:
        """The vectors of distinct texts, in batches of like length, in float32 also under autocast."""
        order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), texts[place]))
        vectors = torch.empty(len(texts), self.embedding_size)
        device = next(self.encoder.parameters()).device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            for first in range(0, len(order), _FROZEN_BATCH):
                places = order[first : first + _FROZEN_BATCH]
                vectors[places] = self(self.tokenize([texts[place] for place in places])).float().cpu()
        return vectors

    def _cache_key(self) -> str:
        """What decides a vector besides its text."""
        words = self._tokenizer.backend_tokenizer.to_str() if hasattr(self._tokenizer, "backend_tokenizer") else ""
        settings = self.settings.model_dump(include={"pooling", "normalise", "max_tokens"})
        told = f"{weights_hash(self.encoder)} {settings} {type(self.encoder).__name__} {words}"
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def keep_vectors(model: Any, base: Path, *, only_if_there: bool = False) -> None:
    """Have a frozen text tower keep its vectors in the folder that its settings name.

    Args:
        model: any model; one without such a tower stays as it is.
        base: the folder of the recipe.
        only_if_there: leave it without one where there is no such folder that can be written to: a run may have been
            moved, or be somebody else's.
    """
    text = getattr(model, "text", None)
    settings = getattr(text, "settings", None)
    if isinstance(text, TextTower) and isinstance(settings, HuggingFaceSettings) and settings.cache is not None:
        folder = base / settings.cache
        if not only_if_there or os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            text.cache_folder = folder


def _forget_cache(module: Any, _keys: Any) -> None:
    module._cache = None  # other weights, other vectors


def _pooled(vectors_BLD: Tensor, mask: Tensor, how: str) -> Tensor:
    """``cls``: the first token; ``mean``: over the text's tokens; ``last``: its last one."""
    if how == "cls":
        return vectors_BLD[:, 0]
    if how == "last":
        return vectors_BLD[torch.arange(len(mask), device=mask.device), mask.sum(dim=1) - 1]
    return masked_mean(vectors_BLD, None if bool(mask.all()) else mask)


def _pooler_output(output: Any, settings: HuggingFaceSettings) -> Tensor:
    vectors: Tensor | None = getattr(output, "pooler_output", None)
    if vectors is None:
        raise UsageError(
            "This text encoder has no head over its first token.",
            where=f"text.pooling of {settings.source or 'text.config'}",
            expected="cls, mean or last",
            found="pooler",
        )
    return vectors


def _required(tokenizer: Tokenizer | None) -> Tokenizer:
    if tokenizer is None:
        raise UsageError(
            "A text tower that begins from nothing needs a tokenizer made from captions.",
            where="text",
            fix="build the model with build_dual_encoder(settings, captions)",
        )
    return tokenizer
