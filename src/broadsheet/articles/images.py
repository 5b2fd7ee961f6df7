"""An article's image, made fit for mail and kept: found in the source's own folder, or fetched."""

import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from broadsheet.articles.conversion import MAX_WIDTH, convert
from broadsheet.articles.fetching import MAX_BYTES, fetch
from broadsheet.conf import Source
from broadsheet.errors import BroadsheetError
from broadsheet.workspace import Workspace
from broadsheet.workspace.reading import write_atomically

#: Seconds before an image from the web is fetched again.
FRESH = 24 * 3600
#: Part of every remembered stamp: raise it when images should be converted anew.
VERSION = 1


@dataclass(frozen=True)
class Rendition:
    """A file in the image cache that any mail client shows; ``width`` and ``height`` are its pixels."""

    path: Path
    name: str
    width: int
    height: int
    content_type: str
    size: int


@dataclass(frozen=True)
class ImageProblem:
    """Why an image can't be mailed."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"the image {self.address} {self.reason}"


@dataclass(frozen=True)
class _Remembered:
    """What the cache knows of an address: the file it became, and what it was then."""

    stamp: str
    name: str
    width: int
    height: int
    content_type: str


def rendition(
    workspace: Workspace, source: Source, address: str, *, allow_private: bool = False
) -> Rendition | ImageProblem:
    """The image at ``address``, of an article of ``source``, ready for mail.

    An address of the site is looked up in the source's ``images`` folder, if it has one; anything else is
    fetched, and fetched again after a day. The file is named by its content and stays as it is for good.
    """
    folder = workspace.state / "images"
    try:
        local = _local_file(workspace, source, address)
        stamp = _stamp(local)
        note = folder / "index" / f"{_digest(address.encode('utf-8', 'replace'))}.json"
        remembered = _recall(note, stamp, folder)
        if remembered is None:
            raw = _bytes_of(local) if local else fetch(address, allow_private=allow_private)
            remembered = _keep(raw, stamp, folder)
            write_atomically(note, json.dumps(asdict(remembered)))
        path = folder / remembered.name
        size = path.stat().st_size
    except BroadsheetError as error:
        return ImageProblem(address, str(error))
    except OSError as error:
        return ImageProblem(address, f"can't be read or kept ({error.strerror})")
    return Rendition(path, path.name, remembered.width, remembered.height, remembered.content_type, size)


def at_width(workspace: Workspace, made: Rendition, pixels: int) -> Rendition:
    """The image, at most so many pixels wide, if that makes it lighter; kept by content. Animations stay."""
    if made.width <= pixels:
        return made
    folder, stamp = workspace.state / "images", f"{VERSION} {made.name} {pixels}"
    note = folder / "index" / f"{_digest(stamp.encode())}.json"
    try:
        remembered = _recall(note, stamp, folder)
        if remembered is None:
            remembered = _keep(made.path.read_bytes(), stamp, folder, pixels)
            write_atomically(note, json.dumps(asdict(remembered)))
        path = folder / remembered.name
        size = path.stat().st_size
    except (BroadsheetError, OSError):
        return made  # larger than it need be, and shown all the same
    if size >= made.size:
        return made
    return Rendition(path, path.name, remembered.width, remembered.height, remembered.content_type, size)


def _local_file(workspace: Workspace, source: Source, address: str) -> Path | None:
    """The file of an address of our site; None if it must be fetched. Raises BroadsheetError."""
    try:
        parts = urlsplit(address)
        host, path = parts.netloc, unquote(parts.path)
    except ValueError as error:
        raise BroadsheetError("is no valid address") from error
    if source.images is None or host.lower() != urlsplit(workspace.config.site.url).netloc.lower():
        return None
    file = _inside((workspace.root / source.images).resolve(), path)
    if not file.is_file():
        raise BroadsheetError(f"is not in the folder “{source.images}” that `images` under `sources` names")
    return file


def _inside(base: Path, path: str) -> Path:
    """``path`` under ``base``. Raises BroadsheetError if it leads anywhere else."""
    try:
        file = (base / path.lstrip("/")).resolve()
    except (ValueError, OSError, RuntimeError) as error:
        raise BroadsheetError("is no valid address") from error
    if not file.is_relative_to(base):
        raise BroadsheetError("leads out of the folder that `images` under `sources` names")
    return file


def _stamp(local: Path | None) -> str:
    """What an image is known by without reading it: a file by its time and size, another by its day."""
    if local is None:
        return f"{VERSION} web"
    status = local.stat()
    return f"{VERSION} {local} {status.st_mtime_ns} {status.st_size}"


def _recall(note: Path, stamp: str, folder: Path) -> _Remembered | None:
    try:
        remembered = _Remembered(**json.loads(note.read_text(encoding="utf-8")))
        old = stamp.endswith(" web") and time.time() - note.stat().st_mtime > FRESH
    except (OSError, ValueError, TypeError):
        return None  # never seen, or a note that can't be read: make it anew
    good = remembered.stamp == stamp and not old and (folder / remembered.name).is_file()
    return remembered if good else None


def _bytes_of(local: Path) -> bytes:
    if local.stat().st_size > MAX_BYTES:
        raise BroadsheetError(f"is larger than {MAX_BYTES // 1_000_000} MB")
    return local.read_bytes()


def _keep(raw: bytes, stamp: str, folder: Path, max_width: int = MAX_WIDTH) -> _Remembered:
    """The image converted and stored under the name of its content."""
    converted = convert(raw, max_width)
    name = f"{_digest(converted.data)}.{converted.extension}"
    if not (folder / name).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(converted.data)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return _Remembered(stamp, name, converted.width, converted.height, converted.content_type)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:20]
