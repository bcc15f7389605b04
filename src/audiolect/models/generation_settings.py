"""How captions are written: the section ``generation`` of a recipe, and of predictions.

    {method: greedy}
    {method: beam, num_beams: 5, length_penalty: 1.0, num_outputs: 3}
    {method: diverse_beam, num_beams: 6, num_groups: 3, diversity_penalty: 0.5}
    {method: sample, temperature: 0.8, top_p: 0.9, num_outputs: 5, seed: 1}
    {method: contrastive, top_k: 4, penalty_alpha: 0.6}

Public names: GenerationSettings, Hypothesis, METHODS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from audiolect.config import Config

# method → what it does, for people
METHODS: dict[str, str] = {
    "greedy": "the most likely token each time",
    "beam": "the most likely texts of several that grow side by side",
    "diverse_beam": "beams in groups that shun each other's tokens",
    "sample": "tokens drawn at random by their likelihood",
    "contrastive": "likely tokens that are unlike what was written before",
}


class GenerationSettings(Config):
    """How captions are written."""

    method: Literal["greedy", "beam", "diverse_beam", "sample", "contrastive"] = Field(
        default="greedy", description="How the next token is chosen."
    )
    max_tokens: int = Field(default=60, ge=1, description="The most tokens of a caption, its end included.")
    min_tokens: int = Field(default=0, ge=0, description="A caption does not end before it has as many tokens.")
    num_outputs: int = Field(default=1, ge=1, description="Captions for each recording, the best first.")
    num_beams: int = Field(default=5, ge=1, description="beam, diverse_beam: texts that grow side by side.")
    num_groups: int = Field(default=5, ge=1, description="diverse_beam: groups of beams; they divide num_beams.")
    diversity_penalty: float = Field(
        default=0.5,
        ge=0,
        description="diverse_beam: taken off a token's score for each beam of earlier groups with it.",
    )
    length_penalty: float = Field(
        default=1.0, description="beams: a finished text's score is divided by its length to this power."
    )
    early_stopping: bool = Field(default=False, description="beams: stop with as many finished texts as beams.")
    temperature: float = Field(default=1.0, gt=0, description="sample: logits are divided by it.")
    top_k: int | None = Field(default=None, ge=1, description="sample, contrastive: of the k most likely tokens alone.")
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="sample: of the likeliest tokens whose chances add up to it, alone."
    )
    penalty_alpha: float = Field(default=0.6, ge=0, le=1, description="contrastive: weight of unlikeness.")
    repetition_penalty: float = Field(
        default=1.0, gt=0, description="Tokens that were written have their scores divided (or multiplied) by it."
    )
    no_repeat_ngram: int = Field(default=0, ge=0, description="No run of as many tokens occurs twice; 0: it may.")
    suppress: list[int] = Field(default=[], description="Ids of tokens that are never written.")
    seed: int = Field(default=0, ge=0, description="sample: with a recording's own number it decides all draws.")
    known_styles: bool = Field(default=True, description="Whether a style that was not trained is refused.")

    @model_validator(mode="after")
    def _fits(self) -> GenerationSettings:
        beams = self.method in ("beam", "diverse_beam")
        if beams and self.num_outputs > self.num_beams:
            raise ValueError(f"num_outputs ({self.num_outputs}) is more than num_beams ({self.num_beams})")
        if self.method in ("greedy", "contrastive") and self.num_outputs > 1:
            raise ValueError(f"{self.method} gives one output: take beam or sample for more")
        if self.method == "diverse_beam" and self.num_beams % self.num_groups:
            raise ValueError(f"num_groups ({self.num_groups}) must divide num_beams ({self.num_beams})")
        if self.min_tokens >= self.max_tokens:
            raise ValueError("min_tokens must be below max_tokens")
        if self.method == "contrastive" and (self.top_k is None or self.top_k < 2):
            raise ValueError("contrastive chooses among top_k tokens: give top_k of 2 or more, such as 4")
        return self


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One caption of a recording."""

    text: str
    score: float
    """Of beams the sum of its tokens' log-probabilities over its length to the power ``length_penalty``, of all other
    methods their sum."""
    token_ids: tuple[int, ...]
    """Without prefix; the end is included where it was written."""
