"""The captioner: a sound to words, in a style that its prefix names.

    model = build_captioner(settings, captions)                       # captions of the training split
    loss = model.loss(waveforms, lengths, prefixes, answers).loss     # prefixes such as "clotho > caption: "
    outputs = generate(model, waveforms, lengths, prefixes, GenerationSettings())      # models/generation.py
    save_captioner(model, folder); model = load_captioner(folder)

An encoder of ``encoders/table.py``, a linear bridge where the widths differ, and a decoder: Whisper's, or one of
transformers. The prefix is text that the decoder is given as its beginning; styles of any length stand in one batch.

Shapes: B batch, T samples, S positions of the encoder, L tokens, D width, V vocabulary.

Conventions: the loss is the mean over the tokens of answers and their ends, ``loss_on: all`` also over those of the
prefix. The decoder reads exactly one start. Training goes through ``forward``, as DDP and FSDP want it. The styles
that a model was trained with are saved with it. A folder of ``save_captioner`` holds ``model.yaml``,
``model.safetensors`` and ``parts/``, and nothing in it is code.

Public names: Captioner, CaptionLoss, build_captioner, save_captioner, load_captioner; and CaptionerSettings.
Source: Radford et al. 2022, arXiv 2212.04356; style prefixes: Kadlčík et al. 2023, arXiv 2305.09690.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from audiolect.config import parse_config
from audiolect.errors import UsageError, nearest_names
from audiolect.models.adapt import hold_frozen_norms
from audiolect.models.caption_bridge import CaptionBridge
from audiolect.models.captioner_audio import hear
from audiolect.models.captioner_parts import CaptionerParts, build_parts, save_parts
from audiolect.models.captioner_settings import CaptionerSettings, LoraSettings
from audiolect.models.encoder_output import EncoderOutput
from audiolect.models.lora import add_lora, merge_lora
from audiolect.models.model_folder import CARD_NAME, fill_weights, read_model_card, read_settings, write_model
from audiolect.models.pooling import mask_unless_full
from audiolect.models.text_tower import Truncation

__all__ = ["CaptionLoss", "Captioner", "CaptionerSettings", "build_captioner", "load_captioner", "save_captioner"]

_KIND, _VERSION = "captioner", 1
_NOT_LEARNED = -100


@dataclass(frozen=True, slots=True, eq=False)
class CaptionLoss:
    """What a training step takes."""

    loss: Tensor
    """(), the mean over the tokens that are learned, smoothed where the settings ask for it."""
    num_tokens: int
    """How many tokens that is."""
    num_right: Tensor
    """(), how many of them the model finds most likely."""


class Captioner(nn.Module):
    """The model. ``truncation`` counts captions that were cut to ``max_tokens``."""

    def __init__(self, settings: CaptionerSettings, parts: CaptionerParts, styles: Iterable[str] = ()) -> None:
        super().__init__()
        self.settings = settings
        self.encoder: Any = parts.encoder
        self.decoder: Any = parts.decoder
        self.tokenizer = parts.tokenizer
        self.styles: set[str] = set(styles)
        heard, read = int(self.encoder.embedding_size), int(self.decoder.width)
        self.bridge: nn.Module = nn.Identity() if heard == read else nn.Linear(heard, read)
        if settings.bridge is not None:
            self.bridge = CaptionBridge(heard, read, settings.bridge)
        self.max_tokens = min(settings.max_tokens, self.decoder.most_tokens - len(self.tokenizer.start) - 1)
        self.truncation = Truncation(self.max_tokens)

    def train(self, mode: bool = True) -> Captioner:
        """As of every module, but frozen batch normalisations stay in eval mode."""
        super().train(mode)
        hold_frozen_norms(self)
        return self

    @property
    def rate_hz(self) -> int:
        """The rate of the waveforms that it hears."""
        return int(self.encoder.rate_hz)

    def encode(self, waveforms: Tensor, lengths: Tensor) -> EncoderOutput:
        """Waveforms (B, T) float32 at ``rate_hz`` and lengths (B,) int64 in samples → what the decoder attends to.

        Raises:
            UsageError: a recording has no sample.
        """
        heard = hear(self.encoder, waveforms, lengths)
        has_places = isinstance(self.bridge, CaptionBridge)
        frames = self.bridge(heard.frames, heard.mask) if has_places else self.bridge(heard.frames)
        return EncoderOutput(heard.pooled, frames, heard.mask)

    def forward(
        self,
        waveforms: Tensor,
        lengths: Tensor,
        prefixes: Sequence[str],
        answers: Sequence[str],
        rows: Sequence[int] | None = None,
    ) -> CaptionLoss:
        """As ``loss``."""
        return self.loss(waveforms, lengths, prefixes, answers, rows)

    def loss(
        self,
        waveforms: Tensor,
        lengths: Tensor,
        prefixes: Sequence[str],
        answers: Sequence[str],
        rows: Sequence[int] | None = None,
    ) -> CaptionLoss:
        """The loss of a batch: cross-entropy of each next token.

        Args:
            waveforms: (B, T) float32 at ``rate_hz``.
            lengths: (B,) int64, in samples.
            prefixes: C texts such as ``clotho > caption: ``; they may differ, and be empty.
            answers: C captions.
            rows: C numbers, which recording each caption is of; None: C is B, and they stand in one order. A recording
                is heard once, however many captions it has.

        Raises:
            UsageError: an answer is empty, a recording has no sample, or the numbers differ.
        """
        num_rows = len(waveforms) if rows is None else len(rows)
        if len(waveforms) != len(lengths) or not num_rows == len(prefixes) == len(answers):
            raise UsageError(
                "A batch of a captioner has parts of different lengths.",
                found=f"{len(waveforms)} waveforms, {len(lengths)} lengths, {len(prefixes)} prefixes, "
                f"{len(answers)} answers" + ("" if rows is None else f", {len(rows)} rows"),
            )
        if self.training:
            self.styles.update(prefixes)
        ids, targets = self._targets(prefixes, answers)
        ids, targets = ids.to(waveforms.device), targets.to(waveforms.device)
        heard = self.encode(waveforms, lengths)
        frames, mask = heard.frames, self._mask(heard)
        if rows is not None:
            chosen = torch.tensor(rows, dtype=torch.int64, device=frames.device)
            frames, mask = frames[chosen], None if mask is None else mask[chosen]
        hidden = self.decoder(ids, frames, mask)
        # The output layer is as wide as the vocabulary: it is computed where something is learned, and nowhere else.
        learned = targets != _NOT_LEARNED
        logits, wanted = self.decoder.logits(hidden[learned]).float(), targets[learned]
        loss = cross_entropy(logits, wanted, label_smoothing=self.settings.label_smoothing)
        return CaptionLoss(loss, len(wanted), (logits.detach().argmax(dim=-1) == wanted).sum())

    def logits(self, heard: EncoderOutput, ids: Tensor) -> Tensor:
        """Token ids (B, L), padded behind → logits (B, L, V) of each next token."""
        found: Tensor = self.decoder.logits(self.decoder(ids, heard.frames, self._mask(heard)))
        return found

    def begin(self, heard: EncoderOutput, prefixes: Sequence[str], most_new: int) -> Any:
        """Read the prefixes: the decoder's state, with one row for each recording and room for ``most_new`` tokens."""
        ids = [self.tokenizer.prefix(prefix) for prefix in prefixes]
        return self.decoder.start(ids, heard.frames, self._mask(heard), max(map(len, ids)) + most_new)

    def advance(self, state: Any, tokens: Tensor) -> Tensor:
        """The next token of each row, (R,) int64 → logits (R, V) of the one after it."""
        self.decoder.step(state, tokens)
        found: Tensor = self.decoder.next_logits(state)
        return found

    def check_styles(self, prefixes: Iterable[str]) -> None:
        """Raises UsageError for a prefix that the model was not trained with; one without any memory takes all."""
        unknown = sorted(set(prefixes) - self.styles) if self.styles else []
        if unknown:
            near = nearest_names(unknown[0], self.styles)
            raise UsageError(
                "The model was not trained with this style.",
                where=repr(unknown[0]),
                expected=" or ".join(map(repr, sorted(self.styles))),
                fix=f"did you mean {near[0]!r}?" if near else "choose one of the styles",
            )

    def merge(self) -> None:
        """Add the updates of LoRA to the weights. Raises UsageError where there are none."""
        merge_lora(self)
        self.settings = self.settings.model_copy(update={"lora": None})

    def parts(self) -> CaptionerParts:
        """Its parts, for saving."""
        return CaptionerParts(self.encoder, self.decoder, self.tokenizer)

    def _mask(self, heard: EncoderOutput) -> Tensor | None:
        return mask_unless_full(heard.mask.sum(dim=1), heard.mask.shape[1])

    def _targets(self, prefixes: Sequence[str], answers: Sequence[str]) -> tuple[Tensor, Tensor]:
        """What the decoder reads and what it learns: (B, L) int64 each."""
        rows, wanted = [], []
        for prefix, answer in zip(prefixes, answers, strict=True):
            begin, text = self.tokenizer.prefix(prefix), self.tokenizer.answer(answer)
            room = self.max_tokens - (len(begin) - len(self.tokenizer.start))
            if room < 1:
                raise UsageError(
                    "A prefix leaves no room for a caption.",
                    where=repr(prefix),
                    expected=f"less than max_tokens, {self.max_tokens}",
                    found=f"{len(begin) - len(self.tokenizer.start)} tokens",
                )
            if len(text) > room:
                self.truncation.add(answer, len(text))
                text = text[:room]
            whole = [*begin, *text, self.tokenizer.end]
            first = len(begin) if self.settings.loss_on == "answer" else len(self.tokenizer.start)
            rows.append(whole[:-1])
            wanted.append([_NOT_LEARNED] * (first - 1) + whole[first:])
        longest = max(map(len, rows), default=1)
        pad = self.tokenizer.pad
        ids = [[*row, *[pad] * (longest - len(row))] for row in rows]
        targets = [[*row, *[_NOT_LEARNED] * (longest - len(row))] for row in wanted]
        return torch.tensor(ids).view(-1, longest), torch.tensor(targets).view(-1, longest)


def build_captioner(settings: CaptionerSettings, captions: Iterable[str] = ()) -> Captioner:
    """A model to be trained.

    Args:
        settings: of the section ``model``.
        captions: of the training split alone; read only where a tokenizer is made from them. A model that starts from a
            saved one takes over its tokenizer.

    Raises:
        DatasetError: captions are needed and there are none.
        UsageError: a part cannot be opened, or the saved model has other shapes.
        StorageError, UnknownVersion: there is no saved model at ``start``.
    """
    if settings.start is not None:
        return _filled(settings, Path(settings.start))
    model = Captioner(settings, build_parts(settings, captions))
    if settings.lora is not None:
        _begin_lora(model, settings.lora)
    return model


def save_captioner(model: Captioner, folder: str | Path) -> None:
    """Write ``model.yaml``, ``model.safetensors`` and ``parts/`` into a folder, each atomically."""
    folder = Path(folder)
    save_parts(model.parts(), folder / "parts")
    stored = {"settings": model.settings.model_dump(mode="json"), "styles": sorted(model.styles)}
    write_model(model, folder, _KIND, _VERSION, stored)


def load_captioner(folder: str | Path) -> Captioner:
    """A saved model, on the CPU and in eval mode.

    Raises:
        UnknownVersion: the folder's ``model.yaml`` is of another kind or version.
        ConfigError: its settings are not those of a captioner.
        StorageError, DamagedFile: a file is absent or damaged.
        UsageError: the weights are not those of the settings.
    """
    folder = Path(folder)
    settings = read_settings(read_model_card(folder, _KIND, _VERSION), CaptionerSettings, folder)
    return _filled(settings, folder).eval()


def _filled(settings: CaptionerSettings, folder: Path) -> Captioner:
    """A model with the parts and the weights of a saved one, whose LoRA goes on, is merged, or is begun."""
    card = read_model_card(folder, _KIND, _VERSION)
    model = Captioner(settings, build_parts(settings, (), folder / "parts"), card.get("styles") or ())
    stored = (card.get("settings") or {}).get("lora")
    saved = None if stored is None else parse_config(stored, LoraSettings, where=folder / CARD_NAME)
    if saved is not None:
        _begin_lora(model, settings.lora if settings.lora is not None else saved)
    fill_weights(model, folder)
    if saved is not None and settings.lora is None:
        merge_lora(model)
    if saved is None and settings.lora is not None:
        _begin_lora(model, settings.lora)
    return model


def _begin_lora(model: Captioner, lora: LoraSettings) -> None:
    """LoRA beside published weights; what has none, the bridge and an added cross-attention, trains as it is."""
    add_lora(model, lora)
    model.bridge.requires_grad_(True)
    for name, parameter in model.decoder.named_parameters():
        if getattr(model.decoder, "added_cross", False) and "cross" in name:
            parameter.requires_grad_(True)
