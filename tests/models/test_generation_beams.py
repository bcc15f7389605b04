"""Beam search: against all texts there are, and diverse beams against the search written out."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from audiolect.models.generation_beams import write_beams
from audiolect.models.generation_settings import GenerationSettings

END, SIZE = 0, 5
TABLE = 1.5 * torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(2))
CHANCES = TABLE.log_softmax(dim=1)
PREFIXES = [[1, 2], [3], [4, 1], [2]]


class Toy:
    """A model and its state at once: the next token depends on the last alone."""

    def __init__(self, prefixes: list[list[int]]) -> None:
        self.hidden = TABLE[torch.tensor([row[-1] for row in prefixes])]
        self.each = 1
        self.decoder: Any = self
        self.tokenizer: Any = type("Words", (), {"end": END})

    def expand(self, rows_each: int) -> None:
        self.hidden, self.each = self.hidden.repeat_interleave(rows_each, 0), rows_each

    def reorder(self, rows: Tensor) -> None:
        """Nothing is remembered."""

    def keep(self, recordings: Tensor) -> None:
        self.hidden = self.hidden[(recordings[:, None] * self.each + torch.arange(self.each)).flatten()]

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden

    def advance(self, _state: Any, tokens: Tensor) -> Tensor:
        self.hidden = TABLE[tokens]
        return self.hidden


def written(**options: Any) -> list[list[tuple[list[int], float]]]:
    toy = Toy(PREFIXES)
    return write_beams(toy, toy, PREFIXES, GenerationSettings(**{"method": "beam", "max_tokens": 4, **options}))


def score(prefix: list[int], ids: tuple[int, ...]) -> float:
    return sum(float(CHANCES[last, token]) for last, token in zip((prefix[-1], *ids), ids, strict=False))


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_with_enough_beams_the_best_of_all_texts_are_found(penalty: float) -> None:
    found = written(num_beams=150, num_outputs=5, length_penalty=penalty)
    going = range(1, SIZE)
    texts = [(*ids, END) for length in range(4) for ids in itertools.product(going, repeat=length)]
    texts += list(itertools.product(going, repeat=4))
    for prefix, captions in zip(PREFIXES, found, strict=True):
        ranked = sorted(((score(prefix, ids) / len(ids) ** penalty, ids) for ids in texts), reverse=True)
        assert [tuple(ids) for ids, _ in captions] == [ids for _, ids in ranked[:5]]
        assert [one for _, one in captions] == pytest.approx([one for one, _ in ranked[:5]], abs=1e-5)


def slow_diverse(prefix: list[int], beams: int, groups: int, strength: float, most: int) -> list[tuple[int, ...]]:
    """The search as its paper has it, with length penalty 0, for one recording."""
    size = beams // groups
    running: list[list[tuple[float, tuple[int, ...]]]] = [[(0.0, ())] for _ in range(groups)]
    finished: list[list[tuple[float, tuple[int, ...]]]] = [[] for _ in range(groups)]
    done = [False] * groups
    for step in range(most):
        taken: list[int] = []
        for group in range(groups):
            candidates = []
            for total, ids in running[group]:
                last = (*prefix, *ids)[-1]
                for token in range(SIZE):
                    own = float(CHANCES[last, token]) - strength * taken.count(token)
                    candidates.append((total + own, (*ids, token)))
            candidates = sorted(candidates, reverse=True)[: 2 * size]
            ended = [one for one in candidates[:size] if one[1][-1] == END or step == most - 1]
            running[group] = [one for one in candidates if one[1][-1] != END][:size]
            taken += [ids[-1] for _, ids in running[group]]
            if not done[group]:
                finished[group] = sorted([*finished[group], *ended], reverse=True)[:size]
            full = len(finished[group]) == size
            done[group] = done[group] or (full and running[group][0][0] <= finished[group][-1][0])
        if all(done):
            break
    return [ids for _, ids in sorted(itertools.chain(*finished), reverse=True)]


@pytest.mark.parametrize(("beams", "groups", "strength"), [(4, 2, 0.7), (3, 3, 0.5), (6, 2, 1.5), (4, 4, 0.0)])
def test_diverse_beams_are_those_of_the_search_written_out(beams: int, groups: int, strength: float) -> None:
    options = {"num_beams": beams, "num_groups": groups, "diversity_penalty": strength, "num_outputs": beams}
    found = written(method="diverse_beam", length_penalty=0.0, max_tokens=6, **options)
    for prefix, captions in zip(PREFIXES, found, strict=True):
        expected = slow_diverse(prefix, beams, groups, strength, 6)
        assert [tuple(ids) for ids, _ in captions] == expected


def test_one_group_is_plain_beam_search() -> None:
    assert written(method="diverse_beam", num_beams=4, num_groups=1) == written(num_beams=4)


def test_a_strong_penalty_parts_the_groups() -> None:
    options: dict[str, Any] = {"num_beams": 3, "num_groups": 3, "num_outputs": 3, "min_tokens": 1}
    found = written(method="diverse_beam", diversity_penalty=50.0, **options)
    for captions in found:
        assert len({ids[0] for ids, _ in captions}) == 3


def test_one_beam_is_greedy() -> None:
    for prefix, captions in zip(PREFIXES, written(num_beams=1, max_tokens=3), strict=True):
        last, ids = prefix[-1], []
        while len(ids) < 3 and not (ids and last == END):
            last = int(TABLE[last].argmax())
            ids.append(last)
        assert captions[0][0] == ids
