"""Captions that grow by one token at a time: greedy, sampled, contrastive.

Conventions: a recording's captions depend on nothing but the recording, its prefix, the settings and, where tokens are
drawn, its key. Recordings that are done leave the batch when half of it is. The score of a caption is the sum of the
log-probabilities of its tokens, under the model's own distribution, before rules and temperature.

Sampling: logits over ``temperature``, then the ``top_k`` likeliest, then those of them whose chances add up to
``top_p``; the token is where the sum of the chances, the likeliest first, passes a uniform number. These numbers are
drawn per recording and output from (seed, key), so neighbours in the batch change nothing.

Contrastive: of the ``top_k`` likeliest tokens the one with the greatest ``(1 - a) * chance - a * likeness``; likeness
is the greatest cosine between its hidden vector and those of all tokens before it.

Shapes: B recordings, n outputs (or candidates) of each, R = B * n rows, V vocabulary, D width.

Public names: write_greedy, write_samples, write_contrastive.
Source: Holtzman et al. 2019 (top-p), Su et al. 2022, arXiv 2202.06417 (contrastive search, equation 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize, softmax

from audiolect.models.generation_rules import History, apply_rules, largest
from audiolect.models.generation_settings import GenerationSettings

Written = list[list[tuple[list[int], float]]]
"""For each recording its captions: token ids without prefix, and score."""


def write_greedy(model: Any, state: Any, prefixes: Sequence[Sequence[int]], settings: GenerationSettings) -> Written:
    """The likeliest token each time.

    Args:
        model: the Captioner.
        state: of ``begin``, one row for each recording; it is used up.
        prefixes: the ids that each recording's row has read.
        settings: how.
    """
    return _grown(model, state, prefixes, settings, 1, choose=lambda scores, _rows, _step: scores.argmax(dim=1))


def write_samples(
    model: Any, state: Any, prefixes: Sequence[Sequence[int]], settings: GenerationSettings, keys: Sequence[int]
) -> Written:
    """``num_outputs`` drawn captions of each recording, the likeliest first; ``keys``: a number for each recording."""
    outputs = settings.num_outputs
    draws = np.concatenate([_draws(settings, key) for key in keys]) if keys else np.zeros((0, 1))

    def choose(scores: Tensor, rows: list[int], step: int) -> Tensor:
        return _drawn(scores, draws[rows, step], settings)

    return _grown(model, state, prefixes, settings, outputs, choose=choose)


def write_contrastive(
    model: Any, state: Any, prefixes: Sequence[Sequence[int]], settings: GenerationSettings
) -> Written:
    """Likely tokens that are unlike what stands before them; arguments as of ``write_greedy``."""
    count, end = int(settings.top_k or 2), model.tokenizer.end
    logits, history = model.decoder.logits(state.hidden).float(), History(prefixes)
    before = [list(normalize(row[: len(ids)].float(), dim=-1)) for row, ids in zip(state.read, prefixes, strict=True)]
    state.expand(count)
    scores = [0.0] * len(prefixes)
    found: Written = [[] for _ in prefixes]
    there = list(range(len(prefixes)))
    for step in range(settings.max_tokens):
        ruled = apply_rules(logits, history, settings, end)
        chances, tokens = largest(softmax(ruled, dim=1), count)
        sure = logits.gather(1, tokens) - logits.logsumexp(dim=1, keepdim=True)
        model.advance(state, tokens.flatten())
        hidden = state.hidden.unflatten(0, (-1, count))
        vectors = normalize(hidden.float(), dim=-1)
        likeness = torch.stack([(vectors[i] @ torch.stack(before[i]).T).amax(dim=1) for i in range(len(there))])
        chosen = ((1 - settings.penalty_alpha) * chances - settings.penalty_alpha * likeness).argmax(dim=1)
        places = torch.arange(len(there), device=chosen.device)
        written = tokens[places, chosen].tolist()
        history.add(written)
        for i, (surely, vector) in enumerate(zip(sure[places, chosen].tolist(), vectors[places, chosen], strict=True)):
            scores[i] += surely
            before[i].append(vector)
        state.reorder((places * count + chosen).repeat_interleave(count))
        logits = model.decoder.logits(hidden[places, chosen]).float()
        done = [i for i, token in enumerate(written) if token == end or step == settings.max_tokens - 1]
        for i in done:
            found[there[i]] = [(history.written(i), scores[i])]
        kept = [i for i in range(len(there)) if i not in set(done)]
        if not kept:
            break
        if done:
            index = torch.tensor(kept, device=logits.device)
            state.keep(index)
            logits = logits[index]
            history.reorder(kept)
            before, scores = [before[i] for i in kept], [scores[i] for i in kept]
            there = [there[i] for i in kept]
    return found


def _grown(
    model: Any, state: Any, prefixes: Sequence[Sequence[int]], settings: GenerationSettings, outputs: int,
    *, choose: Callable[[Tensor, list[int], int], Tensor],
) -> Written:  # fmt: skip
    """n captions of each recording, each token chosen by ``choose(scores (R, V), numbers of the rows, step)``."""
    end, history = model.tokenizer.end, History(prefixes)
    logits = model.decoder.logits(state.hidden).float()
    if outputs > 1:
        state.expand(outputs)
        history.expand(outputs)
        logits = logits.repeat_interleave(outputs, 0)
    found: Written = [[] for _ in prefixes]
    there = list(range(len(prefixes)))
    scores, ended = [0.0] * len(logits), [False] * len(logits)
    for step in range(settings.max_tokens):
        rows = [recording * outputs + k for recording in there for k in range(outputs)]
        tokens = choose(apply_rules(logits, history, settings, end), rows, step)
        sure = (logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(dim=1)).tolist()
        written = tokens.tolist()
        for row, token in enumerate(written):
            if not ended[row]:
                history.rows[row].append(token)
                scores[row] += sure[row]
                ended[row] = token == end
        last = step == settings.max_tokens - 1
        open_ = [i for i in range(len(there)) if not all(ended[i * outputs : (i + 1) * outputs])]
        if last or not open_ or 2 * len(open_) <= len(there):
            kept = [] if last else open_
            for i in sorted(set(range(len(there))) - set(kept)):
                ours = range(i * outputs, (i + 1) * outputs)
                found[there[i]] = sorted(((history.written(row), scores[row]) for row in ours), key=lambda one: -one[1])
            if not kept:
                break
            index = torch.tensor(kept, device=logits.device)
            state.keep(index)
            rows_kept = [i * outputs + k for i in kept for k in range(outputs)]
            history.reorder(rows_kept)
            tokens = tokens[torch.tensor(rows_kept, device=tokens.device)]
            scores, ended = [scores[row] for row in rows_kept], [ended[row] for row in rows_kept]
            there = [there[i] for i in kept]
        logits = model.advance(state, tokens).float()
    return found


def _draws(settings: GenerationSettings, key: int) -> NDArray[np.float64]:
    """Uniform numbers (n, max_tokens) of one recording."""
    generator = np.random.default_rng([settings.seed, key])
    return generator.random((settings.num_outputs, settings.max_tokens))


def _drawn(scores: Tensor, uniform: NDArray[np.float64], settings: GenerationSettings) -> Tensor:
    """One token of each row, (R, V) and (R,) numbers from 0 to 1 → (R,)."""
    scores = scores / settings.temperature
    count = scores.shape[1] if settings.top_k is None else min(settings.top_k, scores.shape[1])
    if count == scores.shape[1]:
        values, ids = scores.sort(dim=1, descending=True)
    else:
        values, ids = largest(scores, count)
    chances = softmax(values, dim=1).double()
    sums = chances.cumsum(dim=1)
    if settings.top_p < 1:
        kept = (sums - chances) < settings.top_p
        sums = (chances * kept).cumsum(dim=1)
    drawn = torch.from_numpy(uniform).to(sums.device)[:, None] * sums[:, -1:]
    place = torch.searchsorted(sums, drawn, right=True).clamp(max=count - 1)
    return ids.gather(1, place)[:, 0]
