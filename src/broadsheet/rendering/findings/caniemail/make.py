"""Makes ``data.json`` from the npm package ``caniemail``.

::

    npm pack caniemail && tar xzf caniemail-*.tgz
    python src/broadsheet/rendering/findings/caniemail/make.py package

Kept are the mail programs named below and, of each, the latest answer: ``n`` not supported, ``a`` in part.
What all of them support is left out. Compare the package's LICENSE with the one here when you do this.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

#: The program's name, and what Can I Email calls it; the worst answer of several platforms counts.
CLIENTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "Gmail": (("gmail", "desktop-webmail"), ("gmail", "ios"), ("gmail", "android")),
    "Outlook on Windows": (("outlook", "windows"),),
    "Outlook.com": (("outlook", "outlook-com"),),
    "Apple Mail": (("apple-mail", "macos"),),
    "Mail on iOS": (("apple-mail", "ios"),),
    "Yahoo Mail": (("yahoo", "desktop-webmail"), ("yahoo", "ios"), ("yahoo", "android")),
}
DATA: Final = Path(__file__).with_name("data.json")
_WORST_FIRST: Final = "nauy"


def condensed(package: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """What ``data.json`` holds, from the package's ``package.json`` and ``data/caniemail.json``.

    Raises ValueError if the package is no longer under the MIT licence.
    """
    if package["license"] != "MIT":
        raise ValueError(f"the package's licence is {package['license']}, not MIT: read it before using the data")
    features = {}
    for feature in data["data"]:
        support = {name: _answer(feature["stats"], keys) for name, keys in CLIENTS.items()}
        lacking = {name: answer for name, answer in support.items() if answer in ("n", "a")}
        if lacking:
            features[feature["slug"]] = {"title": " ".join(feature["title"].split()), **lacking}
    return {
        "from": f"Can I Email, by the npm package caniemail {package['version']} (MIT, see LICENSE)",
        "date": data["last_update_date"][:10],
        "features": features,
    }


def _answer(stats: dict[str, Any], keys: tuple[tuple[str, str], ...]) -> str:
    """``y``, ``n``, ``a`` (in part) or ``u`` (unknown): the worst of the latest answers."""
    latest = [
        list(versions.values())[-1][0] for family, platform in keys if (versions := stats.get(family, {}).get(platform))
    ]
    return min(latest, key=_WORST_FIRST.index, default="u")


def main(folder: Path) -> None:
    """Write ``data.json`` from the unpacked package in ``folder``."""
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    data = json.loads((folder / "data" / "caniemail.json").read_text(encoding="utf-8"))
    made = condensed(package, data)
    features = ",\n".join(
        f"  {json.dumps(slug)}: {json.dumps(each, ensure_ascii=False)}" for slug, each in made["features"].items()
    )
    head = "".join(f" {json.dumps(key)}: {json.dumps(made[key])},\n" for key in ("from", "date"))
    DATA.write_text(f'{{\n{head} "features": {{\n{features}\n }}\n}}\n', encoding="utf-8")
    sys.stdout.write(f"{DATA}: {len(made['features'])} features, {made['date']}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
