"""The section ``text`` of a dual encoder: which text tower there is.

    text: {name: transformer, layers: 4}                            from nothing, its tokenizer made from the captions
    text: {name: huggingface, source: bert-base-uncased}            fine-tuned
    text: {name: huggingface, source: ./mpnet, frozen: true}        sentence embeddings, each text computed once
    text: {name: huggingface, config: {model_type: bert, …}}        that architecture with random weights

Public names: TransformerSettings, HuggingFaceSettings, TextSettings.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from audiolect.config import Config
from audiolect.models.text_tokenizer import LEAST_VOCABULARY


class TransformerSettings(Config):
    """A small transformer that begins with random weights."""

    name: Literal["transformer"] = "transformer"
    width: int = Field(default=256, ge=1, description="Width of the vectors between layers.")
    layers: int = Field(default=2, ge=1, description="Layers of attention and feed-forward.")
    heads: int = Field(default=4, ge=1, description="Heads of attention; they divide the width.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Dropout of embeddings and of each half layer.")
    token_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="How often a token is unheard in training; helps with unknown words."
    )
    max_tokens: int = Field(default=64, ge=3, description="A longer text is cut, and counted.")
    vocabulary: int = Field(default=4000, ge=LEAST_VOCABULARY, description="The most tokens of the tokenizer.")
    min_count: int = Field(default=2, ge=1, description="How often a pair occurs before it becomes a token.")
    pooling: Literal["cls", "mean", "last"] = Field(default="mean", description="What becomes of the tokens.")

    @model_validator(mode="after")
    def _heads_divide(self) -> TransformerSettings:
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self


class HuggingFaceSettings(Config):
    """Any text encoder of transformers."""

    name: Literal["huggingface"] = "huggingface"
    source: str | None = Field(default=None, description="A folder, or a name on the Hub, with weights and tokenizer.")
    revision: str | None = Field(default=None, description="The commit of the Hub's repository.")
    config: dict[str, Any] | None = Field(
        default=None, description="Instead of a source: the keys of a config.json, for random weights."
    )
    pooling: Literal["cls", "mean", "last", "pooler"] = Field(
        default="mean", description="What becomes of the tokens; pooler: the model's own head over the first."
    )
    normalise: bool = Field(default=False, description="Whether the pooled vector is brought to length 1.")
    frozen: bool = Field(default=False, description="Nothing of it trains, and each text is computed once.")
    cache: str | None = Field(default=None, description="A folder that keeps the vectors of a frozen tower.")
    max_tokens: int = Field(default=64, ge=3, description="A longer text is cut, and counted.")

    @model_validator(mode="after")
    def _one_origin(self) -> HuggingFaceSettings:
        if (self.source is None) == (self.config is None):
            raise ValueError("give one of source and config")
        if self.cache is not None and not self.frozen:
            raise ValueError("a cache is for a frozen tower: set frozen: true, or leave the cache out")
        if self.config is not None and "model_type" not in self.config:
            raise ValueError("config needs the key model_type, such as bert")
        return self


TextSettings: TypeAlias = Annotated[TransformerSettings | HuggingFaceSettings, Field(discriminator="name")]
