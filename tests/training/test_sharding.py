"""A model divided among two ranks trains as one process does on all shares, and comes together to be saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ranks_of_sharding as script
import torch
from started_ranks import written_by_ranks
from torch import nn

from audiolect.errors import ConfigError
from audiolect.training.sharding import shard

SCRIPT = Path(script.__file__)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two ranks wrote; two divide 3 filters and 5 rows unevenly."""
    world, folder = 2, tmp_path_factory.mktemp("ranks")
    return written_by_ranks(SCRIPT, world, folder)


def in_one_process(world: int) -> tuple[nn.Module, list[float]]:
    """The model trained on the mean of the losses of all shares, by torch's AdamW and clipping; norms of gradients.

    A batch normalisation counts over each share alone, and only the first rank's statistics are kept.
    """
    model = script.Ear()
    objective, norms = script.Objective(model), []
    settings = script.SETTINGS
    rows = []
    for name, parameter in model.named_parameters():
        rate = settings.learning_rate * (settings.rates["head"] if name.startswith("head.") else 1.0)
        decay = settings.weight_decay if parameter.dim() >= 2 else 0.0
        rows.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    optimizer = torch.optim.AdamW(rows, eps=settings.epsilon)
    for step in range(script.STEPS):
        optimizer.zero_grad()
        losses = [objective(script.share(step, 0), 0)]
        kept = {name: value.clone() for name, value in model.norm.named_buffers()}
        losses += [objective(script.share(step, rank), rank) for rank in range(1, world)]
        torch.stack(losses).mean().backward()
        model.norm.load_state_dict(kept, strict=False)
        norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), float("inf"))))
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad *= min(1.0, script.CLIP_NORM / norms[-1])
        optimizer.step()
    return model.eval(), norms


def test_it_trains_as_one_process_does(ranks: list[dict[str, Any]]) -> None:
    expected, norms = in_one_process(len(ranks))
    weights = dict(expected.named_parameters())
    assert len(weights) == 9
    assert min(norms) > script.CLIP_NORM
    for rank in ranks:
        assert rank["norms"] == pytest.approx(norms, rel=1e-9)
        for name, weight in weights.items():
            torch.testing.assert_close(rank["whole"][name], weight.detach(), rtol=1e-8, atol=1e-10, msg=name)


def test_statistics_are_the_first_ranks(ranks: list[dict[str, Any]]) -> None:
    expected = in_one_process(len(ranks))[0].state_dict()
    for name in ("norm.running_mean", "norm.running_var", "norm.num_batches_tracked"):
        torch.testing.assert_close(ranks[0]["whole"][name], expected[name])


def test_the_whole_model_says_what_the_divided_one_says(ranks: list[dict[str, Any]]) -> None:
    for number, rank in enumerate(ranks):
        assert rank["plain"]
        model = script.Ear()
        model.load_state_dict(rank["whole"])
        with torch.no_grad():
            said = script.Objective(model.eval()).validate(script.share(script.STEPS, number))
        torch.testing.assert_close(rank["said"], said)


def test_each_rank_holds_its_part_and_every_scalar(ranks: list[dict[str, Any]]) -> None:
    sizes = {name: parameter.numel() for name, parameter in script.Ear().named_parameters()}
    scalars = {"log_scale", "bias", "fixed"}
    assert scalars < sizes.keys()
    for name, size in sizes.items():
        held = [rank["held"][name] for rank in ranks]
        if name in scalars:
            assert held == [(1, False)] * len(ranks)
        else:
            assert sum(count for count, _ in held) == size
            assert all(is_divided for _, is_divided in held)
    assert [rank["held"]["filters.weight"][0] for rank in ranks] == [36, 18]  # 2 filters of 18 numbers, and 1
    assert [rank["scalars"] for rank in ranks] == [2] * len(ranks)  # one is frozen


def test_one_process_alone_is_refused() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(ConfigError, match=r"training\.shard=false"):
        shard(model, model, torch.device("cpu"))
    assert type(model.weight) is nn.Parameter
