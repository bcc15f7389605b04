"""Numbers that tell which rows of a batch must not be taken for negatives of each other.

Two rows sound of the same recording, or of a recording and a synthetic child of it, or of two children of one; or
their answers are the same words. Each row gets a 64-bit hash of its origin and one of its words: equal means the same,
and rows of different ranks, epochs and machines can be compared.

Conventions: the origin of a recording is where its chain of ``parent_id`` ends; a recording without a parent is its own
origin. A parent need not be in any of the datasets: children of one absent parent still belong together. The words of
an answer are its runs of letters and digits without regard to case, with one space between.

Public names: text_keys, plain_words, origins_of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.errors import DatasetError

_WORD = re.compile(r"\w+")


def text_keys(texts: Iterable[str]) -> npt.NDArray[np.int64]:
    """(n,) 64-bit hashes (BLAKE2b) of texts; two different texts have the same in one case of 2**64."""
    digests = [hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<i8").astype(np.int64)


def plain_words(text: str) -> str:
    """The words of a text, as two captions are compared: ``"A dog, barking."`` and ``"a dog barking"`` are the same."""
    return " ".join(_WORD.findall(text.casefold()))


def origins_of(parents: Iterable[pl.DataFrame]) -> Mapping[str, str]:
    """recording id → id of its origin, of those that have a parent.

    Args:
        parents: tables with the columns ``recording_id`` and ``parent_id``; rows without a parent are not used.

    Raises:
        DatasetError: recordings are each other's parents.
    """
    direct: dict[str, str] = {}
    for table in parents:
        direct.update(table.select("recording_id", "parent_id").drop_nulls("parent_id").iter_rows())
    origins: dict[str, str] = {}
    for recording in direct:
        chain = [recording]
        while (above := direct.get(chain[-1])) is not None and above not in origins:
            if above in chain:
                raise DatasetError(
                    "Recordings are each other's parents.",
                    where="parent_id",
                    expected="chains that end at a recording without a parent",
                    found=" → ".join([*chain, above]),
                    fix="correct parent_id where the dataset is made",
                )
            chain.append(above)
        origin = origins[above] if above is not None else chain.pop()
        origins.update(dict.fromkeys(chain, origin))
    return origins
