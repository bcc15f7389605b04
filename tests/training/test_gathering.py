"""Rows of all ranks, and losses over 1, 2 and 3 processes: what one process computes for the same global batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ranks_of_losses as script
import torch
from started_ranks import written_by_ranks

from audiolect.errors import UsageError
from audiolect.training.gathering import (
    Shares,
    agree_on_shares,
    gather_rows,
    gather_with_gradient,
    same_on_all,
    sum_to_owners,
)

SCRIPT = Path(script.__file__)


@pytest.fixture(scope="module", params=[1, 2, 3])
def ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each rank of so many wrote."""
    world, folder = request.param, tmp_path_factory.mktemp("ranks")
    return written_by_ranks(SCRIPT, world, folder)


def test_losses_and_gradients_are_those_of_one_process(ranks: list[dict[str, Any]]) -> None:
    """Through DistributedDataParallel, which takes the mean of gradients; to 1e-12 in float64."""
    expected = script.measured(script.Towers(), script.share(1, 0))
    expected["cached"] = script.cached(script.Towers(), script.share(1, 0))
    assert len(expected) == 6
    for found in (rank["found"] for rank in ranks):
        assert found.keys() == expected.keys()
        for name, tensors in expected.items():
            assert len(tensors) == 4
            for ours, theirs in zip(found[name], tensors, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14, msg=name)


def test_embeddings_get_the_gradient_of_the_sum_of_losses(ranks: list[dict[str, Any]]) -> None:
    """So many times the gradient of the global loss as there are ranks; also where one has no rows and no graph."""
    expected = script.without_a_graph(script.share(1, 0))
    for index, whole in enumerate(expected):
        found = torch.cat([rank["embeddings"][index] for rank in ranks])
        torch.testing.assert_close(found, len(ranks) * whole, rtol=1e-12, atol=1e-14)


def test_rows_come_in_the_order_of_ranks(ranks: list[dict[str, Any]]) -> None:
    """Rank r gave r rows of r."""
    for rank, written in enumerate(ranks):
        assert written["gathered"].tolist() == [[float(r)] * 2 for r in range(len(ranks)) for _ in range(r)]
        assert written["first"] == sum(range(rank))


def test_ranks_that_do_not_agree_are_all_told(ranks: list[dict[str, Any]]) -> None:
    for written in ranks:
        assert len(written["letters"]) == (0 if len(ranks) == 1 else 2)
        for letter in written["letters"]:
            assert "The ranks do not agree." in letter
            assert "rank 1: [" in letter


def test_shares_by_hand() -> None:
    shares = Shares((4, 0, 5), 2)
    assert (shares.world, shares.total, shares.first, shares.mine) == (3, 9, 4, slice(4, 9))
    assert Shares((4, 0, 5), 1).mine == slice(4, 4)


def test_without_a_process_group_there_is_one_rank() -> None:
    shares, facts = agree_on_shares(3, torch.device("cpu"), over_ranks=True, facts=(7,))
    assert (shares, facts) == (Shares((3,), 0), [[7]])
    table = torch.randn(3, 2, requires_grad=True)
    assert not gather_rows(table, shares).requires_grad
    assert sum_to_owners(torch.ones(3, 2), shares).tolist() == [[1.0, 1.0]] * 3
    gathered, first = gather_with_gradient(table)
    (gathered * torch.arange(6.0).view(3, 2)).sum().backward()
    assert first == 0
    assert table.grad is not None
    assert table.grad.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


def test_the_same_on_all_or_a_letter() -> None:
    same_on_all([[1, 2], [1, 2]], "width")
    with pytest.raises(UsageError, match=r"width(.|\n)*rank 0: \[1\], rank 1: \[2\]"):
        same_on_all([[1], [2]], "width")
