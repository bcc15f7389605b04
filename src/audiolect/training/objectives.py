"""What a training makes small, and what its validation measures: one protocol for all kinds of models.

The loop knows nothing of sound or words. It hands batches to an Objective and takes back a loss. To add one, write a
class with the members of ``Objective`` and its settings, and give it a row in OBJECTIVES. The settings tell
``metric_names``, which every validation set has, and ``metrics_to_ask_for``: metric → the key that gives it.

Conventions: over ranks, the *mean over ranks* of the gradients of ``loss`` is the gradient of the loss of the global
batch: data-parallel training takes that mean. A rank's share may be empty (``len(batch) == 0``); its loss still has a
gradient, of zeros. ``loss`` runs under autocast, ``validate`` too. ``validate`` is called on every rank with its share
of the examples, and gives the same numbers on all: those of all examples together.

Public names: Objective, Validation, RetrievalObjective, RetrievalSettings, ObjectiveSettings,
OBJECTIVES, build_objective.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from audiolect.config import Config
from audiolect.errors import UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.examples import caption_keys
from audiolect.models.clap import DualEncoder
from audiolect.models.masked_norm import needs_every_process
from audiolect.training.captioning import CaptioningSettings, open_captioning
from audiolect.training.chunked import Teacher, chunked_info_nce, chunked_sigmoid_loss
from audiolect.training.idle_shares import touch_all
from audiolect.training.mixing import MixedBatch, MixingSettings, mix_batch
from audiolect.training.negatives import PairKeys
from audiolect.training.retrieval_rows import Rows, embed_rows, embed_sound, rows_of
from audiolect.training.retrieval_validation import METRICS, Collected, measure_retrieval
from audiolect.training.teachers import FrozenTeacher, TeacherSettings, open_teacher
from audiolect.training.validation import Validation

_SHOWN_IDS = 5


class RetrievalSettings(Config):
    """The objective of dual encoders."""

    name: Literal["retrieval"] = "retrieval"
    loss: Literal["info_nce", "sigmoid"] = Field(default="info_nce", description="The loss; see training/losses.py.")
    same: Literal["left_out", "positive", "negative"] = Field(
        default="left_out", description="What pairs of one recording or one caption are."
    )
    same_caption: Literal["drawn", "first"] = Field(
        default="drawn",
        description="Which captions tell that two rows are the same: those drawn, or the first reference of each, "
        "such as a sentence for its class.",
    )
    mixing: MixingSettings | None = Field(
        default=None, description="Recordings are heard two at a time, with two texts as the target; null: never."
    )
    chunk: int | None = Field(default=None, ge=1, description="Rows of a block of the loss; null: by device.")
    micro_batch: int | None = Field(
        default=None,
        ge=1,
        description="Rows embedded at a time, each twice, so that a batch may be larger than memory; null: all.",
    )
    allow_batch_norm: bool = Field(
        default=False, description="With micro_batch: batch normalisation counts each micro-batch by itself."
    )
    teacher: TeacherSettings | None = Field(
        default=None, description="A trained dual encoder whose similarities are part of the targets; null: none."
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What each validation set has."""
        return METRICS

    @property
    def metrics_to_ask_for(self) -> dict[str, str]:
        """None more."""
        return {}

    @model_validator(mode="after")
    def _teaches_info_nce(self) -> RetrievalSettings:
        if self.teacher is not None and self.loss != "info_nce":
            raise ValueError(f"teacher goes with loss: info_nce, whose targets can be soft, not with {self.loss}")
        return self


class Objective(Protocol):
    """What the loop asks for."""

    @property
    def metric(self) -> str:
        """What chooses the best checkpoint where the recipe does not say: a name among ``validate``'s."""

    @property
    def goal(self) -> str:
        """``max`` or ``min``."""

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch, a scalar with gradient, and numbers for the journal."""

    def validate(self, model: nn.Module, batches: Iterable[Batch], *, shown: int) -> Validation:
        """Measure a set of examples; ``shown`` of them are told in detail."""

    def remarks(self, model: nn.Module) -> list[str]:
        """What a person should hear at the end, such as how many texts were cut."""


@dataclass(frozen=True)
class RetrievalObjective:
    """Recordings and captions that belong together are brought together."""

    settings: RetrievalSettings
    batches: BatchSettings
    teacher: FrozenTeacher | None = None
    metric: str = field(default="text_to_audio map@10", init=False)
    goal: str = field(default="max", init=False)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """InfoNCE or the sigmoid loss over the global batch. Raises UsageError where an example has no caption."""
        encoder, settings = _dual_encoder(model), self.settings
        keys = self._keys(batch, encoder.log_scale.device)
        mixed = self._mixed(encoder, batch)
        rows = rows_of(batch, self.batches) if mixed is None else Rows(mixed.waveforms, mixed.lengths, batch.answers)
        if len(batch):
            _check_captions(batch)
            audio, text = embed_rows(
                encoder, rows, micro_batch=settings.micro_batch, allow_batch_norm=settings.allow_batch_norm
            )
        else:
            audio = text = encoder.log_scale.new_zeros((0, encoder.embedding_size))
            if needs_every_process(encoder.audio):
                audio = embed_sound(encoder, rows)
        teacher = None
        if self.teacher is not None:
            teacher = self.teacher.targets(rows, encoder.log_scale.device, settings.micro_batch)
        loss = self._contrast(encoder, audio, text, keys, teacher)
        if mixed is not None:
            others = None if teacher is None else replace(teacher, text=teacher.text[mixed.order])
            second = self._contrast(encoder, audio, text[mixed.order], keys.in_order(mixed.order), others)
            loss = mixed.share * loss + (1.0 - mixed.share) * second
        if not len(batch):
            loss = loss + touch_all(model)
        return loss, {"temperature": float(1.0 / encoder.scale().detach())}

    def validate(self, model: nn.Module, batches: Iterable[Batch], *, shown: int) -> Validation:
        """Embed every recording and every caption once, and rank all against all."""
        encoder = _dual_encoder(model)
        collected = Collected()
        for batch in batches:
            if len(batch):
                _check_captions(batch)
                texts = [text for answers in batch.references for text in answers]
                collected.add(batch, embed_sound(encoder, rows_of(batch, self.batches)), encoder.embed_texts(texts))
        return measure_retrieval(collected, float(encoder.scale()), shown=shown)

    def remarks(self, model: nn.Module) -> list[str]:
        """Whether captions were cut."""
        sentence = _dual_encoder(model).text.truncation.sentence()
        return [] if sentence is None else [sentence]

    def _keys(self, batch: Batch, device: torch.device) -> PairKeys:
        captions = batch.caption_keys
        if self.settings.same_caption == "first":
            captions = caption_keys([answers[0] if answers else "" for answers in batch.references])
        recordings = torch.from_numpy(batch.recording_keys)
        return PairKeys(recordings.to(device), torch.from_numpy(captions).to(device), same=self.settings.same)

    def _mixed(self, encoder: DualEncoder, batch: Batch) -> MixedBatch | None:
        if self.settings.mixing is None:
            return None
        device = encoder.log_scale.device
        waveforms, lengths = torch.from_numpy(batch.waveforms), torch.from_numpy(batch.lengths)
        return mix_batch(
            waveforms.to(device), lengths.to(device), self.settings.mixing, epoch=batch.epoch, step=batch.step
        )

    def _contrast(
        self, encoder: DualEncoder, audio: Tensor, text: Tensor, keys: PairKeys, teacher: Teacher | None
    ) -> Tensor:
        options: dict[str, Any] = {"keys": keys, "chunk": self.settings.chunk, "over_ranks": True}
        if self.settings.loss == "info_nce":
            return chunked_info_nce(audio, text, encoder.scale(), teacher=teacher, **options)
        if encoder.logit_bias is None:
            raise UsageError(
                "The sigmoid loss needs a bias.",
                where="model.temperature.bias",
                fix="model.temperature.bias=-10 training.objective.loss=sigmoid",
            )
        return chunked_sigmoid_loss(audio, text, encoder.scale(), encoder.logit_bias, **options)


def _retrieval(settings: RetrievalSettings, batches: BatchSettings, folder: Path) -> RetrievalObjective:
    if settings.teacher is None:
        return RetrievalObjective(settings, batches)
    teacher = open_teacher(settings.teacher, folder, batches.rate_hz)
    return RetrievalObjective(settings, batches, teacher if settings.teacher.weight > 0 else None)


# name of the settings → what makes the objective
OBJECTIVES: dict[str, Callable[[Any, BatchSettings, Path], Objective]] = {
    "retrieval": _retrieval,
    "captioning": open_captioning,
}

ObjectiveSettings: TypeAlias = Annotated[RetrievalSettings | CaptioningSettings, Field(discriminator="name")]


def build_objective(
    settings: RetrievalSettings | CaptioningSettings, batches: BatchSettings, folder: Path = Path()
) -> Objective:
    """The objective of a recipe's settings.

    Args:
        batches: how recordings are cut.
        folder: what paths in the settings are relative to.

    Raises:
        MissingDependency: a program that validations need is absent.
        UsageError: there is no such teacher.
    """
    return OBJECTIVES[settings.name](settings, batches, folder)


def _dual_encoder(model: nn.Module) -> DualEncoder:
    if not isinstance(model, DualEncoder):
        raise UsageError("Retrieval trains dual encoders.", expected="DualEncoder", found=type(model).__name__)
    return model


def _check_captions(batch: Batch) -> None:
    without = [
        name
        for name, answers in zip(batch.example_ids, batch.references, strict=True)
        if not answers or not all(map(str.strip, answers))
    ]
    if without:
        raise UsageError(
            "Some examples have no caption.",
            where=", ".join(without[:_SHOWN_IDS]),
            expected="one answer or more, none of them empty",
            cause="an entry whose task has no answers, such as a dialogue, or a dataset that was not checked",
            fix="take the entry out of the mixture, or quarantine the examples: audiolect check DATASET",
        )
