"""Beam search, and diverse beam search: several texts of a recording grow side by side.

Each step looks at the 2 g likeliest continuations of a group's g texts. Those of the first g that end are finished,
with the sum of their log-probabilities over ``length ** length_penalty``; the likeliest g of the others go on. A
recording is done when it has g finished texts, and its likeliest running one, at its present length, is no better than
the worst of them (or, with ``early_stopping``, at once). So transformers searches too, and both find the same texts.

Diverse: the beams stand in groups that choose one after the other; a token's score is lowered by
``diversity_penalty`` for each beam of earlier groups of the same recording that has chosen it in this step. The outputs
are the best of all groups.

Conventions: the cross-attention's keys and values are those of the recording, shared by its beams
(``caption_attention.py``). Recordings that are done leave the batch when half of it is.

Shapes: B recordings, n beams, g beams of a group, R = B * n rows, V vocabulary.

Public names: write_beams.
Source: Vijayakumar et al. 2016, arXiv 1610.02424 (diverse beam search, with Hamming diversity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from audiolect.models.generation_chains import Written
from audiolect.models.generation_rules import History, apply_rules, largest, needs_rules
from audiolect.models.generation_settings import GenerationSettings

# The score of a beam that is not there.
_NONE = -1e9


@dataclass(slots=True)
class _Group:
    """The beams of one group of one recording."""

    size: int
    finished: list[tuple[float, list[int]]] = field(default_factory=list)
    done: bool = False

    def advance(
        self, candidates: list[tuple[float, int, int]], texts: list[list[int]], settings: GenerationSettings, end: int
    ) -> list[tuple[float, int, int]]:
        """Take a step.

        Args:
            candidates: (score, beam, token), the best first, 2 g of them.
            texts: what each beam has written.
            settings: length penalty, limits.
            end: the id that ends a caption.

        Returns:
            g of the candidates: those that go on.
        """
        length = len(texts[0]) + 1
        last = length >= settings.max_tokens
        over = length**settings.length_penalty
        if not self.done:
            new = [
                (score / over, [*texts[beam], token])
                for score, beam, token in candidates[: self.size]
                if (token == end or last) and score > _NONE
            ]
            self.finished = sorted([*self.finished, *new], key=lambda one: -one[0])[: self.size]
        going = [one for one in candidates if one[2] != end][: self.size]
        going += [(_NONE, *candidates[0][1:])] * (self.size - len(going))
        full = len(self.finished) >= self.size
        worst = self.finished[-1][0] if full else _NONE
        self.done = self.done or last or (full and (settings.early_stopping or going[0][0] / over <= worst))
        return going


def write_beams(model: Any, state: Any, prefixes: Sequence[Sequence[int]], settings: GenerationSettings) -> Written:
    """The likeliest texts.

    Args:
        model: the Captioner.
        state: of ``begin``, one row for each recording; it is used up.
        prefixes: the ids that each recording's row has read.
        settings: how; ``num_outputs`` texts of each recording are given.
    """
    beams, end = settings.num_beams, model.tokenizer.end
    groups = settings.num_groups if settings.method == "diverse_beam" else 1
    size = beams // groups
    searches = [[_Group(size) for _ in range(groups)] for _ in prefixes]
    logits, history = model.decoder.logits(state.hidden).float().repeat_interleave(beams, 0), History(prefixes)
    state.expand(beams)
    history.expand(beams)
    # In the first step all beams of a group are the same text: the first stands for it.
    running = torch.full((len(prefixes), groups, size), _NONE, device=logits.device)
    running[:, :, 0] = 0
    there = list(range(len(prefixes)))
    while True:
        proposed = _proposals(logits, running, history, settings, end)
        rows, tokens, scores = [], [], []
        for i, recording in enumerate(there):
            for number, search in enumerate(searches[recording]):
                first = i * beams + number * size
                texts = [history.written(first + beam) for beam in range(size)]
                going = search.advance(proposed[i][number], texts, settings, end)
                scores.append([score for score, _, _ in going])
                rows += [first + beam for _, beam, _ in going]
                tokens += [token for _, _, token in going]
        open_ = [i for i, recording in enumerate(there) if not all(one.done for one in searches[recording])]
        if not open_:
            break
        history.reorder(rows)
        history.add(tokens)
        if rows != list(range(len(rows))):
            state.reorder(torch.tensor(rows, device=logits.device))
        running = torch.tensor(scores, device=logits.device).view(-1, groups, size)
        if 2 * len(open_) <= len(there):
            index = torch.tensor(open_, device=logits.device)
            state.keep(index)
            running = running[index]
            kept = [i * beams + beam for i in open_ for beam in range(beams)]
            history.reorder(kept)
            tokens, there = [tokens[row] for row in kept], [there[i] for i in open_]
        logits = model.advance(state, torch.tensor(tokens, device=logits.device)).float()
    return [_best(search, settings.num_outputs) for search in searches]


def _best(search: list[_Group], count: int) -> list[tuple[list[int], float]]:
    finished = sorted((one for group in search for one in group.finished), key=lambda one: -one[0])
    return [(ids, score) for score, ids in finished[:count]]


def _proposals(
    logits: Tensor, running: Tensor, history: History, settings: GenerationSettings, end: int
) -> list[list[list[tuple[float, int, int]]]]:
    """For each recording and group the 2 g best (score, beam, token), the best first.

    Args:
        logits: (R, V).
        running: (B, groups, g), the scores of the beams.
        history: of the R rows.
        settings, end: as of ``write_beams``.
    """
    recordings, groups, size = running.shape
    sums = logits.logsumexp(dim=1)
    if needs_rules(settings):
        logits = apply_rules(logits - sums[:, None], history, settings, end)
        sums = torch.zeros_like(sums)
    grouped, offsets = logits.view(recordings, groups, size, -1), running - sums.view_as(running)
    found: list[list[list[tuple[float, int, int]]]] = [[] for _ in range(recordings)]
    taken: list[list[int]] = [[] for _ in range(recordings)]
    for group in range(groups):
        scores = grouped[:, group]
        if group and settings.diversity_penalty:
            chosen = torch.tensor(taken, device=logits.device)
            shunned = torch.full(chosen.shape, -settings.diversity_penalty, device=logits.device)
            penalty = scores.new_zeros(recordings, scores.shape[2]).scatter_add(1, chosen, shunned)
            scores = scores + penalty[:, None]
        values, ids = largest(scores.reshape(recordings * size, -1), 2 * size)
        width = values.shape[1]
        totals = (values.view(recordings, size, width) + offsets[:, group, :, None]).flatten(1)
        best = torch.topk(totals, min(2 * size, totals.shape[1]), dim=1)
        picked = ids.view(recordings, -1).gather(1, best.indices)
        lines = zip(best.values.tolist(), (best.indices // width).tolist(), picked.tolist(), strict=True)
        for recording, line in enumerate(lines):
            candidates = list(zip(*line, strict=True))
            found[recording].append(candidates)
            going = [token for _, _, token in candidates if token != end][:size]
            taken[recording] += going + going[:1] * (size - len(going))
    return found
