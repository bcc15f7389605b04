"""The objective of captioners: its loss, its styles, its keyword captions, and what its validation writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from audiolect.errors import ConfigError, UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.models.captioner import Captioner
from audiolect.training.captioning import CaptioningObjective, CaptioningSettings, KeywordSettings, style_of
from audiolect.training.model_kinds import kind_of
from audiolect.training.recipe import load_recipe
from audiolect.training.training_data import open_training_data

MODEL = {
    "name": "captioner",
    "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}, "spec_augment": None, "dropout": 0.0},
    "decoder": {"name": "transformer", "width": 16, "layers": 1, "heads": 2, "vocabulary": 300},
    "dropout": 0.0,
}
CAPTION, TAGS = "tones-AudioCaptioning/train", "tones-EventTagging/train"
ONTOLOGY = [
    {"id": "/m/1", "name": "Animal", "child_ids": ["/m/2"]},
    {"id": "/m/2", "name": "Dog, big", "child_ids": []},
]


def made(recipe: Callable[..., Path], **changes: Any) -> Captioner:
    settings = load_recipe(recipe(model=MODEL | changes)).model
    torch.manual_seed(0)
    model = kind_of(settings).build(settings, ["a low hum", "a high beep"])
    assert isinstance(model, Captioner)
    return model


def batch(texts: tuple[str, ...] = ("a low hum", "beep"), keys: tuple[str, ...] = (CAPTION,)) -> Batch:
    size, draws = len(texts), np.random.default_rng(0)
    waveforms = draws.standard_normal((size, 4000)).astype(np.float32)
    marks = np.arange(size, dtype=np.int64)
    return Batch(
        epoch=0, step=0, position=size, num_global=size, rate_hz=16000, entry_keys=keys,
        entry=np.zeros(size, np.int32), pass_index=marks, example_ids=tuple(f"e{i}" for i in range(size)),
        recording_ids=tuple(f"r{i}" for i in range(size)), waveforms=waveforms, lengths=np.full(size, 4000),
        starts=marks, num_samples=np.full(size, 4000), windows=None, window_mask=None, prompts=("",) * size,
        answers=texts, answer_index=marks * 0, references=tuple((text, "another") for text in texts),
        options=((),) * size, turns=((),) * size, recording_keys=marks, caption_keys=marks,
    )  # fmt: skip


def objective(folder: Path = Path(), **settings: Any) -> CaptioningObjective:
    return CaptioningObjective(CaptioningSettings(**settings), BatchSettings(), folder)


def test_it_is_the_loss_of_the_model_with_the_style_of_the_entry(recipe: Callable[..., Path]) -> None:
    model, given = made(recipe), batch()
    loss, values = objective().loss(model, given)
    sound = torch.from_numpy(given.waveforms), torch.from_numpy(given.lengths)
    expected = model.loss(*sound, ["tones > caption: "] * 2, given.answers)
    torch.testing.assert_close(loss, expected.loss)
    assert values == {"token_accuracy": pytest.approx(float(expected.num_right) / expected.num_tokens)}
    assert model.styles == {"tones > caption: "}


def test_each_row_has_the_style_of_its_own_entry(recipe: Callable[..., Path]) -> None:
    model, given = made(recipe), replace(batch(keys=(CAPTION, TAGS)), entry=np.array([1, 0], np.int32))
    seen: list[Any] = []
    model.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[2:]))
    objective(keywords=KeywordSettings()).loss(model, given)
    assert seen == [(["tones > keywords: ", "tones > caption: "], ["a low hum, another", "beep"], None)]


@pytest.mark.parametrize(
    ("most", "rows", "learned"),
    [
        (2, [0, 0, 1, 1, 2], ["b", "c", "c", "a", "other"]),
        (3, [0, 0, 0, 1, 1, 1, 2], ["b", "c", "a", "c", "a", "b", "other"]),
        (9, [0, 0, 0, 1, 1, 1, 2], ["b", "c", "a", "c", "a", "b", "other"]),
    ],
)
def test_several_captions_of_a_recording_are_learned_in_a_circle(
    recipe: Callable[..., Path], most: int, rows: list[int], learned: list[str]
) -> None:
    """As if the recording were in the batch so many times; of one that has a single caption, that one."""
    model = made(recipe).eval()  # in training, statistics of batch normalisations would count the copies
    given = replace(batch(("b", "c", "other")), references=(("a", "b", "c"), ("a", "b", "c", " "), ("other",)))
    seen: list[Any] = []
    hook = model.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[2:]))
    loss, _ = objective(captions_each=most).loss(model, given)
    hook.remove()
    assert seen == [(["tones > caption: "] * len(rows), learned, rows)]
    sound = torch.from_numpy(given.waveforms)[rows], torch.from_numpy(given.lengths)[rows]
    torch.testing.assert_close(loss, model.loss(*sound, ["tones > caption: "] * len(rows), learned).loss)


def test_an_empty_share_has_a_gradient_of_zeros(recipe: Callable[..., Path]) -> None:
    model = made(recipe).train()
    loss, _ = objective().loss(model, batch(()))
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    assert len(gradients) > 20
    assert all(grad is not None and not grad.any() for grad in gradients)


def test_styles_are_made_of_keys_unless_they_are_given() -> None:
    settings = CaptioningSettings(styles={"tones-AudioCaptioning": "tones: "}, keywords=KeywordSettings())
    assert style_of(CAPTION, settings) == "tones: "
    assert style_of("Clotho-AudioCaptioning/val", settings) == "clotho > caption: "
    assert style_of(TAGS, settings) == "tones > keywords: "


def test_labels_and_questions_are_refused_where_nobody_asks_for_keywords() -> None:
    with pytest.raises(UsageError, match="labels, not captions"):
        style_of(TAGS, CaptioningSettings())
    with pytest.raises(UsageError, match="captions and keywords"):
        style_of("tones-AQA/train", CaptioningSettings())


def test_labels_become_keyword_captions_of_an_ontology(tmp_path: Path) -> None:
    (tmp_path / "ontology.json").write_text(json.dumps(ONTOLOGY), "utf-8")
    given = replace(batch(keys=(TAGS,)), references=(("Dog, big",), ("/m/1",)))
    answers, references = objective(tmp_path, keywords={"ontology": "ontology.json"})._texts(given)
    assert answers == ["animal, dog - big", "animal"]
    assert references == [("animal, dog - big",), ("animal",)]


def test_validation_writes_in_the_style_and_measures(recipe: Callable[..., Path]) -> None:
    model = made(recipe)
    target = objective(generation={"max_tokens": 4})
    target.loss(model.train(), batch())
    found = target.validate(model.eval(), [batch()], shown=2)
    assert found.num_examples == 2
    assert {"cider_d", "bleu_4", "rouge_l", "loss"} <= set(found.metrics)
    assert [row["style"] for row in found.shown] == ["tones > caption: "] * 2
    assert found.shown[0]["references"] == ["a low hum", "another"]


def test_examples_without_captions_are_named(recipe: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"no caption(.|\n)*e1"):
        objective().loss(made(recipe), batch(("a hum", " ")))


def test_other_models_are_refused() -> None:
    with pytest.raises(UsageError, match="trains captioners"):
        objective().loss(nn.Linear(1, 1), batch())


def test_a_recipe_of_a_captioner_is_trained_by_captioning(recipe: Callable[..., Path]) -> None:
    assert load_recipe(recipe(model=MODEL)).training.objective.name == "captioning"
    with pytest.raises(ConfigError, match="a captioner is trained by captioning, not by retrieval"):
        load_recipe(recipe(model=MODEL, **{"training.objective": {"name": "retrieval"}}))


def test_a_validation_in_a_style_that_is_not_trained_is_refused(recipe: Callable[..., Path]) -> None:
    path = recipe(model=MODEL, **{"evaluation.validation": ["tones-AudioKeywords/val"]})
    with pytest.raises(ConfigError, match="'tones > keywords: ', which is not trained"):
        load_recipe(path)


def heard(path: Path, epochs: int) -> dict[str, tuple[set[str], float]]:
    """Example → the captions that were drawn for it, and the greatest sample that was heard."""
    data = open_training_data(load_recipe(path), path.parent, where=path)
    found: dict[str, tuple[set[str], float]] = {}
    for epoch in range(epochs):
        with data.batches().epoch(epoch) as stream:
            for each in stream:
                for name, answer, wave in zip(each.example_ids, each.answers, each.waveforms, strict=True):
                    texts, most = found.get(name, (set(), 0.0))
                    found[name] = (texts | {answer}, max(most, float(np.abs(wave).max())))
    return found


def test_captions_are_drawn_in_each_pass_and_sounds_augmented_by_chance(recipe: Callable[..., Path]) -> None:
    plain = {"mixture.epochs": 6, "training.batches.policy": "pad"}
    entries = {CAPTION: {"augmentations": {"gain": {"probability": 0.5, "gain_db": [-30.0, -20.0]}}}}
    usual = heard(recipe(model=MODEL, **plain), 6)
    assert len(usual) == 24
    assert {len(texts) for texts, _ in usual.values()} == {2}  # six draws of two captions each
    louder = heard(recipe(model=MODEL, **plain, **{"mixture.entries": entries}), 1)
    quiet = [name for name, (_, most) in louder.items() if most < 0.2 * usual[name][1]]
    assert 3 < len(quiet) < 21
