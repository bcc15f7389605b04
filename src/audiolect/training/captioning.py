"""The objective of captioners: the next word of what people have written, in the style of its dataset.

    objective: {name: captioning}
    objective: {name: captioning, styles: {clotho-AudioCaptioning: "clotho > caption: "}, generation: {method: beam}}
    objective: {name: captioning, keywords: {ontology: audioset/ontology.json}}     # labels become keyword captions
    objective: {name: captioning, spice_jars: ../data/spice}                        # validations have SPICE and SPIDEr

Conventions: a style belongs to a dataset and a task; it is made of the entry's key (``text/styles.py``) unless
``styles`` has it. Validations write: each recording is described in the style of its set, and the metrics are those of
captions (``caption_validation.py``). Over ranks the loss is the mean over all tokens of the global batch.

Public names: CaptioningSettings, KeywordSettings, CaptioningObjective, open_captioning, programs_of, style_of.
Source: Kadlčík et al. 2023, arXiv 2305.09690 (prefixes; keyword captions from labels).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.distributed as dist
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from audiolect.config import Config
from audiolect.errors import UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.mixture_settings import canonical_key
from audiolect.models.captioner import Captioner
from audiolect.models.generation import generate
from audiolect.models.generation_settings import GenerationSettings
from audiolect.models.masked_norm import needs_every_process
from audiolect.tasks import TASKS
from audiolect.text.keywords import Ontology, keyword_caption, load_ontology
from audiolect.text.styles import style_prefix
from audiolect.training.caption_metrics import METEOR_METRIC, SPICE_METRICS, CaptionPrograms, find_programs
from audiolect.training.caption_validation import METRICS, Written, WrittenCaption, measure_written
from audiolect.training.idle_shares import touch_all
from audiolect.training.validation import Validation

_SHOWN_IDS = 5
_LABEL_FAMILIES = ("labels", "label")
# metric → the key of a recipe that gives it
_ASKED_FOR = {
    **dict.fromkeys(SPICE_METRICS, "training.objective.spice_jars: FOLDER, made by `audiolect download spice FOLDER`"),
    METEOR_METRIC: "training.objective.meteor: true",
}


def _part(text: str) -> str:
    try:
        key = canonical_key(f"{text}/any")
    except UsageError as problem:
        raise ValueError(f"expected DATASET-Task, such as clotho-AudioCaptioning; found {text!r}") from problem
    return f"{key.dataset}-{key.task}"


class KeywordSettings(Config):
    """How labels become keyword captions."""

    ontology: str | None = Field(
        default=None,
        description="AudioSet's ontology.json, relative to the recipe: each label's parents are said before it; "
        "null: the labels alone.",
    )


class CaptioningSettings(Config):
    """The objective of captioners."""

    name: Literal["captioning"] = "captioning"
    styles: dict[Annotated[str, AfterValidator(_part)], str] = Field(
        default={}, description="DATASET-Task: the prefix of its answers; else it is made of the key."
    )
    keywords: KeywordSettings | None = Field(
        default=None, description="Tasks whose answers are labels are learned as keyword captions; null: refused."
    )
    captions_each: int = Field(
        default=1,
        ge=1,
        description="How many captions of a recording a step learns, at the most: the one that was drawn, and those "
        "that follow it among its captions. The recording is heard once for all of them.",
    )
    generation: GenerationSettings = Field(default=GenerationSettings(), description="How validations write.")
    spice_jars: str | None = Field(
        default=None,
        description="The folder of `audiolect download spice`, relative to the recipe: validations have spice and "
        "spider, by a Java; null: they have not.",
    )
    meteor: bool = Field(default=False, description="Validations have meteor, by a Java.")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What each validation set has."""
        return tuple(name for name in (*METRICS, *_ASKED_FOR) if name not in self.metrics_to_ask_for)

    @property
    def metrics_to_ask_for(self) -> dict[str, str]:
        """Metric that it could have → the key that gives it."""
        has = {METEOR_METRIC: self.meteor} | dict.fromkeys(SPICE_METRICS, self.spice_jars is not None)
        return {name: key for name, key in _ASKED_FOR.items() if not has[name]}


def style_of(key: str, settings: CaptioningSettings) -> str:
    """The prefix of the answers of ``DATASET-Task/split``.

    Raises:
        UsageError: a captioner does not learn answers of this task, or labels without ``keywords``.
    """
    parts = canonical_key(key)
    family = TASKS[parts.task].family
    if family in _LABEL_FAMILIES and settings.keywords is None:
        raise UsageError(
            "The answers of this task are labels, not captions.",
            where=key,
            fix="training.objective.keywords={} learns them as keyword captions",
        )
    return settings.styles.get(f"{parts.dataset}-{parts.task}") or style_prefix(parts.dataset, family)


@dataclass(frozen=True)
class CaptioningObjective:
    """Captions are made likely, given their recordings and styles."""

    settings: CaptioningSettings
    batches: BatchSettings
    folder: Path = Path()
    programs: CaptionPrograms | None = None
    metric: str = field(default="cider_d", init=False)
    goal: str = field(default="max", init=False)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The mean over the tokens of the global batch. Raises UsageError where an example has no caption."""
        captioner = _captioner(model)
        captioner.styles.update(style_of(key, self.settings) for key in batch.entry_keys)
        waveforms, lengths = _sound(captioner, batch)
        if not len(batch):
            return self._idle(captioner, waveforms, lengths)
        answers, references = self._texts(batch)
        styles = self._styles(batch)
        rows = None
        if self.settings.captions_each > 1:
            rows, answers = _several(answers, references, self.settings.captions_each)
            styles = [styles[row] for row in rows]
        found = captioner(waveforms, lengths, styles, answers, rows)
        values = {"token_accuracy": float(found.num_right) / max(1, found.num_tokens)}
        return found.loss * _share(found.num_tokens, waveforms.device), values

    def validate(self, model: nn.Module, batches: Iterable[Batch], *, shown: int) -> Validation:
        """Describe every recording and compare with its references."""
        captioner, written = _captioner(model), Written()
        for batch in batches:
            if not len(batch):
                continue
            waveforms, lengths = _sound(captioner, batch)
            styles, (answers, references) = self._styles(batch), self._texts(batch)
            found = captioner.loss(waveforms, lengths, styles, answers)
            texts = generate(captioner, waveforms, lengths, styles, self.settings.generation, batch.recording_ids)
            rows = [
                WrittenCaption(example, recording, style, best[0].text, told)
                for example, recording, style, best, told in zip(
                    batch.example_ids, batch.recording_ids, styles, texts, references, strict=True
                )
            ]
            written.add(rows, float(found.loss.detach()), found.num_tokens)
        return measure_written(written, shown=shown, programs=self.programs)

    def remarks(self, model: nn.Module) -> list[str]:
        """Whether captions were cut."""
        sentence = _captioner(model).truncation.sentence()
        return [] if sentence is None else [sentence]

    @cached_property
    def ontology(self) -> Ontology | None:
        """That of the settings, read once."""
        keywords = self.settings.keywords
        if keywords is None or keywords.ontology is None:
            return None
        return load_ontology(self.folder / keywords.ontology)

    def _idle(self, captioner: Captioner, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The part of a rank without examples in a step that the others take."""
        zero = touch_all(captioner)
        if needs_every_process(captioner.encoder):
            zero = zero + captioner.encode(waveforms, lengths).frames.sum() * 0.0
        _share(0, waveforms.device)
        return zero, {"token_accuracy": 0.0}

    def _styles(self, batch: Batch) -> list[str]:
        prefixes = [style_of(key, self.settings) for key in batch.entry_keys]
        return [prefixes[entry] for entry in batch.entry.tolist()]

    def _texts(self, batch: Batch) -> tuple[list[str], list[tuple[str, ...]]]:
        """What is learned of each example, and all that would be right."""
        are_labels = [TASKS[canonical_key(key).task].family in _LABEL_FAMILIES for key in batch.entry_keys]
        answers, references = list(batch.answers), list(batch.references)
        for i, entry in enumerate(batch.entry.tolist()):
            if are_labels[entry]:
                answers[i] = self._keywords(references[i])
                references[i] = (answers[i],)
        without = [name for name, answer in zip(batch.example_ids, answers, strict=True) if not answer.strip()]
        if without:
            raise UsageError(
                "Some examples have no caption.",
                where=", ".join(without[:_SHOWN_IDS]),
                expected="an answer with a word in it",
                cause="an entry whose task has no answers, or a dataset that was not checked",
                fix="take the entry out of the mixture, or quarantine the examples: audiolect check DATASET",
            )
        return answers, references

    def _keywords(self, labels: tuple[str, ...]) -> str:
        ontology = self.ontology
        if ontology is None:
            return ", ".join(dict.fromkeys(label.replace(",", " -").lower() for label in labels))
        ids = {node.name: node.id for node in ontology.nodes.values()}
        return keyword_caption([ids.get(label, label) for label in labels], ontology)


def open_captioning(settings: CaptioningSettings, batches: BatchSettings, folder: Path) -> CaptioningObjective:
    """The objective of a recipe in a folder, with the programs that its validations need.

    Raises:
        MissingDependency: a program is absent.
    """
    return CaptioningObjective(settings, batches, folder, programs_of(settings, folder))


def programs_of(settings: CaptioningSettings, folder: Path) -> CaptionPrograms | None:
    """The programs that validations need, None where they need none; raises MissingDependency where one is absent."""
    return find_programs(spice_jars=settings.spice_jars, meteor=settings.meteor, base=folder)


def _several(answers: list[str], references: list[tuple[str, ...]], most: int) -> tuple[list[int], list[str]]:
    """Which recording each caption is of, and the captions: the drawn one, and those that follow it in a circle."""
    rows, learned = [], []
    for row, (answer, captions) in enumerate(zip(answers, references, strict=True)):
        at = captions.index(answer) if answer in captions else len(captions)
        following = [caption for caption in (*captions[at + 1 :], *captions[:at]) if caption.strip()]
        around = [answer, *following][:most]
        rows += [row] * len(around)
        learned += around
    return rows, learned


def _captioner(model: nn.Module) -> Captioner:
    if not isinstance(model, Captioner):
        raise UsageError("Captioning trains captioners.", expected="Captioner", found=type(model).__name__)
    return model


def _sound(captioner: Captioner, batch: Batch) -> tuple[Tensor, Tensor]:
    """Whole recordings as they were read, windows or not: the captioner has windows of its own."""
    device = next(captioner.parameters()).device
    waveforms = torch.from_numpy(batch.waveforms).to(device, non_blocking=True)
    return waveforms, torch.from_numpy(batch.lengths).to(device)


def _share(num_tokens: int, device: torch.device) -> float:
    """What a rank's mean counts, so that the mean over ranks is the mean over all tokens."""
    if not (dist.is_available() and dist.is_initialized()):
        return 1.0
    total = torch.tensor(float(num_tokens), device=device)
    dist.all_reduce(total)
    return num_tokens * dist.get_world_size() / max(1.0, float(total))
