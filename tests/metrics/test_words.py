"""Words of captions: the Java tokenizer is the oracle, on every published caption and on hard ones."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.metrics.words import PUNCTUATION, forget_pieces, words, words_of_all

Oracle = Callable[[list[str]], list[list[str]]]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A dog barks, then a car passes by.", "a dog barks then a car passes by"),
        ("It's a man's voice; they don't stop!", "it 's a man 's voice they do n't stop"),
        ("The dogs' barking (loud) cannot stop", "the dogs barking -lrb- loud -rrb- can not stop"),
        ("High-pitched clip-clop...", "high-pitched clip-clop"),
        ("U.S. radio at 5 p.m., etc.", "u.s. radio at 5 p.m. etc."),
        ("", ""),
        (" . , ! ", ""),
        ("what?! no!!", "what ?! no !!"),
    ],
)
def test_by_hand(caption: str, expected: str) -> None:
    assert words(caption) == expected.split()


def test_a_token_may_hold_a_blank() -> None:
    assert words("2 1/2 hours") == ["2\u00a01/2", "hours"]


def test_every_published_caption_has_the_words_of_the_java_tokenizer(
    java_words: Oracle, published_captions: list[str]
) -> None:
    assert len(published_captions) > 80_000
    ours = words_of_all(published_captions)
    theirs = java_words(published_captions)
    different = [
        (caption, own, other)
        for caption, own, other in zip(published_captions, ours, theirs, strict=True)
        if own != other
    ]
    assert different == []
    assert sum(map(len, ours)) > 700_000


HARD = """I can't, cannot, gonna gotta lemme gimme wanna 'tis 'Twas d'ye more'n y'all cannot-do
don't won't isn't ain't y'all he'll they'd I'm we're you've dogs' dog's DON'T HE'LL don’t it’s don`t
"quoted" 'single' “curly” ‘x’ ``latex'' <b>tag</b> (round) [square] {curly} ""a"" “‘a’” «b»
wait... wait.. wait…. end.... a . . . b -- c — d – e - f --- g ----- h
1,000 3.14 10:30 -5 +3 1/2 2 1/2 $5 US$5 5% 12/25/2020 1990s '90s 3rd 5th 12:30pm 5kHz. 10x10 .5 1.,2
http://www.foo.com/bar?x=1. www.example.org foo.com a@b.com @user #hash #a1 b.net/foo http://a
well-known hip-hop and/or A/C 24/7 state-of-the-art AT&T R&B rock&roll a/b/c/d re-cocks coo- -pitched
U.S. U.S.A. p.a. a.m. p.m. Mr. Smith St. Louis etc. e.g. i.e. vs. Jan. Inc. Co. J. Smith
and U.S. He went to plan B. The end
no. 5 No.5 fig. 5 pp. 3 no. five art. 5 art. v
dogs., cats; dogs.: semi-truck., 5., ab.cd., etc., etc.; etc...
café naïve über 日本語 £5 €10 © ½ ⅓ x² 5° Привет हिन्दी 😀 a😀b ♪
O'Brien d'Artagnan rock'n'roll rock 'n' roll ol' 'em 'cause ma'am o'clock c'mon nor'easter l'a U'A be'A
:) :-( ;) <3 :D =) :p ^_^ -_- :D5 (:
&amp; &lt;x&gt; &quot;a&quot; &nbsp; *gulp* ** a*b a_b a_b_c a__b __ ~ ^ | \\ / @ # % + = &mdash; &#39;
file.wav test.mp3 1.wav 1.wav, foo.py hello.world barks.and talk.s my-file.pdf hello.5pm 1a.b
(555) 123-4567 555-1234 1-800-555-1234 800 555 1234
a!! b?! c?? d,, e;; f:: g"h i'j 'A big' 'n ?a !a a!b
Jan.A etc.and etc.-5 mr.smith U.S.-based anti-U.S. wordy-p.m. Ph.D. D.C. Pty. PTY. ill. Ill.
<a href="x y">t</a> <br /> < a > a<b a>b <1> <http://x> c++ C++ c+
speed.and it;s ",'A" closer']}] On|on “bless you”, “go, go!” “USA” echo'd scraps'""".splitlines()


def test_hard_cases_by_the_java_tokenizer(java_words: Oracle) -> None:
    # Each line, and each piece of it on its own with a line after it that begins no sentence.
    pieces = [piece for line in HARD for piece in line.split(" ") if not re.fullmatch(r"no\.|fig\.|pp\.|art\.", piece)]
    captions = [*HARD, *(f"x {piece} x" for piece in pieces)]
    assert len(captions) > 250
    assert dict(zip(captions, words_of_all(captions), strict=True)) == dict(
        zip(captions, java_words(captions), strict=True)
    )


def test_random_heaps_of_words_and_signs_are_almost_always_the_same(java_words: Oracle) -> None:
    rng = random.Random(7)
    parts = [piece for line in HARD for piece in line.split(" ")]
    captions = [
        "x" + "".join(rng.choice(parts) + rng.choice(["", " ", " ", " "]) for _ in range(rng.randint(1, 5))) + " x"
        for _ in range(4000)
    ]
    theirs = java_words(captions)
    different = [caption for caption, other in zip(captions, theirs, strict=True) if words(caption) != other]
    assert len(different) < 0.03 * len(captions)


PLAIN = ("a", "dog", "barks", "twice", "while", "rain", "falls", "softly")


@given(st.lists(st.text(max_size=30), max_size=6))
def test_captions_do_not_depend_on_each_other(captions: list[str]) -> None:
    together = words_of_all(captions)
    assert together == [words(caption) for caption in captions]
    for found in together:
        assert not PUNCTUATION & set(found)
        assert all(word and " " not in word and "\n" not in word for word in found)


@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=12))
def test_plain_words_stay_as_they_are(plain: list[str]) -> None:
    # A single letter before a period is an initial, and keeps it.
    plain = [*plain, "loudly"]
    sentence = " ".join(plain)
    assert words(sentence.capitalize() + ".") == plain
    assert words(sentence.upper()) == plain


def test_it_needs_nothing_but_errors() -> None:
    code = "import sys, audiolect.metrics.words\nprint(sorted({'torch', 'polars', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_forgotten_is_tokenised_again() -> None:
    before = words("a dog's bark, etc.")
    forget_pieces()
    assert words("a dog's bark, etc.") == before == ["a", "dog", "'s", "bark", "etc."]
