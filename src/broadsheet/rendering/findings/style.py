"""Inline CSS as far as checks need it: declarations, colours, contrast, lengths."""

import colorsys
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from PIL import ImageColor

Colour = tuple[int, int, int]

WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)

_DECLARATION: Final = re.compile(r"""([-\w]+)\s*:\s*((?:[^;"'(]|"[^"]*"|'[^']*'|\((?:[^()]|\([^()]*\))*\))*)""")
_HEX: Final = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})(?![0-9a-f])")
_RGB: Final = re.compile(r"rgba?\(\s*([\d.]+%?)[\s,]+([\d.]+%?)[\s,]+([\d.]+%?)(?:[\s,/]+([\d.]+%?))?\s*\)")
_HSL: Final = re.compile(r"hsla?\(\s*([\d.]+)(?:deg)?[\s,]+([\d.]+)%[\s,]+([\d.]+)%(?:[\s,/]+([\d.]+%?))?\s*\)")
_WORD: Final = re.compile(r"(?<![-#\w])[a-z]+(?![-\w(])")
_LENGTH: Final = re.compile(r"(-?[\d.]+)(px|pt|em|rem|%)?(?![\w.])")

_POINT: Final = 4 / 3
_ROOT_SIZE: Final = 16.0
_SIZE_WORDS: Final = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
}


@lru_cache(maxsize=2048)
def declarations(style: str) -> Mapping[str, str]:
    """Property to value, in lower case; the last of a name counts, ``!important`` is dropped."""
    return {
        match[1].lower(): re.sub(r"\s*!\s*important", "", match[2]).strip().lower()
        for match in _DECLARATION.finditer(style)
    }


@lru_cache(maxsize=1024)
def colour(value: str, ground: Colour | None = WHITE) -> Colour | None:
    """The first colour in ``value``, laid over ``ground`` if it is see-through; None if there is none."""
    value = value.strip().lower()
    if match := _HEX.search(value):
        digits = match[1] if len(match[1]) > 4 else "".join(2 * digit for digit in match[1])
        alpha = int(digits[6:], 16) / 255 if len(digits) == 8 else 1.0
        return _over((int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)), alpha, ground)
    if match := _RGB.search(value):
        red, green, blue = (_part(each, 255) for each in match.group(1, 2, 3))
        return _over((red, green, blue), _part(match[4], 1000) / 1000 if match[4] else 1.0, ground)
    if match := _HSL.search(value):
        hue, saturation, light = (float(each) for each in match.group(1, 2, 3))
        parts = colorsys.hls_to_rgb(hue / 360 % 1, light / 100, saturation / 100)
        red, green, blue = (round(part * 255) for part in parts)
        return _over((red, green, blue), _part(match[4], 1000) / 1000 if match[4] else 1.0, ground)
    for word in _WORD.findall(value):
        if name := ImageColor.colormap.get(word):
            return colour(name if isinstance(name, str) else as_hex(name[:3]), ground)
    return None


def _part(text: str, whole: int) -> int:
    number = float(text[:-1]) / 100 * whole if text.endswith("%") else float(text) * (whole if whole == 1000 else 1)
    return max(0, min(whole, round(number)))


def _over(front: Colour, alpha: float, ground: Colour | None) -> Colour | None:
    if alpha >= 1:
        return front
    if ground is None:
        return None
    red, green, blue = (round(alpha * a + (1 - alpha) * b) for a, b in zip(front, ground, strict=True))
    return red, green, blue


def contrast(first: Colour, second: Colour) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(of: Colour) -> float:
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in (part / 255 for part in of)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def font_size(value: str, inherited: float) -> float:
    """A ``font-size`` in pixels; the inherited one if it can't be read."""
    if value in _SIZE_WORDS:
        return _SIZE_WORDS[value]
    if value in ("smaller", "larger"):
        return inherited * (5 / 6 if value == "smaller" else 1.2)
    match = _LENGTH.fullmatch(value)
    if not match:
        return inherited
    number, unit = float(match[1]), match[2]
    factors = {"px": 1.0, None: 1.0, "pt": _POINT, "em": inherited, "rem": _ROOT_SIZE, "%": inherited / 100}
    return number * factors[unit]


def size_in_shorthand(value: str) -> str:
    """The size in a ``font`` shorthand; empty if there is none."""
    match = re.search(r"(?:^|\s)((?:[\d.]+(?:px|pt|em|rem|%))|(?:xx?-)?(?:small|large)|medium)(?=\s|/|$)", value)
    return match[1] if match else ""


def pixels(value: str) -> float | None:
    """A length in pixels; None if it is in another unit."""
    match = re.fullmatch(r"([\d.]+)(px)?", value.strip())
    return float(match[1]) if match else None


def as_hex(of: Colour) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*of)
