"""Pictures of the docs, put together."""

from PIL import Image


def side_by_side(images: list[Image.Image], height: int, gap: int = 24) -> Image.Image:
    """The images in one row on a quiet ground, cut at ``height``."""
    shown = [image.crop((0, 0, image.width, min(image.height, height))) for image in images]
    tallest = max(image.height for image in shown)
    sheet = Image.new("RGB", (sum(i.width for i in shown) + gap * (len(shown) + 1), tallest + 2 * gap), "#8b9794")
    left = gap
    for image in shown:
        sheet.paste(image, (left, gap))
        left += image.width + gap
    return sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS)
