"""Charts, drawn on the server by pygal: SVG without script, in colours that read on light and dark ground."""

import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from pygal.style import Style

# pygal puts a finder for its maps before every import, in a form that Python 3.11 warns of and 3.12 ignores.
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]

_INK, _LINE, _COLORS = "#7a8a87", "#7a8a8744", ("#2b8a80", "#d08a3c", "#8a6fb0")
_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground=_INK,
    foreground_strong=_INK,
    foreground_subtle=_LINE,
    guide_stroke_color=_LINE,
    major_guide_stroke_color=_LINE,
    colors=_COLORS,
    font_family="system-ui, sans-serif",
    label_font_size=14,
    major_label_font_size=14,
    legend_font_size=14,
    opacity="1",
    opacity_hover="1",
)
# A drawing is as wide as the pages show it, so that its text is as large as theirs.
_COMMON: dict[str, Any] = {
    "style": _STYLE,
    "js": (),
    "explicit_size": False,
    "disable_xml_declaration": True,
    "show_y_guides": True,
    "margin": 8,
}


def bars(labels: Sequence[str], series: Mapping[str, Sequence[int]], *, narrow: bool = False) -> bytes:
    """Bars side by side for each label, as an SVG document; for a phone with ``narrow``."""
    chart = pygal.Bar(
        width=340 if narrow else 1000,
        height=260 if narrow else 320,
        legend_at_bottom=True,
        x_labels_major_every=24 if narrow else 6,
        margin_right=36 if narrow else 8,
        show_minor_x_labels=False,
        truncate_label=-1,
        max_scale=5,
        **_COMMON,
    )
    chart.x_labels = labels
    for name, values in series.items():
        chart.add(name, values)
    return _drawn(chart)


def line(points: Sequence[tuple[str, int]]) -> str:
    """A line through the points, as the address of a picture that holds itself; for half a page, or a phone."""
    chart = pygal.Line(
        width=400,
        height=180,
        fill=True,
        show_dots=False,
        show_legend=False,
        x_labels_major_count=4,
        include_x_axis=True,  # a list that lost a few readers does not look as if it had lost all
        max_scale=4,
        margin_right=24,
        truncate_label=-1,
        show_minor_x_labels=False,
        **_COMMON,
    )
    chart.x_labels = [label for label, _ in points]
    chart.add("", [value for _, value in points])
    return "data:image/svg+xml;base64," + b64encode(_drawn(chart)).decode("ascii")


def _drawn(chart: Any) -> bytes:
    drawn = chart.render()
    return drawn if isinstance(drawn, bytes) else drawn.encode()
