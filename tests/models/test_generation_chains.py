"""Texts that grow by one token: by hand on a toy model whose next token depends on the last alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audiolect.models.generation_chains import write_contrastive, write_greedy, write_samples
from audiolect.models.generation_settings import GenerationSettings

END, SIZE = 0, 6


class ToyState:
    """The last token of each row, as a vector of the table."""

    def __init__(self, model: ToyModel, prefixes: list[list[int]]) -> None:
        self.model = model
        self.hidden = model.table[torch.tensor([row[-1] for row in prefixes])]
        self.read = nn.utils.rnn.pad_sequence([model.table[torch.tensor(row)] for row in prefixes], batch_first=True)
        self.each = 1

    def expand(self, rows_each: int) -> None:
        self.hidden, self.each = self.hidden.repeat_interleave(rows_each, 0), rows_each

    def reorder(self, rows: Tensor) -> None:
        """Nothing is remembered."""

    def keep(self, recordings: Tensor) -> None:
        rows = (recordings[:, None] * self.each + torch.arange(self.each)).flatten()
        self.hidden = self.hidden[rows]


class ToyModel:
    """Logits of the next token: the row of the last one. It has what the functions take of a Captioner."""

    def __init__(self) -> None:
        self.table = 2 * torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(4))
        self.decoder: Any = self
        self.tokenizer: Any = type("Words", (), {"end": END})

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden

    def advance(self, state: ToyState, tokens: Tensor) -> Tensor:
        state.hidden = self.table[tokens]
        return state.hidden

    def begin(self, prefixes: list[list[int]]) -> ToyState:
        return ToyState(self, prefixes)


MODEL = ToyModel()
PREFIXES = [[1, 2], [3], [5, 4, 1], [2]]
CHANCES = MODEL.table.log_softmax(dim=1)


def test_greedy_by_hand() -> None:
    found = write_greedy(MODEL, MODEL.begin(PREFIXES), PREFIXES, GenerationSettings(max_tokens=9))
    for prefix, captions in zip(PREFIXES, found, strict=True):
        ids, score, last = [], 0.0, prefix[-1]
        while (len(ids) < 9 and last != END) or not ids:
            ids.append(int(MODEL.table[last].argmax()))
            score += float(CHANCES[last, ids[-1]])
            last = ids[-1]
        assert captions[0][0] == ids
        assert captions[0][1] == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.6}, {"top_k": 4, "top_p": 0.8}]
)
def test_draws_have_the_chances_of_the_formula(options: dict[str, Any]) -> None:
    number = 4000
    settings = GenerationSettings(method="sample", max_tokens=1, **options)
    prefixes = [[3]] * number
    found = write_samples(MODEL, MODEL.begin(prefixes), prefixes, settings, list(range(number)))
    counts = Counter(captions[0][0][0] for captions in found)
    chances = (MODEL.table[3] / options.get("temperature", 1.0)).softmax(dim=0).numpy().astype(float)
    order = np.argsort(-chances)
    kept = order[: options.get("top_k", SIZE)]
    shares = chances[kept] / chances[kept].sum()
    inside = np.cumsum(shares) - shares < options.get("top_p", 1.0)
    expected = dict(zip(kept[inside].tolist(), (shares[inside] / shares[inside].sum()).tolist(), strict=True))
    assert set(counts) <= set(expected)
    for token, share in expected.items():
        # four standard deviations
        assert abs(counts[token] / number - share) < 4 * (share * (1 - share) / number) ** 0.5 + 1e-9


def test_samples_are_sorted_and_their_scores_are_the_models_own() -> None:
    settings = GenerationSettings(method="sample", num_outputs=5, max_tokens=6, temperature=3.0)
    found = write_samples(MODEL, MODEL.begin(PREFIXES), PREFIXES, settings, [1, 2, 3, 4])
    for prefix, captions in zip(PREFIXES, found, strict=True):
        assert len(captions) == 5
        assert [score for _, score in captions] == sorted((score for _, score in captions), reverse=True)
        for ids, score in captions:
            steps = zip([prefix[-1], *ids], ids, strict=False)
            assert score == pytest.approx(sum(float(CHANCES[last, token]) for last, token in steps), abs=1e-4)
    assert write_samples(MODEL, MODEL.begin(PREFIXES), PREFIXES, settings, [1, 2, 3, 4]) == found


def test_contrastive_by_hand() -> None:
    settings = GenerationSettings(method="contrastive", max_tokens=7, top_k=3, penalty_alpha=0.6)
    found = write_contrastive(MODEL, MODEL.begin(PREFIXES), PREFIXES, settings)
    unit = nn.functional.normalize(MODEL.table, dim=1)
    for prefix, captions in zip(PREFIXES, found, strict=True):
        before, ids = list(prefix), []
        while len(ids) < 7 and not (ids and ids[-1] == END):
            chances = MODEL.table[before[-1]].softmax(dim=0)
            ranked = [
                (0.4 * float(chances[token]) - 0.6 * max(float(unit[token] @ unit[old]) for old in before), token)
                for token in chances.topk(3).indices.tolist()
            ]
            ids.append(max(ranked)[1])
            before.append(ids[-1])
        assert captions[0][0] == ids


def test_no_recordings_have_no_captions() -> None:
    settings = GenerationSettings(method="sample")
    assert write_samples(MODEL, MODEL.begin([[1]]), [[1]], settings, [0])[0][0][0]
