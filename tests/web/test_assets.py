"""The style sheet and the script are served from the package, under names that change with their content."""

import re

import pytest
from django.urls import reverse

from broadsheet.web.assets import ASSETS, content
from broadsheet.workspace import Workspace


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_is_kept_for_good_under_its_own_hash(client, name):
    address = reverse("asset", args=[name])
    assert re.fullmatch(r"/static/[a-z]+\.[0-9a-f]{8}\.(css|js)", address)
    response = client.get(address)
    assert response.content == content(name)
    assert response.headers["Content-Type"] == ASSETS[name]
    assert "immutable" in response.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["broadsheet.00000000.css", "secret.00000000.css", "broadsheet.css", "../settings.py"])
def test_nothing_else_is_served(client, path):
    assert client.get(f"/static/{path}").status_code == 404


def channel(value):
    value /= 255
    return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4


def contrast(one, other):
    def luminance(colour):
        red, green, blue = (channel(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(scheme):
    css = content("broadsheet.css").decode()
    roots = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", roots[0]))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", roots[1]))
    for text in ("ink", "muted", "accent", "grave"):
        for ground in ("ground", "sheet", "tint"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["sheet"], colours["grave"]) >= 4.5
    for ground in ("ground", "sheet"):
        assert contrast(colours["edge"], colours[ground]) >= 3  # WCAG 1.4.11: edges of controls


def test_a_picture_of_the_cache_is_served_and_nothing_else_is(client, tmp_path, settings):
    (tmp_path / "broadsheet.toml").touch()
    settings.WORKSPACE = Workspace(tmp_path)
    folder = tmp_path / ".broadsheet" / "images"
    folder.mkdir(parents=True)
    (folder / "0123456789abcdef0123.png").write_bytes(b"a picture")
    (folder / "index.json").write_text("{}")
    answer = client.get("/i/0123456789abcdef0123.png")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == b"a picture"
    assert answer["Content-Type"] == "image/png"
    assert "immutable" in answer["Cache-Control"]
    for name in ("index.json", "0123456789abcdef0124.png", "..%2f..%2fsecret_key", "x.svg"):
        assert client.get(f"/i/{name}").status_code == 404
