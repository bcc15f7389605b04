"""The section ``model`` of a captioning recipe: which encoder hears, and which decoder writes.

    model: {name: captioner, whisper: openai/whisper-tiny}                     published weights, encoder and decoder
    model: {name: captioner}                                                   a small Whisper from nothing
    model: {name: captioner, audio: {name: small}, decoder: {name: transformer, layers: 2, width: 128}}
    model: {name: captioner, audio: {name: ast, source: …}, decoder: {name: huggingface, source: gpt2}}

Public names: CaptionerSettings, TransformerDecoderSettings, HfDecoderSettings, DecoderSettings, LoraSettings.
Source: Radford et al. 2022, arXiv 2212.04356; Kadlčík et al. 2023, arXiv 2305.09690 (style prefixes).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from audiolect.config import Config
from audiolect.models.caption_bridge import BridgeSettings
from audiolect.models.caption_tokenizer import LEAST_CAPTION_VOCABULARY
from audiolect.models.encoders.table import AudioEncoderSettings
from audiolect.models.encoders.whisper import WhisperSettings

# The sizes of an encoder that begins from nothing: 2 layers of width 128, windows of 30 s.
_SMALL_WHISPER: dict[str, Any] = {
    "d_model": 128,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 512,
    "dropout": 0.1,
}


class TransformerDecoderSettings(Config):
    """A decoder built as Whisper's, with random weights and a tokenizer made from the training captions."""

    name: Literal["transformer"] = "transformer"
    width: int = Field(default=128, ge=1, description="Width of the vectors between layers.")
    layers: int = Field(default=2, ge=1, description="Layers of self-attention, cross-attention and feed-forward.")
    heads: int = Field(default=4, ge=1, description="Heads of attention; they divide the width.")
    feed_forward: int | None = Field(default=None, ge=1, description="Width inside of fc1 and fc2; null: 4 × width.")
    positions: int = Field(default=128, ge=8, description="The most tokens, start, prefix and end included.")
    vocabulary: int = Field(
        default=1000,
        ge=LEAST_CAPTION_VOCABULARY,
        description="The most tokens of the tokenizer, special ones included.",
    )
    min_count: int = Field(default=2, ge=1, description="How often a pair occurs before it becomes a token.")
    lower_case: bool = Field(default=True, description="Whether captions are learned in lower case.")

    @model_validator(mode="after")
    def _heads_divide(self) -> TransformerDecoderSettings:
        if self.width % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide width ({self.width})")
        return self


class HfDecoderSettings(Config):
    """A decoder of transformers: a causal language model, or the decoder of a sequence-to-sequence model."""

    name: Literal["huggingface"] = "huggingface"
    source: str | None = Field(default=None, description="A folder, or a name on the Hub, with weights and tokenizer.")
    revision: str | None = Field(default=None, description="The commit of the Hub's repository.")
    config: dict[str, Any] | None = Field(
        default=None, description="Instead of a source: the keys of a config.json, for random weights."
    )
    audio: Literal["auto", "cross", "prefix"] = Field(
        default="auto",
        description="How it hears: by cross-attention, or with the frames before the text; auto: cross where it can.",
    )
    vocabulary: int = Field(
        default=1000, ge=LEAST_CAPTION_VOCABULARY, description="Of the tokenizer that a config takes from the captions."
    )
    min_count: int = Field(default=2, ge=1, description="As of the transformer.")
    lower_case: bool = Field(default=False, description="As of the transformer.")

    @model_validator(mode="after")
    def _one_origin(self) -> HfDecoderSettings:
        if (self.source is None) == (self.config is None):
            raise ValueError("give one of source and config")
        if self.config is not None and "model_type" not in self.config:
            raise ValueError("config needs the key model_type, such as gpt2 or bart")
        return self


DecoderSettings: TypeAlias = Annotated[TransformerDecoderSettings | HfDecoderSettings, Field(discriminator="name")]


class LoraSettings(Config):
    """Low-rank updates of linear layers; all else is frozen. Needs the extra ``lora``."""

    rank: int = Field(default=64, ge=1, description="r.")
    alpha: float = Field(default=32, gt=0, description="The updates are scaled by alpha / rank.")
    dropout: float = Field(default=0.05, ge=0, lt=1, description="Before the updates.")
    targets: list[str] = Field(
        default=["q_proj", "v_proj"], min_length=1, description="The last parts of the names of linear layers."
    )
    bias: Literal["none", "all", "lora_only"] = Field(default="none", description="Which biases train besides.")


class CaptionerSettings(Config):
    """The section ``model`` of a captioning recipe."""

    name: Literal["captioner"] = "captioner"
    whisper: str | None = Field(
        default=None, description="A folder, or a name on the Hub, of a Whisper: its encoder, decoder and tokenizer."
    )
    revision: str | None = Field(default=None, description="The commit of the Hub's repository of whisper.")
    encoder_from_scratch: bool = Field(default=False, description="Random weights for the encoder of whisper.")
    decoder_from_scratch: bool = Field(default=False, description="Random weights for the decoder of whisper.")
    length: Literal["window", "recording"] | None = Field(
        default=None,
        description="Whisper's hearing: 30 s with filling, or as long as a recording is; null: window for published "
        "weights, recording from nothing.",
    )
    audio: AudioEncoderSettings | None = Field(default=None, description="The encoder; null: a small Whisper's.")
    decoder: DecoderSettings | None = Field(default=None, description="The decoder; null: a small transformer.")
    bridge: BridgeSettings | None = Field(
        default=None, description="Places in time, and layers, between encoder and decoder; for encoders without them."
    )
    max_tokens: int = Field(
        default=100, ge=4, description="Of prefix and caption; a longer caption is cut, and counted."
    )
    loss_on: Literal["answer", "all"] = Field(default="answer", description="Which tokens the loss is over.")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="Share of the target spread over all tokens.")
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Of the decoder; null: as its source has it.")
    lora: LoraSettings | None = Field(default=None, description="Low-rank updates; null: the weights themselves train.")
    start: str | None = Field(
        default=None, description="A folder of a saved captioner, whose weights and tokenizer the training begins with."
    )

    @model_validator(mode="after")
    def _fits(self) -> CaptionerSettings:
        if self.whisper is not None and (self.audio is not None or self.decoder is not None):
            raise ValueError("whisper brings encoder and decoder: leave out audio and decoder")
        if self.whisper is None and (self.encoder_from_scratch or self.decoder_from_scratch or self.revision):
            raise ValueError("encoder_from_scratch, decoder_from_scratch and revision go with whisper")
        width = getattr(self.effective_decoder, "width", None)
        if self.bridge is not None and width is not None and width % self.bridge.heads:
            raise ValueError(f"bridge.heads ({self.bridge.heads}) must divide decoder.width ({width})")
        if self.audio is not None and self.length is not None:
            raise ValueError("with audio, say length inside of audio")
        return self

    @property
    def effective_audio(self) -> AudioEncoderSettings:
        """The encoder's settings where ``whisper`` is not given."""
        if self.audio is not None:
            return self.audio
        return WhisperSettings(config=_SMALL_WHISPER, length=self.length or "recording")

    @property
    def effective_decoder(self) -> DecoderSettings:
        """The decoder's settings where ``whisper`` is not given."""
        return self.decoder or TransformerDecoderSettings()
