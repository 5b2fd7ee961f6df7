"""Image bytes that every mail client shows: PNG, JPEG or GIF, and no wider than they are needed."""

import io
import math
import re
import warnings
from dataclasses import dataclass

import resvg_py
from lxml import etree
from PIL import Image, ImageOps, UnidentifiedImageError

from broadsheet.errors import BroadsheetError

#: Twice the width of a mail's column, for sharp screens.
MAX_WIDTH = 1280
MAX_PIXELS = 50_000_000
#: A drawing at least this wide fills the column, so it is drawn at its full width; an icon keeps its size.
_FULL_WIDTH = 300
_MAX_HEIGHT = 2560
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
_KEPT = {"PNG": ("png", "image/png"), "JPEG": ("jpg", "image/jpeg"), "GIF": ("gif", "image/gif")}
_PHOTO_COLOURS = 4096
#: A JPEG with less than this share of a PNG's bytes has fewer than the smallest PNG, which takes longer to find.
_WORTH = 0.8
_SVG = re.compile(rb"(?:<\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>|\s)*<(?:\w+:)?svg[\s>]", re.DOTALL)
_LENGTH = re.compile(r"\s*([0-9.]+(?:e[0-9]+)?)\s*(px|pt|mm|cm|in|)\s*", re.IGNORECASE)
_PIXELS = {"px": 1.0, "": 1.0, "pt": 4 / 3, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_RASTER_DATA = re.compile(r"\s*data:image/(png|jpe?g|gif|webp)[;,]", re.IGNORECASE)


@dataclass(frozen=True)
class Converted:
    """An image as it can be mailed."""

    data: bytes
    extension: str
    content_type: str
    width: int
    height: int


def convert(raw: bytes, max_width: int = MAX_WIDTH) -> Converted:
    """``raw`` as it is, if it is a PNG, JPEG or GIF that fits; else converted, turned upright and scaled.

    SVG becomes PNG; WebP, AVIF, BMP and TIFF become PNG, or JPEG where that is a photograph without
    transparency. Raises BroadsheetError with the reason if it can't be done.
    """
    if _SVG.match(raw.removeprefix(b"\xef\xbb\xbf")[:65_536]):
        return _drawn(raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
                return _repainted(image, raw, max_width)
    except UnidentifiedImageError as error:
        raise BroadsheetError("is not an image of a kind we know") from error
    except Image.DecompressionBombError as error:
        raise BroadsheetError("has too many pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError) as error:
        raise BroadsheetError("is a damaged image") from error


def _repainted(image: Image.Image, raw: bytes, max_width: int) -> Converted:
    if image.width * image.height > MAX_PIXELS:
        raise BroadsheetError(f"has too many pixels ({image.width} x {image.height})")
    kind = "JPEG" if image.format == "MPO" else image.format or ""
    animated = kind == "GIF" and getattr(image, "is_animated", False)
    image.load()
    upright = image.getexif().get(0x0112, 1) == 1
    plain = kind in _KEPT and upright and image.mode != "CMYK" and image.format != "MPO"
    if animated or (plain and image.width <= max_width):
        extension, content_type = _KEPT[kind]
        return Converted(raw, extension, content_type, image.width, image.height)
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    painted: Image.Image = ImageOps.exif_transpose(image)
    painted = painted.convert("RGBA" if painted.has_transparency_data else "RGB")
    if painted.width > max_width:
        height = max(1, round(painted.height * max_width / painted.width))
        painted = painted.resize((max_width, height), Image.Resampling.LANCZOS)
    return _encoded(painted, profile, was_jpeg=kind == "JPEG")


def _encoded(image: Image.Image, profile: bytes | None, *, was_jpeg: bool) -> Converted:
    """PNG, or JPEG where there is no transparency, many colours, and fewer bytes."""
    size = (image.width, image.height)
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    jpeg = b""
    if image.mode == "RGB" and (was_jpeg or image.getcolors(_PHOTO_COLOURS) is None):
        jpeg = _saved(image, "JPEG", quality=85, optimize=True, progressive=True, icc_profile=profile)
    if jpeg and (was_jpeg or len(jpeg) < _WORTH * len(_saved(image, "PNG", icc_profile=profile))):
        return Converted(jpeg, "jpg", "image/jpeg", *size)
    png = _saved(image, "PNG", optimize=True, icc_profile=profile)
    if jpeg and len(jpeg) < len(png):
        return Converted(jpeg, "jpg", "image/jpeg", *size)
    return Converted(png, "png", "image/png", *size)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _drawn(raw: bytes) -> Converted:
    """The PNG of an SVG; pictures that it would take from a disk or the web are left out."""
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
        width, height = _size(root)
        _sever(root)
        factor = MAX_WIDTH / width if width >= _FULL_WIDTH else 1.0
        factor = min(factor, _MAX_HEIGHT / height)
        if "viewBox" not in root.attrib:
            root.set("viewBox", f"0 0 {width:f} {height:f}")
        root.set("width", str(max(1, math.floor(width * factor))))
        root.set("height", str(max(1, math.floor(height * factor))))
        drawn = resvg_py.svg_to_bytes(svg_string=etree.tostring(root, encoding="unicode"))
        with Image.open(io.BytesIO(drawn), formats=("PNG",)) as image:
            data = _saved(image, "PNG", optimize=True)
            return Converted(data, "png", "image/png", image.width, image.height)
    except (etree.XMLSyntaxError, ValueError, OSError, ArithmeticError) as error:
        raise BroadsheetError(f"is an SVG that can't be drawn ({str(error).splitlines()[0][:100]})") from error


def _size(root: etree._Element) -> tuple[float, float]:
    """The width and height that a drawing asks for, in pixels."""
    box = [float(each) for each in re.findall(r"[-+.\deE]+", root.get("viewBox", ""))]
    width, height = _pixels(root.get("width")), _pixels(root.get("height"))
    if len(box) == 4 and box[2] > 0 and box[3] > 0:
        width = width or (height * box[2] / box[3] if height else box[2])
        height = height or width * box[3] / box[2]
    if not (width and height and math.isfinite(width * height)):
        raise ValueError("it names no size: neither width and height nor viewBox")
    return width, height


def _pixels(length: str | None) -> float:
    found = _LENGTH.fullmatch(length or "")
    return float(found[1]) * _PIXELS[found[2].lower()] if found else 0.0


def _sever(root: etree._Element) -> None:
    """Take out every reference of ``root`` to another file: the renderer would read local ones."""
    for element in root.iter("*"):
        for name, value in list(element.attrib.items()):
            local = etree.QName(name).localname
            inner = str(value).startswith("#") or _RASTER_DATA.match(str(value))
            if local == "base" or (local == "href" and not inner):
                del element.attrib[name]
