"""The linear model: for each aspect a table of whole-number weights over hashed n-grams and dense features.

Whole numbers, because their sums have no order: a text is read the same alone and in any batch. The file is NumPy's own
format without objects (nothing in it can run), and is refused where its checksum is not the expected one.
"""

import hashlib
import io
import json
import math
import tomllib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from channels_app.reading.dense import NAMES, VOTED_ON, WISHES
from channels_app.reading.features import SLOTS, Hashed

UNIT = 1 / 1024
"""What 1 in a table is worth."""
DENSE_UNIT = 1 / 1000
"""What 1 in a dense feature is worth."""
BUNDLED, CARD = "base.npz", "base.toml"
LEAST = 1e-12
FEATURES = 1
"""Raise it when n-grams or dense features come to mean something else: older fitted models are then refused."""

Weights = NDArray[np.int16]
Wide = NDArray[np.int64]


class BrokenModel(ValueError):
    """A model that must not be used; reads as the sentence that says why."""


class Sureness(NamedTuple):
    """How often a value is right where it was said: 1 / (1 + exp(-(start + slope x margin))), margin = log odds."""

    start: float = 0.0
    slope: float = 1.0

    def of(self, margin: float) -> float:
        return 1 / (1 + math.exp(-self.start - self.slope * margin))


class Said(NamedTuple):
    """What a head says of a text: a value, how sure it is (0..1), and the probability of each value in its order."""

    value: str
    confidence: float
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The weights of one aspect. `grams` is SLOTS x values, `dense` features x values, its last row the constant."""

    values: tuple[str, ...]
    grams: Weights
    dense: NDArray[np.int32]
    sureness: tuple[Sureness, ...]

    def odds(self, hashed: Hashed, dense: Wide) -> NDArray[np.float64]:
        """The log odds (texts x values), not yet normed: exact sums, so no rounding depends on the batch."""
        found, texts = self.grams[hashed.slots], len(hashed.counts)
        sums = [np.bincount(hashed.rows, found[:, at], texts) for at in range(len(self.values))]
        spread = np.sqrt(np.maximum(hashed.counts, 1))[:, None]
        return UNIT * np.stack(sums, axis=1) / spread + (UNIT * DENSE_UNIT) * (dense @ self.dense.astype(np.int64))

    def say(self, hashed: Hashed, dense: Wide) -> list[Said]:
        """What it says of each text of a batch."""
        return [self._said(odds) for odds in self.odds(hashed, dense).tolist()]

    def _said(self, odds: Sequence[float]) -> Said:
        """In plain floats, one by one: vectors may be rounded otherwise at the end of a batch."""
        highest = max(odds)
        parts = [math.exp(each - highest) for each in odds]
        at, whole = odds.index(highest), sum(parts)
        others = max(whole - parts[at], LEAST)
        return Said(
            self.values[at],
            self.sureness[at].of(math.log(parts[at] / others)),
            tuple(part / whole for part in parts),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """Immutable. `languages` are those whose n-grams it learned from."""

    version: str
    heads: Mapping[str, Head] = field(default_factory=lambda: MappingProxyType({}))
    languages: frozenset[str] = frozenset()

    def dumps(self) -> bytes:
        """The file: the same model gives the same bytes."""
        about: dict[str, Any] = {"features": FEATURES, "version": self.version, "languages": sorted(self.languages)}
        about["heads"] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for name, head in sorted(self.heads.items()):
            about["heads"][name] = {"values": head.values, "sureness": head.sureness}
            arrays[f"{name}_grams"], arrays[f"{name}_dense"] = head.grams, head.dense
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        body = io.BytesIO()
        np.savez_compressed(body, **arrays)  # type: ignore[arg-type]
        return body.getvalue()

    @staticmethod
    def loads(body: bytes, sha256: str) -> "LinearModel":
        """The model of a file; raises `BrokenModel` where its checksum is another or it is no model."""
        if checksum(body) != sha256:
            raise BrokenModel("The model for reading is not used: its file does not match its checksum.")
        try:
            with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
                if about["features"] != FEATURES:
                    raise BrokenModel("The model for reading is not used: it was fitted for another version of Hark.")
                heads = {name: _head(said, arrays, name) for name, said in about["heads"].items()}
                return LinearModel(about["version"], MappingProxyType(heads), frozenset(about["languages"]))
        except BrokenModel:
            raise
        except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise BrokenModel("The model for reading is not used: its file is not what this version reads.") from error


def checksum(body: bytes) -> str:
    """SHA-256, as hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


@cache
def bundled() -> LinearModel | None:
    """The model Hark came with; None where its file is not there."""
    here = files("channels_app.reading")
    if not here.joinpath(BUNDLED).is_file():
        return None
    return LinearModel.loads(here.joinpath(BUNDLED).read_bytes(), card()["sha256"])


def bundled_version() -> str:
    """The version of that model; "" where its file is not there."""
    return str(card()["version"]) if files("channels_app.reading").joinpath(BUNDLED).is_file() else ""


def card() -> dict[str, Any]:
    """What is known of the bundled model: version, checksum, date, origin, figures."""
    return tomllib.loads(files("channels_app.reading").joinpath(CARD).read_text(encoding="utf-8"))


def features_of(aspect: str) -> int:
    """How many dense features the head of an aspect has, with the constant."""
    return len(NAMES) + 1 + (len(VOTED_ON) if aspect in WISHES else 0)


def _head(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], name: str) -> Head:
    grams, dense = arrays[f"{name}_grams"], arrays[f"{name}_dense"]
    values, sureness = tuple(about["values"]), tuple(Sureness(*each) for each in about["sureness"])
    if grams.dtype != np.int16 or grams.shape != (SLOTS, len(values)) or len(sureness) != len(values):
        raise ValueError(name)
    if dense.dtype != np.int32 or dense.shape != (features_of(name), len(values)):
        raise ValueError(name)
    return Head(values, grams, dense, sureness)
