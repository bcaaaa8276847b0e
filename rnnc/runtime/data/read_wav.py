""".wav of 16 bits: one sequence, its samples from -1 up to 1, a unit a channel."""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np

from rnnc.runtime.data.fields import DataError
from rnnc.runtime.data.mapped import Mapped, Spool

FRAMES = 1 << 18


def read_wav(path: Path) -> Mapped:
    """The samples, (frames, channels) float32; DataError for a file that is damaged or of another form."""
    try:
        with path.open("rb") as file, wave.open(file, "rb") as sound:
            if sound.getsampwidth() != 2:
                raise DataError(f"{path}: {8 * sound.getsampwidth()} bits a sample; only 16 are read")
            spool, channels = Spool(np.float32), sound.getnchannels()
            while frames := sound.readframes(FRAMES):
                if len(frames) % (2 * channels):
                    raise DataError(f"{path}: ends within a frame")
                samples = np.frombuffer(frames, "<i2" if sys.byteorder == "little" else ">i2")
                spool.add(samples.astype(np.float32) / 32768.0, len(samples) // channels)
            if spool.rows != sound.getnframes():
                raise DataError(f"{path}: {sound.getnframes()} frames are announced, {spool.rows} are there")
    except (wave.Error, EOFError) as error:
        raise DataError(f"{path}: not a readable .wav file: {str(error) or 'it ends early'}") from None
    if not spool.rows:
        raise DataError(f"{path}: there is no sample")
    return spool.finish((channels,))
