"""Words of captions, as caption metrics count them: Penn Treebank tokens in small letters, without punctuation.

The tokens are those of the Java tokenizer that scores MS COCO captions, so that BLEU, ROUGE-L and CIDEr-D are the same
numbers, without Java: ``word_rules.py`` has its rules. What that program calls punctuation is removed; brackets, which
it writes as ``-lrb-``, stay, because its list names them in capitals.

Conventions: a caption is tokenised on its own, as though a line break followed, so that the order of captions and what
stands beside one change nothing. A token may hold a blank that does not break (U+00A0), as in ``2 1/2``.

Public names: PUNCTUATION, words, words_of_all, forget_pieces.

Source: X. Chen et al., "Microsoft COCO captions: data collection and evaluation server", 2015, section 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from audiolect.metrics.word_rules import KEEPS_PERIOD, RULES

PUNCTUATION = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))

_TOKENS_WITH_BLANKS = re.compile(r"[\d<]|\b[A-Za-z]\.\s")
# Letters alone, or with a sign that ends them, are one word; but for those that fall in two, and abbreviations.
_PLAIN = re.compile(r"([A-Za-z]+)[,;:!?.]?")
_TWO_WORDS = frozenset(("cannot", "gonna", "gotta", "lemme", "gimme", "wanna"))
_REMEMBERED = 1 << 16


def words(caption: str) -> list[str]:
    """The words of one caption; none of an empty one."""
    if _TOKENS_WITH_BLANKS.search(caption):
        return list(_cut(caption))
    # Without digits and tags no token holds a blank, and most pieces between blanks come again and again.
    return [word for piece in caption.split() for word in _cut_piece(piece)]


def words_of_all(captions: Iterable[str]) -> list[list[str]]:
    """The words of each caption."""
    return [words(caption) for caption in captions]


def forget_pieces() -> None:
    """Forget the pieces between blanks that were tokenised before, as a fresh process has."""
    _cut_piece.cache_clear()


@lru_cache(maxsize=_REMEMBERED)
def _cut_piece(piece: str) -> tuple[str, ...]:
    plain = _PLAIN.fullmatch(piece)
    if plain is not None:
        word = plain.group(1)
        if word.lower() not in _TWO_WORDS and not (piece[-1] == "." and KEEPS_PERIOD.fullmatch(word)):
            return (word.lower(),)
    return _cut(piece)


def _cut(text: str) -> tuple[str, ...]:
    """The tokens of a text that are no punctuation, in small letters."""
    line = re.sub(r"[\r\n\v\f\x85\u2028\u2029]", " ", text) + "\n\n"
    found: list[str] = []
    place, end = 0, len(line) - 2
    while place < end:
        if line[place].isspace():
            place += 1
            continue
        best, token, change = place, "", None
        for rule in RULES:
            match = rule.pattern.match(line, place)
            if match is not None and match.end() > best:
                best, token, change = match.end(), match.group(1), rule.change
        if not token:
            place += 1
            continue
        place += len(token)
        text = token if change is None else change if isinstance(change, str) else change(token)
        found.append(text.lower())
    return tuple(word for word in found if word and word not in PUNCTUATION)
