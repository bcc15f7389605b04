"""The names of files as evidence: which say something about the sound, and which occur in every second folder.

``Distorted AM Radio noise.wav`` in two corpora is one upload; ``audio_000.wav`` is nothing. A name is telling if it has

- two words that are not of the trade ("recording", "track", "left"), or a long one in a script without spaces; or
- a code: a YouTube id, a hash, a mixture of digits and letters; or
- a number of five digits or more among others (``1-100032-A-0``), if it is no date.

One word with a counter (``rain_03``), a number alone, a date and time, and words of the trade alone are generic.

Conventions: stems are compared without folder, extension and case, and without the ``Y`` before a YouTube id.

Public names: stem_keys, is_telling, shared_stems.
"""

from __future__ import annotations

import re

import polars as pl

from audiolect.data.sources import AUDIO_EXTENSION, YOUTUBE_ID

# A YouTube id looks drawn by lot; "Recording_1" has its length as well.
_DRAWN_BY_LOT = r"[a-z][A-Z]|\d[A-Za-z]"
_TRADE_WORDS = """
    the and of in on at with from for new old my own copy final edit edited version ver original default raw temp tmp
    untitled unknown unnamed noname name no none number num id idx index day
    audio audios aud sound sounds soundfile noise music song songs speech voice voices track tracks record recorded
    recorder recording recordings rec recs take takes memo note session scene event ambience ambient background bg fg
    file files clip clips sample samples segment segments seg segs chunk chunks part parts piece item items example
    examples utterance utt speaker spk loop bounce export exported project master mix mixed mixture stem stems
    train training test tests testing val valid validation eval evaluation dev development split fold set data dataset
    input inputs output outputs out result results mono stereo left right channel chan ch mic microphone zoom img image
    vid video mov movie dsc pxl ptt whatsapp wav wave flac ogg opus aac
    """
_TRADE = frozenset(_TRADE_WORDS.split())
_LEAST_WORD = 3
_LEAST_WORDS = 2
_LONG_WORD = 6  # of a script other than the Latin one
_LEAST_CODE = 8
_LEAST_HASH = 16
_DATE = re.compile(r"(?:19|20)\d\d(?:[01]\d[0-3]\d)?")
_LARGE_NUMBER = re.compile(r"[1-9]\d{4,}")


def stem_keys(paths: pl.Series) -> pl.Series:
    """The names of files without folder, extension, case, and a ``Y`` before a YouTube id; null where there is none."""
    stem = pl.col("path").str.replace(r"^.*/", "").str.replace(AUDIO_EXTENSION, "").str.strip_chars()
    plain = pl.col("stem").str.replace(rf"^Y({YOUTUBE_ID})$", "$1")
    # YouTube ids differ in case alone, so only names that are not such ids are lowered.
    is_video = pl.col("plain").str.contains(rf"^{YOUTUBE_ID}$") & pl.col("plain").str.contains(_DRAWN_BY_LOT)
    lowered = pl.when(is_video).then(pl.col("plain")).otherwise(pl.col("plain").str.to_lowercase())
    frame = pl.DataFrame({"path": paths.cast(pl.String)}).select(stem=stem).select(plain=plain)
    return frame.select(key=pl.when(pl.col("plain") != "").then(lowered).otherwise(None))["key"]


def is_telling(stem: str) -> bool:
    """Whether two files of this stem (a key of ``stem_keys``) are likely to be of one recording."""
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", stem)}
    tokens = re.findall(r"[^\W_]+", stem)
    if re.fullmatch(YOUTUBE_ID, stem) and re.search(_DRAWN_BY_LOT, stem) and not words & _TRADE:
        return True
    return any(map(_is_code, tokens)) or _is_hash("".join(tokens)) or _has_words(words) or _has_large_number(tokens)


def shared_stems(left: pl.DataFrame, right: pl.DataFrame, *, within: bool) -> tuple[pl.Series, pl.DataFrame]:
    """The stems of both tables that are evidence, and a table of the doubtful: stem, recordings_a, recordings_b.

    Args:
        left, right: columns ``recording_id`` and ``key``, the stem.
        within: both are of one dataset: no name is evidence there, and only telling ones are worth a word.
    """
    counts_a = left.group_by("key").agg(recordings_a=pl.len().cast(pl.Int64))
    counts_b = right.group_by("key").agg(recordings_b=pl.len().cast(pl.Int64))
    shared = counts_a.join(counts_b, on="key", how="inner").rename({"key": "stem"})
    telling = pl.Series([is_telling(stem) for stem in shared["stem"]], dtype=pl.Boolean)
    if within:
        return shared["stem"].clear(), shared.filter(telling)
    return shared.filter(telling)["stem"], shared.filter(~telling)


def _has_words(words: set[str]) -> bool:
    own = [word for word in words - _TRADE if len(word) >= _LEAST_WORD]
    return len(own) >= _LEAST_WORDS or any(len(word) >= _LONG_WORD and not word.isascii() for word in own)


def _is_code(token: str) -> bool:
    """Digits and letters that change places more than once, as a counter, a date or "take3b" do not."""
    return len(token) >= _LEAST_CODE and len(re.findall(r"\d[^\W\d_]", token)) > 1


def _is_hash(text: str) -> bool:
    return re.fullmatch(rf"[0-9a-f]{{{_LEAST_HASH},}}", text) is not None and not text.isdigit()


def _has_large_number(tokens: list[str]) -> bool:
    """Several numbers and single letters, one of them too large for a counter; no date among them."""
    plain = all(token.isdigit() or len(token) == 1 for token in tokens)
    dated = any(_DATE.fullmatch(token) for token in tokens)
    return len(tokens) > 2 and plain and not dated and any(_LARGE_NUMBER.fullmatch(token) for token in tokens)
