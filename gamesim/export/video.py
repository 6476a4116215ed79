"""Films, GIF or MP4, that are written frame by frame: one frame is in memory, however long the film is."""

import importlib.util
import struct
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, ImageChops

from gamesim import outputs, storage
from gamesim.errors import UserError

KINDS = (".gif", ".mp4")
NO_MP4 = "MP4 needs the extra: pip install 'gamesim[video]' (no module named imageio_ffmpeg)"
FRAMES_PER_SECOND = 8
MAX_PIXELS = 500_000_000  # of all frames together; a film beyond that helps nobody


def check(out: Path, frames: int, size: tuple[int, int], scale: int = 1) -> None:
    """Complain about a film that could not be written, before its frames are made.

    Args:
        out: The file; its name ends in one of KINDS.
        frames: How many there will be.
        size: Height and width of a frame.
        scale: Screen pixels for each of them, along each side.

    Raises:
        UserError: Another kind of file, an extra that is missing, too many pixels, or a place that cannot be
            written.
    """
    if out.suffix.lower() not in KINDS:
        raise UserError(f"{out}: a film's name ends in {' or '.join(KINDS)}")
    if out.suffix.lower() == ".mp4" and not can_mp4():
        raise UserError(NO_MP4)
    pixels = frames * size[0] * size[1] * scale**2
    if pixels > MAX_PIXELS:
        most = f"{MAX_PIXELS / 1e6:,.0f} million pixels"
        raise UserError(f"{out}: the film is too large: {frames:,} frames of this size exceed {most}")
    outputs.check_file(out)


def can_mp4() -> bool:
    """Whether the extra that MP4 needs is installed."""
    return importlib.util.find_spec("imageio_ffmpeg") is not None


def write(
    frames: Iterable[NDArray[np.uint8]], out: Path, *, scale: int = 1, rate: float = FRAMES_PER_SECOND
) -> None:
    """Write frames uint8 (H, W, 3), each when it comes; `check` says beforehand whether that can be done.

    Args:
        frames: One or more, all of one size.
        out: The file. Until the last frame is written, what was there before still is.
        scale: Enlarges by a whole number: nearest neighbour.
        rate: Frames a second; a GIF goes on for ever.

    Raises:
        UserError: The file cannot be written; nothing is left behind.
    """
    encode = _gif if out.suffix.lower() == ".gif" else _mp4
    with storage.replacing(out) as temporary:
        encode(frames, temporary, scale, rate)


def _gif(frames: Iterable[NDArray[np.uint8]], path: Path, scale: int, rate: float) -> None:
    """Each frame adds the part that has changed, in up to 256 colours of its own."""
    before = None
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            picture = Image.fromarray(frame)
            if before is None:
                box, size = (0, 0, *picture.size), (picture.width * scale, picture.height * scale)
                for_ever = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
                file.write(b"GIF89a" + struct.pack("<HH", *size) + b"\x70\0\0" + for_ever)
            else:  # where nothing has changed, one pixel
                box = ImageChops.difference(before, picture).getbbox() or (0, 0, 1, 1)
            part = picture.crop(box).convert("P", palette=Image.Palette.ADAPTIVE)
            part = part.resize((part.width * scale, part.height * scale), Image.Resampling.NEAREST)
            hundredths = round(100 * (number + 1) / rate) - round(100 * number / rate)
            how = {"duration": 10 * hundredths, "include_color_table": True}
            data = GifImagePlugin.getdata(part, (box[0] * scale, box[1] * scale), **how)
            file.writelines(data)
            data.clear()  # else it stays until Python collects a class that Pillow makes for each
            before = picture
        file.write(b";")


def _mp4(frames: Iterable[NDArray[np.uint8]], path: Path, scale: int, rate: float) -> None:
    """H.264 as every player has it: sides are even, so that one row or column of pixels may be doubled."""
    import imageio_ffmpeg

    writer = None
    try:
        for frame in frames:
            large = frame.repeat(scale, axis=0).repeat(scale, axis=1)
            even = np.pad(large, (*((0, side % 2) for side in large.shape[:2]), (0, 0)), mode="edge")
            if writer is None:
                writer = imageio_ffmpeg.write_frames(
                    path,
                    (even.shape[1], even.shape[0]),
                    fps=rate,  # pyright: ignore[reportArgumentType]
                    codec="libx264",
                    macro_block_size=2,
                    output_params=["-f", "mp4"],  # the temporary name does not say so
                )
                writer.send(None)
            _send(writer, even)
    finally:
        if writer is not None:
            writer.close()
    if not (path.exists() and _is_whole(path)):  # nobody tells how ffmpeg ended
        raise OSError("ffmpeg left the film unfinished")


def _send(writer: Generator[None, Any, None], frame: NDArray[np.uint8]) -> None:
    try:
        writer.send(np.ascontiguousarray(frame))
    except OSError as error:  # whose text is the whole command; what ffmpeg had to say is on stderr
        raise OSError("ffmpeg ended before the film did") from error


def _is_whole(path: Path) -> bool:
    """Whether the parts of an MP4 fill the file to its end, and the one that is written last is there."""
    kinds, at, size = set(), 0, path.stat().st_size
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:], "big") if length == 1 else length
            kinds.add(head[4:8])
            at += max(8, length)  # 0: ffmpeg had no time to say how long it is
    return at == size and b"moov" in kinds
