"""Whether a caption names the class of its recording: ``class_named``, for captions of corpora of classes.

    A dog barks.                      names dog: the words of its label stand in it
    Someone sneezes.                  names sneezing: the words of its sentence stand in it
    A dog barks, a rooster crows.     is right of neither: another class is named too
    The crackle of a fire.            names nothing: neither {crackling, fire} nor {a, fire, crackles} stands in it

Conventions: words are those of ``metrics/words.py``. A class is named where all the words of its label, or all those of
the sentence that its corpus has for it, stand in the caption, in any order. A caption is right where it names the class
of its recording and no other class of the dataset. No word counts for another with its stem or its meaning, so that
what people would accept is rather more than this. Of a recording with several labels all must be named.

Public names: METRIC, named_classes, class_judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audiolect.corpora.soundworld.caption_scores import CaptionJudge
from audiolect.data.dataset import Dataset
from audiolect.errors import DatasetError
from audiolect.metrics.words import words

METRIC = "class_named"

# Label → sets of words, each of which names it.
Names: TypeAlias = Mapping[str, Sequence[frozenset[str]]]


def named_classes(caption: str, names: Names) -> frozenset[str]:
    """The labels that a caption names."""
    said = frozenset(words(caption))
    return frozenset(label for label, ways in names.items() if any(way <= said for way in ways))


def class_judge(dataset: Dataset, sentences: Mapping[str, str]) -> CaptionJudge:
    """What judges captions of the dataset's recordings.

    Args:
        sentences: label → a sentence that names it; labels without one are named by their own words alone.

    Raises:
        DatasetError: no recording of the dataset has a label; or, of the judge, a recording has none.
    """
    labels = dict(dataset.recordings.select("recording_id", "labels").iter_rows())
    names = _names_of({label for own in labels.values() for label in own or ()}, sentences)
    if not names:
        raise DatasetError("No recording has a class.", where=dataset.folder, expected="labels of the recordings")

    def judge(recordings: Sequence[str], captions: Sequence[str]) -> Mapping[str, npt.NDArray[np.float64]]:
        without = next((name for name in recordings if not labels.get(name)), None)
        if without is not None:
            raise DatasetError("A recording has no class.", where=dataset.folder, found=without)
        pairs = zip(recordings, captions, strict=True)
        right = [named_classes(text, names) == frozenset(labels[name]) for name, text in pairs]
        return {METRIC: np.array(right, np.float64)}

    return judge


def _names_of(labels: set[str], sentences: Mapping[str, str]) -> dict[str, tuple[frozenset[str], ...]]:
    """A text without a word names nothing: the empty set would stand in every caption."""
    texts = {label: (label, sentences.get(label, "")) for label in sorted(labels)}
    return {label: tuple(filter(None, (frozenset(words(text)) for text in own))) for label, own in texts.items()}
