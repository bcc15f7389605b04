"""Examples of like length go together: a look-ahead window of examples cut into global batches.

The examples of a window are sorted by length, longest first, those of equal length by a keyed tie-break; the sorted
row is cut into batches from its front, each as large as the budget lets it be; then the batches are shuffled. All of
it is a function of the lengths and of the keys that are handed in.

Conventions: a cost is what an example counts for in a budget of samples when it is the longest of its batch: every
example of a batch is padded to the longest, so n examples cost n times the cost of the first. Costs grow with lengths.
An example that costs more than the budget is a batch of its own.

Public names: cut_sizes, bucket_window, share_of.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiolect.loader.permutation import draw_bits

Ints = npt.NDArray[np.int64]


def cut_sizes(costs: Ints, *, size: int | None, budget_samples: int | None) -> list[tuple[int, bool]]:
    """How many examples each batch has, and whether it is as full as it may be.

    Args:
        costs: (n,) of the sorted examples, greatest first.
        size: the budget as a number of examples; None: ``budget_samples`` is the budget.
    """
    sizes: list[tuple[int, bool]] = []
    begin, total = 0, len(costs)
    while begin < total:
        most = size if size is not None else max(1, (budget_samples or 0) // max(1, int(costs[begin])))
        taken = min(most, total - begin)
        sizes.append((taken, taken == most))
        begin += taken
    return sizes


def bucket_window(
    lengths: Ints,
    costs: Ints,
    *,
    size: int | None,
    budget_samples: int | None,
    ties: npt.NDArray[np.uint64],
    shuffle_key: int | None,
    drop_unfilled: bool = False,
) -> list[Ints]:
    """The global batches of a window, in the order in which they are used.

    Args:
        lengths: (n,) samples of each example.
        costs: (n,) samples that it counts for.
        size, budget_samples: the budget, as in ``cut_sizes``.
        ties: (n,) the order of examples of equal length.
        shuffle_key: the order of the batches; None: longest first.
        drop_unfilled: leave out the last batch where more examples would fit into it.

    Returns:
        For each batch the indexes of its examples, longest first.
    """
    order = np.lexsort((ties, -lengths))
    sizes = cut_sizes(costs[order], size=size, budget_samples=budget_samples)
    ends = np.cumsum([taken for taken, _ in sizes], dtype=np.int64)
    batches = [order[end - taken : end] for end, (taken, _) in zip(ends.tolist(), sizes, strict=True)]
    if drop_unfilled and sizes and not sizes[-1][1]:
        batches.pop()
    if shuffle_key is None:
        return batches
    shuffled = np.argsort(draw_bits(shuffle_key, np.arange(len(batches))), kind="stable")
    return [batches[index] for index in shuffled.tolist()]


def share_of(batch: Ints, rank: int, world_size: int) -> Ints:
    """What one rank has of a global batch: every ``world_size``-th example, so that lengths are alike on all ranks.

    Every example is on exactly one rank. The share is empty where the batch has too few examples.
    """
    return batch[rank::world_size]
