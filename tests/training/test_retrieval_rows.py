"""The rows of a batch: cut into parts, embedded at once or a part at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from audiolect.errors import UsageError
from audiolect.models.clap import DualEncoder
from audiolect.models.masked_norm import MaskedBatchNorm2d
from audiolect.training.model_kinds import kind_of
from audiolect.training.recipe import load_recipe
from audiolect.training.retrieval_rows import Rows, embed_frozen, embed_rows, embed_sound

MakeRecipe = Callable[..., Path]


def encoder(recipe: MakeRecipe) -> DualEncoder:
    settings = load_recipe(recipe()).model
    torch.manual_seed(0)
    model = kind_of(settings).build(settings, ["a low hum", "a high beep"])
    assert isinstance(model, DualEncoder)
    return model.eval()


def rows(size: int, windows: int = 0) -> Rows:
    draws = torch.Generator().manual_seed(4)
    texts = tuple(f"hum {place}" for place in range(size))
    if not windows:
        return Rows(torch.randn(size, 3000, generator=draws), torch.full((size,), 3000), texts)
    mask = torch.ones(size, windows, dtype=torch.bool)
    mask[0, 1:] = False
    return Rows(torch.randn(size, windows, 2000, generator=draws), torch.full((size, windows), 2000), texts, mask)


@pytest.mark.parametrize("windows", [0, 2])
@pytest.mark.parametrize(("size", "lengths"), [(2, [2, 2, 1]), (5, [5]), (9, [5]), (1, [1] * 5)])
def test_parts_are_the_rows_in_order(size: int, lengths: list[int], windows: int) -> None:
    whole = rows(5, windows)
    parts = whole.parts(size)
    assert [len(part) for part in parts] == lengths
    assert torch.equal(torch.cat([part.sound for part in parts]), whole.sound)
    assert torch.equal(torch.cat([part.lengths for part in parts]), whole.lengths)
    assert tuple(text for part in parts for text in part.texts) == whole.texts
    if whole.mask is not None:
        assert torch.equal(torch.cat([part.mask for part in parts if part.mask is not None]), whole.mask)


def test_no_rows_are_one_part_without_any() -> None:
    assert [len(part) for part in rows(0).parts(3)] == [0]


@pytest.mark.parametrize("windows", [0, 2])
def test_parts_give_the_embeddings_of_all(recipe: MakeRecipe, windows: int) -> None:
    model, whole = encoder(recipe), rows(5, windows)
    audio, text = embed_rows(model, whole)
    torch.testing.assert_close(audio, embed_sound(model, whole))
    torch.testing.assert_close(text, model.embed_texts(whole.texts))
    for found in (embed_rows(model, whole, micro_batch=2), embed_frozen(model, whole, micro_batch=2)):
        torch.testing.assert_close(found[0], audio)
        torch.testing.assert_close(found[1], text)
    assert not embed_frozen(model, whole)[0].requires_grad


def test_frozen_embeddings_of_nothing(recipe: MakeRecipe) -> None:
    audio, text = embed_frozen(encoder(recipe), rows(0), micro_batch=2)
    assert audio.shape == text.shape == (0, 8)


def test_a_text_that_is_cut_is_counted_once(recipe: MakeRecipe) -> None:
    model, whole = encoder(recipe), rows(3)
    long = Rows(whole.sound, whole.lengths, ("hum " * 500, *whole.texts[1:]))
    audio, text = embed_rows(model, long, micro_batch=1)
    (audio * text).sum().backward()
    assert model.text.truncation.num_texts == 1


def test_norms_over_processes_are_refused(recipe: MakeRecipe) -> None:
    model = encoder(recipe).train()
    for module in model.modules():
        if isinstance(module, MaskedBatchNorm2d):
            module.synchronised = True
    with pytest.raises(UsageError, match=r"(?s)over several processes.*micro_batch: null"):
        embed_rows(model, rows(3), micro_batch=2, allow_batch_norm=True)
    assert len(embed_rows(model.eval(), rows(3), micro_batch=2)[0]) == 3
