"""What caption metrics cost: tokenisation, BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D, beside pycocoevalcap and its Java.

1,045 candidates with five references each, as of Clotho's evaluation split; the captions are made by a small grammar,
so that the bench needs no data. Before anything is measured, both must give the same words and the same numbers. Ours
forgets the pieces it knows before each round, as a fresh process would. The peer starts Java twice in a round, as it
does for every evaluation. The limit in seconds is one of processor time, which a busy neighbour changes less.

    python bench/caption_metrics.py [--quick] [--json]

Needs Java and the extra ``java``.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import statistics
import sys
import time

import harness
from audiolect.metrics import words as own_words
from audiolect.metrics.bleu import bleu, bleu_counts, corpus_bleu
from audiolect.metrics.cider import cider_d
from audiolect.metrics.ngrams import count_ngrams
from audiolect.metrics.rouge import rouge_l

RECORDINGS = 1045
REFERENCES = 5
BAR_RATIO = 4.0
BAR_SECONDS = 0.45

Captions = tuple[list[str], list[list[str]]]


def main() -> int:
    """Measure and print."""
    options = harness.arguments("What caption metrics cost.")
    captions = made()
    check(captions)
    seconds = []
    for _ in range(3 if options.quick else 9):
        start = time.process_time()
        ours(captions)
        seconds.append(time.process_time() - start)
    name = f"words, BLEU, ROUGE-L, CIDEr-D of {RECORDINGS:,} × {REFERENCES}"
    figures = [
        harness.at_most(name, statistics.median(seconds), BAR_SECONDS, unit="s of a processor"),
        harness.compare(
            name,
            lambda: ours(captions),
            {"pycocoevalcap with Java": lambda: theirs(captions)},
            work=RECORDINGS,
            unit="recordings/s",
            bar=BAR_RATIO,
            repeats=1 if options.quick else 5,
        ),
    ]
    return harness.finish(figures, options.json)


def made() -> Captions:
    """Captions of about eleven words, of a vocabulary of some thousands, with signs of punctuation."""
    rng = random.Random(0)
    letters = "bcdfglmnprst"
    nouns = ["".join(rng.choice(letters) + rng.choice("aeiou") for _ in range(rng.randint(2, 4))) for _ in range(3000)]
    links = ["and then", "while", "as", "in the distance", "with", "near", "followed by", "over", "behind"]
    ends = [".", "", ".", " again.", ", softly."]

    def caption(topic: list[str]) -> str:
        words = ["A", rng.choice(topic), rng.choice(["is", "are", "starts"]), rng.choice(nouns) + "ing"]
        words += [rng.choice(links), "the", rng.choice(topic), rng.choice(links), "a", rng.choice(nouns)]
        return " ".join(words) + rng.choice(ends)

    references, candidates = [], []
    for _ in range(RECORDINGS):
        topic = rng.sample(nouns, 3)
        references.append([caption(topic) for _ in range(REFERENCES)])
        candidates.append(caption(topic))
    return candidates, references


def ours(captions: Captions) -> tuple[list[float], list[list[float]], list[float], list[float]]:
    """BLEU of the set and of each recording, CIDEr-D and ROUGE-L of each."""
    own_words.forget_pieces()
    candidates = own_words.words_of_all(captions[0])
    references = [own_words.words_of_all(own) for own in captions[1]]
    counts = count_ngrams(candidates, references)
    sums = bleu_counts(counts)
    parts = (sums.matches, sums.guesses, sums.lengths, sums.reference_lengths)
    total = corpus_bleu(*(part.sum(axis=0) for part in parts))
    return total.tolist(), bleu(sums).tolist(), cider_d(counts).tolist(), rouge_l(candidates, references).tolist()


def theirs(captions: Captions) -> tuple[list[float], list[list[float]], list[float], list[float]]:
    """The same by pycocoevalcap."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        tokenizer = PTBTokenizer()
        true = tokenizer.tokenize({i: [{"caption": text} for text in own] for i, own in enumerate(captions[1])})
        said = tokenizer.tokenize({i: [{"caption": text}] for i, text in enumerate(captions[0])})
        total, each = Bleu(4).compute_score(true, said)
        cider, rouge = Cider().compute_score(true, said)[1], Rouge().compute_score(true, said)[1]
    return list(total), [list(row) for row in zip(*each, strict=True)], cider.tolist(), rouge.tolist()


@contextlib.contextmanager
def quiet():
    """Without what Java says about its speed."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def check(captions: Captions) -> None:
    """Both give the same numbers to 1e-6."""
    for name, mine, other in zip(
        ("BLEU", "BLEU of each", "CIDEr-D", "ROUGE-L"), ours(captions), theirs(captions), strict=True
    ):
        flat = [(a, b) for a, b in zip(_flat(mine), _flat(other), strict=True) if abs(a - b) > 1e-6]
        if flat:
            raise SystemExit(f"{name}: {flat[0][0]} is not pycocoevalcap's {flat[0][1]}")


def _flat(values: list[float] | list[list[float]]) -> list[float]:
    return [number for value in values for number in (value if isinstance(value, list) else [value])]


if __name__ == "__main__":
    sys.exit(main())
