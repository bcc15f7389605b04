"""The objective of retrieval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from audiolect.errors import UsageError
from audiolect.loader.batch import Batch
from audiolect.loader.batch_settings import BatchSettings
from audiolect.models.clap import DualEncoder
from audiolect.training.idle_shares import touch_all
from audiolect.training.losses import info_nce, non_negatives
from audiolect.training.mixing import MixingSettings, mix_batch
from audiolect.training.model_kinds import kind_of
from audiolect.training.objectives import OBJECTIVES, RetrievalObjective, RetrievalSettings, build_objective
from audiolect.training.recipe import load_recipe
from audiolect.training.teachers import FrozenTeacher


def made(recipe: Callable[..., Path], **changes: object) -> DualEncoder:
    settings = load_recipe(recipe(**changes)).model
    torch.manual_seed(0)
    model = kind_of(settings).build(settings, ["a low hum", "a high beep"])
    assert isinstance(model, DualEncoder)
    return model.eval()


def batch(size: int = 3, windows: int | None = None, captions: tuple[str, ...] | None = None) -> Batch:
    draws = np.random.default_rng(0)
    texts = captions or tuple(f"hum {i}" for i in range(size))
    waveforms = draws.standard_normal((size, 4000)).astype(np.float32)
    cut = None if windows is None else np.stack([waveforms[:, i * 1000 : i * 1000 + 2000] for i in range(windows)], 1)
    keys = np.arange(size, dtype=np.int64)
    return Batch(
        epoch=0, step=0, position=size, num_global=size, rate_hz=16000, entry_keys=("tones",),
        entry=np.zeros(size, np.int32), pass_index=np.zeros(size, np.int64),
        example_ids=tuple(f"e{i}" for i in range(size)), recording_ids=tuple(f"r{i}" for i in range(size)),
        waveforms=waveforms, lengths=np.full(size, 4000), starts=np.zeros(size, np.int64),
        num_samples=np.full(size, 4000), windows=cut,
        window_mask=None if windows is None else np.ones((size, windows), bool), prompts=("",) * size, answers=texts,
        answer_index=np.zeros(size, np.int64), references=tuple((text,) if text else () for text in texts),
        options=((),) * size, turns=((),) * size, recording_keys=keys, caption_keys=keys + 9,
    )  # fmt: skip


def test_it_is_info_nce_of_the_model(recipe: Callable[..., Path]) -> None:
    model, given = made(recipe), batch()
    loss, values = build_objective(RetrievalSettings(), BatchSettings()).loss(model, given)
    audio = model.embed_audio(torch.from_numpy(given.waveforms), torch.from_numpy(given.lengths))
    keys = (torch.from_numpy(given.recording_keys), torch.from_numpy(given.caption_keys))
    expected = info_nce(audio, model.embed_texts(given.answers), model.scale(), non_negatives=non_negatives(*keys))
    torch.testing.assert_close(loss, expected)
    assert values == {"temperature": pytest.approx(0.07)}


def test_windows_are_heard_by_their_valid_samples(recipe: Callable[..., Path]) -> None:
    model, given = made(recipe), batch(windows=3)
    settings = BatchSettings(rate_hz=16000, policy="windows", window_seconds=0.125, window_overlap_seconds=0.0625)
    loss, _ = build_objective(RetrievalSettings(), settings).loss(model, given)
    windows, mask = torch.from_numpy(given.windows), torch.from_numpy(given.window_mask)  # type: ignore[arg-type]
    audio = model.embed_windows(windows, mask, torch.full((3, 3), 2000))
    expected = info_nce(audio, model.embed_texts(given.answers), model.scale())
    torch.testing.assert_close(loss, expected)


def test_an_empty_share_has_a_gradient_of_zeros(recipe: Callable[..., Path]) -> None:
    model = made(recipe).train()
    loss, _ = build_objective(RetrievalSettings(), BatchSettings()).loss(model, batch(0))
    loss.backward()
    gradients = [p.grad for p in model.parameters()]
    assert len(gradients) > 20
    assert all(grad is not None and not grad.any() for grad in gradients)


def test_the_sigmoid_loss_needs_a_bias(recipe: Callable[..., Path]) -> None:
    objective = build_objective(RetrievalSettings(loss="sigmoid"), BatchSettings())
    with pytest.raises(UsageError, match=r"(?s)needs a bias.*model\.temperature\.bias=-10"):
        objective.loss(made(recipe), batch())
    model = made(recipe, **{"model.temperature": {"bias": -10.0}})
    loss, _ = objective.loss(model, batch())
    loss.backward()
    assert model.logit_bias is not None
    assert model.logit_bias.grad is not None


def test_examples_without_captions_are_named(recipe: Callable[..., Path]) -> None:
    objective = build_objective(RetrievalSettings(), BatchSettings())
    with pytest.raises(UsageError, match=r"(?s)no caption.*e1"):
        objective.loss(made(recipe), batch(captions=("hum", "", "tone")))


def test_other_models_are_refused() -> None:
    with pytest.raises(UsageError, match="trains dual encoders"):
        build_objective(RetrievalSettings(), BatchSettings()).loss(nn.Linear(1, 1), batch())
    assert set(OBJECTIVES) == {"retrieval", "captioning"}


def test_cut_captions_are_remarked(recipe: Callable[..., Path]) -> None:
    objective, model = build_objective(RetrievalSettings(), BatchSettings()), made(recipe)
    assert objective.remarks(model) == []
    model.embed_texts(["hum " * 500])
    assert len(objective.remarks(model)) == 1


def test_touching_all_leaves_frozen_parts_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    touch_all(model).backward()
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None


def test_the_first_reference_tells_what_is_the_same(recipe: Callable[..., Path]) -> None:
    captions = ("rex", "a hum.", "fido")
    given = replace(batch(captions=captions), references=(("A hum.", "rex"), ("a hum.",), ("A beep.", "fido")))
    settings = RetrievalSettings(same="positive", same_caption="first")
    model = made(recipe)
    loss, _ = build_objective(settings, BatchSettings()).loss(model, given)
    audio = model.embed_audio(torch.from_numpy(given.waveforms), torch.from_numpy(given.lengths))
    same = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    torch.testing.assert_close(loss, info_nce(audio, model.embed_texts(captions), model.scale(), positives=same))


@pytest.mark.parametrize("same", ["left_out", "positive", "negative"])
def test_mixed_recordings_aim_at_both_texts(recipe: Callable[..., Path], same: str) -> None:
    mixing = MixingSettings(probability=1.0)
    settings = RetrievalSettings.model_validate({"same": same, "mixing": mixing})
    model, given = made(recipe), batch(5)
    loss, _ = build_objective(settings, BatchSettings()).loss(model, given)
    waveforms, lengths = torch.from_numpy(given.waveforms), torch.from_numpy(given.lengths)
    mixed = mix_batch(waveforms, lengths, mixing, epoch=0, step=0)
    assert mixed is not None
    audio, text = model.embed_audio(mixed.waveforms, mixed.lengths), model.embed_texts(given.answers)
    logits = model.scale() * audio @ text.T
    targets = mixed.share * torch.eye(5) + (1 - mixed.share) * torch.eye(5)[mixed.order]
    both = [-(t * x.log_softmax(1)).sum(1).mean() for t, x in ((targets, logits), (targets.T, logits.T))]
    torch.testing.assert_close(loss, sum(both) / 2)


def test_an_empty_share_of_a_mixed_batch_has_a_gradient(recipe: Callable[..., Path]) -> None:
    model = made(recipe).train()
    settings = RetrievalSettings(mixing=MixingSettings(probability=1.0))
    loss, _ = build_objective(settings, BatchSettings()).loss(model, batch(0))
    loss.backward()
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


def learned(
    model: DualEncoder, given: Batch, settings: RetrievalSettings, batches: BatchSettings | None = None
) -> tuple[float, dict[str, torch.Tensor]]:
    """The loss and the gradients."""
    model.zero_grad()
    loss, _ = build_objective(settings, batches or BatchSettings()).loss(model, given)
    loss.backward()
    return loss.item(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("micro_batch", [1, 2, 5, 8])
@pytest.mark.parametrize("settings", [{}, {"same": "positive"}, {"mixing": {"probability": 1.0}}])
def test_micro_batches_are_the_whole_batch(
    recipe: Callable[..., Path], micro_batch: int, settings: dict[str, object]
) -> None:
    model, given = made(recipe), batch(5, captions=("hum", "hum", "beep", "ring", "ping"))
    loss, expected = learned(model, given, RetrievalSettings.model_validate(settings))
    found, gradients = learned(model, given, RetrievalSettings.model_validate({**settings, "micro_batch": micro_batch}))
    assert found == pytest.approx(loss, rel=1e-5)
    assert gradients.keys() == expected.keys()
    assert len(gradients) > 20
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=2e-5 * largest, msg=name)


def test_micro_batches_of_windows(recipe: Callable[..., Path]) -> None:
    model, given = made(recipe), batch(4, windows=3)
    cut = BatchSettings(rate_hz=16000, policy="windows", window_seconds=0.125, window_overlap_seconds=0.0625)
    loss, expected = learned(model, given, RetrievalSettings(), cut)
    found, gradients = learned(model, given, RetrievalSettings(micro_batch=3), cut)
    assert found == pytest.approx(loss, rel=1e-5)
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=2e-5 * largest, msg=name)


def test_micro_batches_refuse_batch_normalisation_that_trains(recipe: Callable[..., Path]) -> None:
    model = made(recipe).train()
    with pytest.raises(UsageError, match=r"(?s)mixes the rows.*allow_batch_norm"):
        learned(model, batch(5), RetrievalSettings(micro_batch=2))
    loss, gradients = learned(model, batch(5), RetrievalSettings(micro_batch=2, allow_batch_norm=True))
    assert loss > 0
    assert all(bool(gradient.isfinite().all()) for gradient in gradients.values())


def taught(model: DualEncoder, given: Batch, teacher: DualEncoder, **settings: object) -> torch.Tensor:
    """The loss with a teacher at temperature 0.05 of weight 0.7."""
    chosen = RetrievalSettings.model_validate(settings)
    loss, _ = RetrievalObjective(chosen, BatchSettings(), FrozenTeacher(teacher, 0.05, 0.7)).loss(model, given)
    return loss


def test_a_teacher_is_part_of_the_targets(recipe: Callable[..., Path]) -> None:
    model, given = made(recipe), batch(5)
    torch.manual_seed(1)
    teacher = kind_of(model.settings).build(model.settings, ["a low hum", "a high beep"])
    assert isinstance(teacher, DualEncoder)
    teacher.eval()
    waveforms, lengths = torch.from_numpy(given.waveforms), torch.from_numpy(given.lengths)
    with torch.no_grad():
        soft = teacher.embed_audio(waveforms, lengths) @ teacher.embed_texts(given.answers).T / 0.05
    ours = (model.embed_audio(waveforms, lengths), model.embed_texts(given.answers), model.scale())
    expected = info_nce(*ours, soft_targets=soft, soft_weight=0.7)
    assert not torch.isclose(expected, info_nce(*ours))
    torch.testing.assert_close(taught(model, given, teacher), expected)
    torch.testing.assert_close(taught(model, given, teacher, micro_batch=2), expected)
    assert all(p.grad is None for p in teacher.parameters())


def test_a_teacher_hears_what_is_mixed(recipe: Callable[..., Path]) -> None:
    """A model that is its own teacher, at its own temperature, has nothing to learn from it."""
    model, given = made(recipe), batch(5)
    settings = RetrievalSettings(mixing=MixingSettings(probability=1.0))
    whole = RetrievalObjective(settings, BatchSettings(), FrozenTeacher(model, 0.07, 1.0))
    loss, _ = whole.loss(model, given)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-4


def test_a_teacher_of_the_sigmoid_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="teacher goes with loss: info_nce"):
        RetrievalSettings.model_validate({"loss": "sigmoid", "teacher": {"run": "runs/large"}})


def test_an_empty_share_with_a_teacher_has_a_gradient(recipe: Callable[..., Path]) -> None:
    loss = taught(made(recipe), batch(0), made(recipe))
    loss.backward()
    assert loss.item() == 0.0
