"""How rich a set of captions is: how many words it knows, how long it speaks, and how much of it is new.

Conventions: captions are lists of words (``words.py``). These are numbers of a whole set, not means over recordings;
they grow with the number of captions, so that only sets of one size can be compared.

Public names: VocabularyScores, vocabulary_scores.

Source: E. Labbé, T. Pellegrini and J. Pinquier, "Is my automatic audio captioning system so bad?", DCASE 2022 (counts
of words); novelty as in X. Mei et al., "Diverse audio captioning via adversarial training", 2021, arXiv 2110.06691.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from audiolect.errors import UsageError
from audiolect.metrics.ngrams import Words


@dataclass(frozen=True, slots=True)
class VocabularyScores:
    """Counts of a set of captions.

    Args:
        vocabulary_size: different words of the candidates.
        reference_vocabulary_share: of the different words of the references, the share that the candidates use.
        words_per_caption: mean of the candidates.
        reference_words_per_caption: mean of the references.
        distinct_captions: different captions, as a share of all candidates.
        novel_captions: the share of candidates that are no known caption; None where no known ones are given.
        empty_captions: candidates without a word.
    """

    vocabulary_size: int
    reference_vocabulary_share: float
    words_per_caption: float
    reference_words_per_caption: float
    distinct_captions: float
    novel_captions: float | None
    empty_captions: int

    def values(self) -> dict[str, float]:
        """Name → value, without those that are not known."""
        return {name: float(value) for name, value in asdict(self).items() if value is not None}


def vocabulary_scores(
    candidates: Sequence[Words], references: Sequence[Sequence[Words]], *, known: Iterable[Words] | None = None
) -> VocabularyScores:
    """Count the words of a set.

    Args:
        candidates: one caption of each recording.
        references: of each recording.
        known: the captions that the system was trained on, for novelty.

    Raises:
        UsageError: there are no captions.
    """
    flat = [caption for own in references for caption in own]
    if not candidates or not flat:
        raise UsageError("There are no captions to count.", expected="candidates and references", found="none")
    said = {word for caption in candidates for word in caption}
    true = {word for caption in flat for word in caption}
    captions = [tuple(caption) for caption in candidates]
    seen = None if known is None else {tuple(caption) for caption in known}
    return VocabularyScores(
        vocabulary_size=len(said),
        reference_vocabulary_share=len(said & true) / max(len(true), 1),
        words_per_caption=sum(map(len, candidates)) / len(candidates),
        reference_words_per_caption=sum(map(len, flat)) / len(flat),
        distinct_captions=len(set(captions)) / len(captions),
        novel_captions=None if seen is None else sum(caption not in seen for caption in captions) / len(captions),
        empty_captions=sum(not caption for caption in captions),
    )
