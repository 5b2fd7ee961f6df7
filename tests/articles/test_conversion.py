import io
import struct
import zlib

import pytest
from PIL import Image

from broadsheet.articles.conversion import MAX_WIDTH, convert
from broadsheet.errors import BroadsheetError


def picture(kind, size=(40, 20), mode="RGB", colour=None, **options):
    out = io.BytesIO()
    Image.new(mode, size, colour or (200, 30, 60, 255)[: len(mode)]).save(out, kind, **options)
    return out.getvalue()


def photograph(kind, size=(400, 300), **options):
    out = io.BytesIO()
    red, green, blue = (Image.effect_noise(size, sigma) for sigma in (20, 30, 40))
    Image.merge("RGB", (red, green, blue)).resize(size).save(out, kind, **options)
    return out.getvalue()


def opened(converted):
    image = Image.open(io.BytesIO(converted.data))
    assert image.size == (converted.width, converted.height)
    return image


def svg(attributes='viewBox="0 0 800 400"', inner='<rect width="800" height="400" fill="#0a0"/>'):
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inner}</svg>'.encode()


@pytest.mark.parametrize(("kind", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif")])
def test_what_fits_stays_as_it_is(kind, extension):
    raw = picture(kind)
    converted = convert(raw)
    assert (converted.data, converted.extension) == (raw, extension)
    assert (converted.width, converted.height) == (40, 20)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "BMP", "TIFF"])
def test_other_kinds_become_png(kind):
    converted = convert(picture(kind))
    assert (opened(converted).format, converted.extension, converted.content_type) == (
        "PNG",
        "png",
        "image/png",
    )


def test_a_photograph_becomes_jpeg():
    converted = convert(photograph("WEBP", lossless=True))
    assert (opened(converted).format, converted.content_type) == ("JPEG", "image/jpeg")


def test_transparency_is_kept():
    image = opened(convert(picture("WEBP", mode="RGBA", colour=(1, 2, 3, 100), lossless=True)))
    assert (image.format, image.getpixel((0, 0))) == ("PNG", (1, 2, 3, 100))


@pytest.mark.parametrize(("kind", "result"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "PNG"), ("WEBP", "PNG")])
def test_what_is_too_wide_is_scaled_down(kind, result):
    converted = convert(picture(kind, (2560, 1000)))
    assert (converted.width, converted.height) == (MAX_WIDTH, 500)
    assert opened(converted).format == result


def test_an_animation_stays_as_it_is():
    out = io.BytesIO()
    frames = [Image.new("RGB", (2000, 10), colour) for colour in ("red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert convert(out.getvalue()).data == out.getvalue()


def test_a_picture_on_its_side_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    converted = convert(picture("JPEG", (40, 20), exif=exif))
    assert (converted.width, converted.height) == (20, 40)
    assert opened(converted).getexif().get(0x0112) is None


def test_a_picture_for_printing_is_made_one_for_screens():
    assert opened(convert(picture("JPEG", mode="CMYK", colour=(0, 0, 0, 0)))).mode == "RGB"


def test_a_drawing_is_drawn_at_the_full_width():
    converted = convert(svg())
    assert (converted.width, converted.height, converted.content_type) == (1280, 640, "image/png")
    assert opened(converted).convert("RGB").getpixel((600, 300)) == (0, 170, 0)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="24" height="24"', (24, 24)),
        ('width="24px" viewBox="0 0 48 96"', (24, 48)),
        ('width="100%" height="100%" viewBox="0 0 64 32"', (64, 32)),
        ('viewBox="0 0 1 1000000"', (1, 2560)),
        ('viewBox="0,0,300,600"', (1280, 2560)),
        ('width="1in" height="0.5in"', (96, 48)),
    ],
)
def test_a_drawing_has_the_size_it_asks_for(attributes, size):
    converted = convert(svg(attributes))
    assert (converted.width, converted.height) == size


def test_a_drawing_may_begin_with_a_declaration_and_a_comment():
    assert convert(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- hello -->\n<!DOCTYPE svg>\n" + svg()).width == 1280


def test_a_drawing_can_not_show_a_file_of_this_machine(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture("PNG"))
    inner = f'<image href="{secret}" width="800" height="400"/>'
    inner += f'<image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{secret}" width="800" height="400"/>'
    assert opened(convert(svg(inner=inner))).getchannel("A").getextrema() == (0, 0)


def test_a_drawing_may_hold_a_picture_and_refer_to_itself():
    import base64

    data = base64.b64encode(picture("PNG")).decode()
    inner = f'<image id="a" href="data:image/png;base64,{data}" width="800" height="400"/>'
    assert opened(convert(svg(inner=inner))).getpixel((640, 320)) == (200, 30, 60, 255)
    inner = '<defs><rect id="r" width="800" height="400" fill="red"/></defs><use href="#r"/>'
    assert opened(convert(svg(inner=inner))).getpixel((640, 320)) == (255, 0, 0, 255)


def entities():
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE svg [<!ENTITY a0 "x">{steps}]><svg viewBox="0 0 9 9" id="&a9;"/>'.encode()


def bomb():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not an image of a kind we know"),
        (b"<html><body>Not found</body></html>", "is not an image of a kind we know"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not an image of a kind we know"),
        (picture("PNG", (500, 500))[:-40], "is a damaged image"),
        (photograph("JPEG")[:5000], "is a damaged image"),
        (bomb(), "has too many pixels"),
        (picture("PNG", (8000, 8000), mode="L", colour=1), "has too many pixels (8000 x 8000)"),
        (svg(attributes=""), "is an SVG that can't be drawn (it names no size"),
        (svg(attributes='width="0" height="5"'), "is an SVG that can't be drawn (it names no size"),
        (b"<svg viewBox='0 0 9 9'><rect", "is an SVG that can't be drawn ("),
        (entities(), "is an SVG that can't be drawn ("),
    ],
    ids=range(11),
)
def test_what_can_not_be_shown_is_refused_with_the_reason(raw, reason):
    with pytest.raises(BroadsheetError) as caught:
        convert(raw)
    assert str(caught.value).startswith(reason)
