"""Host names that look like others."""

import re
import unicodedata
from typing import Final

#: letters of other scripts, and signs, that are taken for Latin ones; the skeleton of Unicode's TR 39, in small
_TAKEN_FOR: Final = str.maketrans(
    {
        **dict(zip("аеорсхуіјѕԁһӏкмтвнгԛԝӕʼ", "aeopcxyijsdhlkmtbhrqwæ'", strict=True)),
        **dict(zip("αενορτυικχωγηβμ", "aevoptuikxwynbu", strict=True)),
        "0": "o",
        "1": "l",
        "i": "l",
        "5": "s",
        "ı": "l",
        "ɡ": "g",
        "ſ": "s",
    }
)
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
#: scripts that Japanese, Korean and Chinese names mix with Latin letters as a matter of course
_AT_HOME: Final = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "DIGIT", "HYPHEN-MINUS", "FULLWIDTH"}


def readable(host: str) -> str:
    """The host as a reader sees it: punycode decoded, in lower case."""
    labels = []
    for label in host.lower().rstrip(".").split("."):
        try:
            labels.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except (UnicodeError, ValueError):
            labels.append(label)
    return ".".join(labels)


def registered(host: str) -> str:
    """The part of a host that somebody registered, as near as it can be told without a list: ``clinic.co.uk``."""
    labels = readable(host).split(".")
    second_level = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if second_level else labels[-2:])


def skeleton(host: str) -> str:
    """What a hasty reader takes the host for; two hosts of one skeleton look alike."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", readable(host)) if not unicodedata.combining(c))
    plain = plain.translate(_TAKEN_FOR)
    for pair, single in _PAIRS:
        plain = plain.replace(pair, single)
    return plain


def mixes_scripts(host: str) -> bool:
    """Whether one word of the host has letters of several scripts, or poses as Latin from end to end."""
    for label in readable(host).split("."):
        scripts = {unicodedata.name(each, "?").split()[0] for each in label if each.isalpha()} - _AT_HOME
        if len(scripts) > 1:
            return True
    first, _, top = registered(host).rpartition(".")
    return (
        not first.isascii() and top.isascii() and re.fullmatch(r"[a-z0-9-]+", first.translate(_TAKEN_FOR)) is not None
    )


def looks_like(host: str, own: str) -> bool:
    """Whether ``host`` is not ``own``, but could be taken for it."""
    theirs, ours = registered(host), registered(own)
    return theirs != ours and skeleton(theirs) == skeleton(ours)


def one_letter_off(host: str, own: str) -> bool:
    """Whether the names differ in one letter, of a name long enough for that to be no chance."""
    theirs, ours = registered(host), registered(own)
    first, _, top = theirs.rpartition(".")
    second, _, own_top = ours.rpartition(".")
    return top == own_top and min(len(first), len(second)) >= 6 and _distance_is_one(first, second)


def _distance_is_one(first: str, second: str) -> bool:
    if len(first) > len(second):
        first, second = second, first
    if first == second or len(second) - len(first) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    same_length = len(first) == len(second)
    if (
        same_length
        and first[start + 2 :] == second[start + 2 :]
        and first[start : start + 2] == second[start : start + 2][::-1]
    ):
        return True
    return first[start + same_length :] == second[start + 1 :]
