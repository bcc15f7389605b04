"""The rules by which the Penn Treebank tokenizer of caption scoring cuts text, as a table of patterns.

At each place every rule is tried and the longest match wins, what it looks ahead at included; of equally long ones the
first. The rules were found by asking the tokenizer of the Stanford parser (3.4.1, options ``-preserveLines
-lowerCase``) what it does, character by character and word by word; nothing of its code is used.

Conventions: group 1 of a pattern is the token, and what follows it in the match is only looked at; the token becomes
itself, a text, or what a function makes of it. Every pattern takes the longest that it can. Characters that no rule
knows, such as emoji, disappear.

Public names: Rule, RULES, KEEPS_PERIOD.

Source: the behaviour of edu.stanford.nlp.process.PTBTokenizer 3.4.1, as the caption evaluation of MS COCO runs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# Combining marks, points and vowel signs that belong to words, beside what Unicode calls alphabetic.
_MARKS = (
    "\u02c2-\u02c5\u02d2-\u02df\u02e5-\u02eb\u02ed\u02ef-\u036f\u0375\u0378-\u0379\u0384-\u0385\u03f6\u0483-\u0487"
    "\u055a-\u055f\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0615-\u061a\u064b-\u065e\u0670"
    "\u06d6-\u06e4\u06e7-\u06ed\u06fd-\u06fe\u070f\u0711\u0730-\u074c\u07a6-\u07b0\u07eb-\u07f3\u0900-\u0903\u093c"
    "\u093e-\u094e\u0951-\u0955\u0962-\u0963\u0981-\u0983\u09bc\u09be-\u09c4\u09c7-\u09c8\u09cb-\u09cd\u09d7"
    "\u09e2-\u09e3\u0a01-\u0a03\u0a3c\u0a3e-\u0a4f\u0a81-\u0a83\u0abc\u0abe-\u0acf\u0b82\u0bbe-\u0bc2\u0bc6-\u0bc8"
    "\u0bca-\u0bcd\u0c01-\u0c03\u0c3e-\u0c56\u0d3e-\u0d44\u0d46-\u0d48\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1"
    "\u0eb4-\u0ebc\u0ec8-\u0ecd\u1885-\u1886"
)
# Signs that are tokens of their own; what is neither here nor in another rule disappears.
_SIGNS = (
    r"%&'+,:;<=>\\^`|~/"
    "\u00a1\u00a5-\u00a9\u00ac\u00ae-\u00b4\u00b6-\u00b9\u00bf\u00d7\u00f7\u037e\u0387\u0589\u05be\u05c0\u05c3\u05c6"
    "\u05f3-\u05f4\u0600-\u0603\u0606-\u060c\u0614\u061b\u061e-\u061f\u066a\u066d\u06d4\u0700-\u070d\u07f6-\u07f8"
    "\u0964-\u0965\u0e3f\u0e4f\u1fbd\u2016-\u2017\u201a\u201e-\u2023\u2030-\u2038\u203b\u203e-\u2042\u2044"
    "\u20a4\u2100-\u2101\u2103-\u2106\u2108-\u2109\u2114\u2116-\u2118\u211e-\u2123\u2125"
    "\u2127\u2129\u212e\u213a-\u213b\u2140-\u2144\u214a-\u214d\u214f\u2155-\u215e\u2190-\u2bff\u3001-\u3002\u3012"
    "\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffe1\uffe5-\uffe6"
)
# Abbreviations that may end a sentence, and those that stand before something.
_CLOSING = (
    "ala?|apr|ariz|assn|aug|bancorp|bhd|bldg|blvd|bros|calif|co|colo|conn|corp|cos|ct|dak|dec|esq|est|etc|ext|feb|fla|"
    "fri|ga|inc|ind|intl|jan|jr|jul|jun|kans?|ky|ltd|mar|md|mich|minn|mon?|mont|neb|nev|nov|oct|okla|penn|plc|rd|rt|"
    "sept?|seq|sq|sr|sys|tel|tenn|thu|thurs|tues?|univ|va|vt|wed|wisc?|wyo|(?:ph|ed)\\.d"
)
_OPENING = (
    "ad[jv]|adm|alex|assoc|asst|attys?|ave|brig|capt|cf|cie|cmdr|col|comdr|cpl|dept|det|drs?|elec|ens|ft|gen|govs?|hon|"
    "insp|invt|jos|lieut|lt|maj|messrs|mlle|mme|mrs?|ms|msgr|mt|natl|pfc|ph|pres|profs?|pvt|reps?|rev|sens?|sfc|sgt|spc|"
    "ste?|supts?|treas|vs|wm"
)
# Words of their own when they are small.
_CAPITAL_STATES = "I(?i:ll)|D(?i:el)|L(?i:a)|M(?i:iss|ass)|O(?i:re)|P(?i:a)|T(?i:ex)|W(?i:ash)|A(?i:rk|z)"
_COMPANIES = "[Pp]?[Pp]t[ey]s?"
_MANUFACTURERS = "[Mm][ft]g"
# After a single letter with a period, these begin a sentence.
_FIRST_WORDS = (
    "A(?i:bout|ccording|dditionally|fter|n|s|t)?|B(?i:ut)|E(?i:arlier)|H(?i:e|er|ere|owever)|I(?i:f|n|t)|L(?i:ast)|"
    "M(?i:any|ore|[rs]\\.)|N(?i:ow)|O(?i:nce|ne|ther|ur)|S(?i:he|ince|o|ome|uch)|"
    "T(?i:hat|he|heir|hen|here|hese|hey|his)|W(?i:e|hat|hen|hile)|Y(?i:et|ou)"
)
_BEFORE_NUMBERS = "art|ca|figs?|nos?|op|pp|prop"
_ENDINGS = (
    "bat|bmp|c|cgi|class|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|"
    "wav|x|xml|zip"
)

# What Unicode counts among numbers, and everything above U+FFFF, belongs to no word.
_NUMERALS = (
    "\u00b2\u00b3\u00b9\u00bc-\u00be\u09f4-\u09f9\u0b72-\u0b77\u0bf0-\u0bf2\u0c78-\u0c7e\u0d58-\u0d5e\u0d70-\u0d78"
    "\u0f2a-\u0f33\u1369-\u137c\u17f0-\u17f9\u19da\u2070-\u2079\u2080-\u2089\u2150-\u2189\u2460-\u249b\u24ea-\u24ff"
    "\u2776-\u2793\u2cfd\u3007\u3021-\u3029\u3038-\u303a\u3192-\u3195\u3220-\u3229\u3248-\u324f\u3251-\u325f"
    "\u3280-\u3289\u32b1-\u32bf\ua830-\ua835\U00010000-\U0010ffff"
)

_L = rf"(?:[^\W\d_{_NUMERALS}]|[\u00ad{_MARKS}]|&[aeiouAEIOU](?:acute|grave|uml);)"
_LD = rf"(?:\d|{_L})"
_WORD = rf"{_L}{_LD}*(?:[.!?]{_L}{_LD}*)*"
_NUMBER = r"[-+]?(?:\d*(?:[.:,\u00ad\u066b\u066c]\d+)+|\d+)"
_JOINED = rf"{_LD}+(?:[-_\u058a\u2010\u2011]{_LD}+)+"
_HYPHENATED = r"[A-Za-z0-9][A-Za-z0-9.,\u00ad]*(?:-(?:[A-Za-z](?:\.[A-Za-z])+\.|[A-Za-z0-9\u00ad]+))+"
_APOSTROPHE = "(?:['\u0092\u2019]|&apos;)"
_ANY_APOSTROPHE = "(?:['\u0092\u2019`\u0091\u2018\u201b]|&apos;)"
_ENDS_CLAUSE = "[,;:\u3001]"
_NO_LETTER = "[^A-Za-z]"
_PHONE = (
    r"(?:\([0-9]{2,3}\)[ \u00a0]?|(?:\+\+?)?(?:[0-9]{2,4}[- \u00a0])?[0-9]{2,4}[- \u00a0])[0-9]{3,4}[- \u00a0]?"
    r"[0-9]{3,5}|(?:(?:\+\+?)?[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}"
)
_ATTRIBUTE = r"""[A-Za-z][A-Za-z0-9:.-]*(?:[ ]*=[ ]*(?:"[^"\r\n]*"|'[^'\r\n]*'))?"""
_TAG = rf"<(?:[!?][A-Za-z-][^>\r\n]*|/?[A-Za-z][A-Za-z0-9:.-]*(?:[ ]+{_ATTRIBUTE})*[ ]*/?)>"
_IN_URL, _END_OF_URL = r"[^ \t\n\f\r\"<>|()]", r"[^ \t\n\f\r\"<>|.!?(){},-]"
_SITE = (
    r"(?:www\.(?:[^ \t\n\f\r\"<>|.!?(){},]+\.)+[A-Za-z]{2,4}"
    r"|(?:[^ \t\n\f\r\"`'<>|.!?(){},-_$]+\.)+(?:com|net|org|edu))"
)
_MAIL = (
    r"(?:<|&lt;)?[A-Za-z0-9][^ \t\n\f\r\"<>|(){}\u00a0]*@(?:[^ \t\n\f\r\"<>|(){}.\u00a0]+\.)*"
    r"[^ \t\n\f\r\"<>|(){}.\u00a0]+(?:>|&gt;)?"
)
_SLASHED = r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}"
_ELIDED = (
    rf"{_APOSTROPHE}n{_APOSTROPHE}?|[Dd]unkin{_APOSTROPHE}|[Ss]omethin{_APOSTROPHE}|[oO]l{_APOSTROPHE}"
    rf"|{_APOSTROPHE}(?:em|till?|cause|[2-9]0s)|[dDoOlL]{_ANY_APOSTROPHE}{_L}{_LD}+(?:-{_LD}+)*"
    rf"|{_L}+[aeiouyAEIOUY]{_ANY_APOSTROPHE}[aeiouA-Z]{_L}*|[cC]ap{_APOSTROPHE}n"
    r"|(?i:e'er|s'mores|ev'ry|li'l|nat'l|nor'easter|c'mon|c'est|o'o)"
)
_SMILEY = r"[<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]]"
_FACE = r"\(?[-^x=~<>']_[-^x=~<>']\)?"

_FRACTIONS = {"\u00bc": "1/4", "\u00bd": "1/2", "\u00be": "3/4", "\u2153": "1/3", "\u2154": "2/3"}
_BRACKETS = {"(": "-LRB-", ")": "-RRB-", "[": "-LSB-", "]": "-RSB-", "{": "-LCB-", "}": "-RCB-"}
_MONEY = {"\u00a3": "#", "\u00a2": "cents", "\u20ac": "$", "\u00a4": "$", "\u0080": "$", "\u20a0": "$"}
_QUOTES = dict.fromkeys("\u0091\u2018\u201b\u2039", "`") | dict.fromkeys("\u0092\u2019\u203a", "'")
_QUOTES |= dict.fromkeys("\u0093\u201c\u00ab", "``") | dict.fromkeys("\u0094\u201d\u00bb", "''")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "''", "&apos;": "'"}

Change = str | Callable[[str], str] | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it fits, and what becomes of its token (None: itself)."""

    pattern: re.Pattern[str]
    change: Change = None


def _rule(token: str, change: Change = None, *, before: str = "") -> Rule:
    return Rule(re.compile(f"({token}){before}"), change)


def _plain(text: str) -> str:
    """A word without soft hyphens and with one kind of apostrophe."""
    for entity in ("&apos;", "\u0092", "\u2019"):
        text = text.replace(entity, "'")
    return text.replace("&amp;", "&").replace("\u00ad", "")


def _without_blanks(text: str) -> str:
    """Tokens keep a blank as one that does not break, and parentheses by name."""
    return text.replace(" ", "\u00a0").replace("(", "-LRB-").replace(")", "-RRB-")


def _in_ascii(quotes: str) -> str:
    return "".join(_QUOTES.get(quote, quote) for quote in quotes)


def _looked_up(table: dict[str, str]) -> Rule:
    return _rule("|".join(map(re.escape, table)), table.__getitem__)


# What a period after it may belong to: abbreviations, and single letters.
KEEPS_PERIOD = re.compile(
    rf"(?i:{_CLOSING}|{_OPENING}|{_BEFORE_NUMBERS}|{_COMPANIES}|{_MANUFACTURERS})|{_CAPITAL_STATES}|[A-Za-z]"
)

# In the order of precedence among matches of one length.
RULES: tuple[Rule, ...] = (
    _rule(r"[cC]\+\+"),
    _rule("(?i:can)", before="(?i:not)"),
    _rule("(?i:gon|wan)", before="(?i:na)"),
    _rule("(?i:got)", before="(?i:ta)"),
    _rule("(?i:lem|gim)", before="(?i:me)"),
    _rule("'[tT]", before="(?i:is|was)"),
    _rule(_TAG, lambda text: text.replace(" ", "\u00a0")),
    _rule("&(?:MD|mdash|ndash|md);|[\u0096\u0097\u2013-\u2015]", "--"),
    _looked_up(_ENTITIES),
    _rule("&nbsp;", ""),
    _rule("&(?:HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);"),
    _rule(_WORD, _plain, before=rf"{_APOSTROPHE}(?i:[msd]|re|ve|ll)"),
    _rule("[A-Za-z]+", before=rf"[nN]{_ANY_APOSTROPHE}[tT]"),
    _rule(_WORD, _plain),
    _rule(rf"\d+{_L}{_LD}*", _plain),
    _rule(rf"[A-HJ-XZn]{_ANY_APOSTROPHE}{_L}{{2,}}", _plain),
    _rule(_ELIDED),
    _rule(f"[lLdDjJ]{_APOSTROPHE}"),
    _rule(f"[yY]{_APOSTROPHE}", before=_L),
    _rule(rf"{_APOSTROPHE}\d\d", before=r"\s"),
    _rule(rf"https?://{_IN_URL}+{_END_OF_URL}"),
    _rule(rf"{_SITE}(?:/{_IN_URL}+{_END_OF_URL})?"),
    _rule(_MAIL),
    _rule(rf"@[A-Za-z_][A-Za-z_0-9]*|#{_L}+"),
    _rule(f"{_APOSTROPHE}(?i:[msd]|re|ve|ll)", _plain, before=f"{_NO_LETTER}?"),
    _rule(f"[nN]{_ANY_APOSTROPHE}[tT]", _plain, before=f"{_NO_LETTER}?"),
    _rule(r"\d{1,2}[-/]\d{1,2}[-/]\d{2,4}"),
    _rule(rf"(?:{_NUMBER}|{_WORD}|{_JOINED}|{_HYPHENATED}|\d+{_L}{_LD}*)\.", _plain, before=_ENDS_CLAUSE),
    _rule(_NUMBER, _plain),
    _rule(r"[\u207a\u207b\u208a\u208b]?(?:[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+)|[\u2074-\u208e]"),
    _rule(r"(?:\d{1,4}[- \u00a0])?\d{1,4}(?:\\?/|\u2044)\d{1,4}", _without_blanks),
    _looked_up(_FRACTIONS),
    _rule(_SLASHED),
    _rule(r"[A-Z]*\$"),
    _looked_up(_MONEY),
    _rule(rf"(?:(?i:{_CLOSING})|{_CAPITAL_STATES}|{_COMPANIES})\.", before="(?s:..)?"),
    _rule(rf"(?:(?i:{_OPENING})|{_MANUFACTURERS})\."),
    _rule(rf"(?i:{_BEFORE_NUMBERS})\.", before=r"\s?\d"),
    _rule("[A-Za-z]", before=rf"\.\s+(?:{_FIRST_WORDS})\s"),
    _rule(r"[A-Za-z](?:\.[A-Za-z])*\."),
    _rule(rf"{_LD}+(?:\.{_LD}+)*\.(?i:{_ENDINGS})", _plain, before=r"[\s.?!,]"),
    _rule(_PHONE, _without_blanks),
    _rule("\"|''", "''"),
    _rule("[`\u0082\u0084\u0091-\u0094\u00ab\u00bb\u2018-\u201f\u2039\u203a]{1,2}", _in_ascii),
    _looked_up(_BRACKETS),
    _rule("-+", lambda text: "--" if 2 <= len(text) <= 4 else text),
    _rule(r"\.{3,5}|\.(?:[ \u00a0]\.){2,4}|[\u0085\u2026]", "..."),
    _rule(r"\\\*|\*+|#+|@+|_+|<<|>>|[?!]+|\."),
    _rule(_JOINED, _plain),
    _rule(_HYPHENATED, _plain),
    _rule(r"[A-Z]+(?:(?:[+&]|&amp;)[A-Z]+)+", _plain),
    _rule(_SMILEY, _without_blanks, before="[^A-Za-z0-9]"),
    _rule(_FACE, _without_blanks),
    _rule("'", before=r"[A-Za-z][^ \t\n\r\u00a0]"),
    _rule(f"[{_SIGNS}]"),
)
