"""Shapes of unknown occluders: smooth blobs, plants and signs, as polygons in whole half pixels."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from amodal.challenge.record import Outline

KINDS = ("blob", "plant", "sign")


def random_outlines(rng: np.random.Generator, width: int, height: int, kind: str) -> tuple[Outline, ...]:
    """Polygons whose union fills about a box of `width` x `height` pixels; coordinates are half pixels."""
    make = {"blob": _blob, "plant": _plant, "sign": _sign}[kind]
    points = make(rng)
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    size = np.array([2 * width, 2 * height])
    scaled = [np.rint((part - low) / (high - low) * size).astype(int) for part in points]
    return tuple(tuple(part.ravel().tolist()) for part in scaled)


def _blob(rng: np.random.Generator) -> list[Float64[np.ndarray, "n 2"]]:
    """A circle whose radius swings in a few low frequencies."""
    return [_wavy(rng, 0, 0, 1, 1, 0.22)]


def _plant(rng: np.random.Generator) -> list[Float64[np.ndarray, "n 2"]]:
    """A bush of several clumps over a stem or a pot."""
    parts = [_wavy(rng, 0, -0.9, 0.75, 0.6, 0.3)]
    for _ in range(int(rng.integers(3, 7))):
        x, y = rng.uniform(-0.7, 0.7), rng.uniform(-1.4, -0.4)
        parts.append(_wavy(rng, x, y, rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.5), 0.3))
    stem, pot = rng.uniform(0.06, 0.14), rng.uniform(0.25, 0.5)
    parts.append(np.array([[-stem, -0.9], [stem, -0.9], [stem, 0.3], [-stem, 0.3]]))
    if rng.random() < 0.6:
        parts.append(np.array([[-pot, 0.0], [pot, 0.0], [pot * 0.8, 0.5], [-pot * 0.8, 0.5]]))
    return parts


def _sign(rng: np.random.Generator) -> list[Float64[np.ndarray, "n 2"]]:
    """A board with three to eight corners on a post; or a broad board on two."""
    corners = int(rng.choice([3, 4, 4, 8]))
    turn = math.pi / 4 if corners == 4 else math.pi / 8 if corners == 8 else math.pi / 6
    angles = turn + 2 * math.pi * np.arange(corners) / corners
    board = np.stack([np.cos(angles) * rng.uniform(0.8, 1.6), np.sin(angles) * rng.uniform(0.7, 1.1)], axis=1)
    post, foot = rng.uniform(0.08, 0.16), rng.uniform(1.2, 2.0)
    places = [0.0] if rng.random() < 0.6 else [-0.5, 0.5]
    posts = [np.array([[x - post, 0], [x + post, 0], [x + post, foot], [x - post, foot]]) for x in places]
    return [board, *posts]


def _wavy(
    rng: np.random.Generator, x: float, y: float, across: float, down: float, swing: float
) -> Float64[np.ndarray, "n 2"]:
    angles = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    radius = np.ones(64)
    for frequency in range(2, 7):
        radius += swing * rng.normal() / frequency * np.cos(frequency * angles + rng.uniform(0, 2 * math.pi))
    radius = np.maximum(radius, 0.3)
    return np.stack([x + across * radius * np.cos(angles), y + down * radius * np.sin(angles)], axis=1)
