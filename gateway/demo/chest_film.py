"""Draw a chest film: the body as stacked thicknesses, attenuated as a radiograph is, with DEMO burnt in.

Everything is computed here from a seed; no patient was ever in front of it. It is made to be plausible at first
sight, so that reading, windowing and measuring can be tried, and to be nothing more: the mark is part of the pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Plane = NDArray[np.float32]
FilmPixels = NDArray[np.uint16]

ROWS, COLUMNS = 2500, 2048
PIXEL_SPACING_MM = 0.168
_SCALE = 2                                       # drawn at half size, then enlarged
_H, _W = ROWS // _SCALE, COLUMNS // _SCALE
_MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class ChestFilm:
    """What is drawn."""

    seed: int = 1
    has_pneumothorax: bool = False               # right side, the lung compressed by some 60 %


def draw_chest_film(film: ChestFilm) -> FilmPixels:
    """Return (2500, 2048) uint16 of 12 bits, MONOCHROME2: bone is bright, air is dark."""
    rng = np.random.default_rng(film.seed)
    x, y = _grid()
    body = _body(x, y)
    right, left, dome = _lungs(x, y)
    collapsed, pleura = _collapsed_right_lung(x, y, right) if film.has_pneumothorax else (right, np.zeros_like(x))
    air = np.maximum(right, left)
    vessels = _vessels(rng, collapsed, left, film.has_pneumothorax)
    heart = _heart(x, y)

    density = 0.34 * body
    density -= 0.26 * air * body
    if film.has_pneumothorax:
        # Free air is darker than lung, and the collapsed lung is denser than an open one.
        density -= 0.035 * np.clip(right - collapsed, 0, 1)
        density += 0.075 * collapsed * (right > 0)
    density += 0.235 * heart * body
    density += 0.075 * vessels
    density += 0.055 * dome * (1 - 0.3 * y)
    density += _bones(rng) * np.clip(body * 2.2, 0, 1)
    density -= _airway(x, y)
    density += 0.10 * pleura
    density *= 1 + 0.03 * _smooth_noise(rng, 60)
    shaped = Image.fromarray(np.ascontiguousarray(density, dtype=np.float32))
    large = np.asarray(shaped.resize((COLUMNS, ROWS), Image.Resampling.BICUBIC), dtype=np.float32)
    return _to_counts(large, rng, film)


def _grid() -> tuple[Plane, Plane]:
    y, x = np.mgrid[0:_H, 0:_W].astype(np.float32)
    return x / _W, y / _H


def _curve(heights: list[float], values: list[float], smooth: float = 0.022) -> Plane:
    """A smooth curve through points down the film: one value a row, as a column."""
    rows = np.arange(_H) / _H
    reach = round(3 * smooth * _H)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (smooth * _H)) ** 2)
    line = np.pad(np.interp(rows, heights, values), reach, mode="edge")
    return np.convolve(line, kernel / kernel.sum(), mode="valid").astype(np.float32)[:, None]


def _smooth_step(edge: Plane, width: float) -> Plane:
    """0 below, 1 above, smooth within `width`."""
    t = np.clip(edge / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _body(x: Plane, y: Plane) -> Plane:
    """Soft tissue thickness: neck, sloping shoulders, trunk, thicker towards the abdomen; 0 outside."""
    half = _curve([0, 0.035, 0.09, 0.15, 0.24, 0.34, 0.6, 1.0],
                  [0.13, 0.145, 0.24, 0.40, 0.475, 0.462, 0.455, 0.452])
    away = np.abs(x - _MIDDLE) / half
    round_ = np.sqrt(np.clip(1 - np.clip(away, 0, 1) ** 3.2, 0, 1))
    depth = _curve([0, 0.1, 0.3, 0.6, 0.75, 1.0], [0.75, 0.80, 0.96, 1.0, 1.04, 1.08])
    arms = _smooth_step(np.abs(x - _MIDDLE) - 0.40, 0.05) * _smooth_step(0.42 - y, 0.3) * 0.10
    return np.asarray((round_ * depth + arms * round_) * _smooth_step(1 - away, 0.05), dtype=np.float32)


_LUNG_Y = [0.115, 0.135, 0.17, 0.23, 0.32, 0.45, 0.58, 0.68, 0.745, 0.80]


def _lungs(x: Plane, y: Plane) -> tuple[Plane, Plane, Plane]:
    """Depth (0 to 1) of right and left lung as they lie in the picture, and of the abdomen below the domes."""
    # Patient's right is at the left of the picture. Offsets from the middle: outer and inner border.
    outer = _curve(_LUNG_Y, [0.13, 0.195, 0.25, 0.305, 0.345, 0.378, 0.395, 0.402, 0.406, 0.408])
    inner = _curve(_LUNG_Y, [0.09, 0.045, 0.030, 0.026, 0.026, 0.028, 0.030, 0.030, 0.030, 0.030])
    dome_r = _dome(_MIDDLE - x, top=0.702, middle=0.215)
    dome_l = _dome(x - _MIDDLE, top=0.738, middle=0.235)
    right = _lung(_MIDDLE - x, y, inner, outer, dome_r)
    left = _lung(x - _MIDDLE, y, inner * 1.1, outer * 0.995, dome_l)
    to_left = _smooth_step(x - _MIDDLE, 0.16)
    below = _smooth_step(y - (dome_r * (1 - to_left) + dome_l * to_left), 0.012)
    inside = _smooth_step(0.42 - np.abs(x - _MIDDLE), 0.03)
    return right, left, np.asarray(below * inside, dtype=np.float32)


def _dome(offset: Plane, *, top: float, middle: float) -> Plane:
    """Height of the diaphragm: steep towards the side, nearly level towards the heart."""
    away = offset - middle
    fall = np.where(away > 0, 0.120 * np.abs(away / 0.185) ** 2.4, 0.045 * np.abs(away / 0.235) ** 2.0)
    return np.asarray(top + np.clip(fall, 0, 0.2), dtype=np.float32)


def _lung(offset: Plane, y: Plane, inner: Plane, outer: Plane, dome: Plane) -> Plane:
    across = np.clip((offset - inner) / np.maximum(outer - inner, 1e-3), 0, 1)
    profile = np.clip(4 * across * (1 - across), 0, 1) ** 0.33 * _smooth_step(across - 0.11, 0.22)
    top = _smooth_step(y - 0.118, 0.03)
    bottom = _smooth_step(dome - y, 0.010)
    height = _curve([0.11, 0.2, 0.35, 0.6, 0.8], [0.62, 0.82, 0.95, 1.0, 0.94])
    return np.asarray(profile * top * bottom * height, dtype=np.float32)


def _collapsed_right_lung(x: Plane, y: Plane, right: Plane) -> tuple[Plane, Plane]:
    """The right lung drawn back to its hilum, and the thin bright line of its pleura."""
    dx, dy = (_MIDDLE - 0.055 - x) / 0.185, (y - 0.475) / 0.235
    angle = np.arctan2(dy, dx)
    wave = 1 + 0.035 * np.sin(3 * angle + 0.6) + 0.02 * np.sin(5 * angle)
    radius = np.sqrt(dx**2 + dy**2) / wave
    inside = _smooth_step(1 - radius, 0.03)
    line = np.exp(-((radius - 1) / 0.011) ** 2) * (dx > -0.05) * (right > 0.15)
    return np.asarray(right * inside, dtype=np.float32), np.asarray(line, dtype=np.float32)


def _heart(x: Plane, y: Plane) -> Plane:
    """Heart, great vessels and mediastinum: depth 0 to 1."""
    def ball(cx: float, cy: float, a: float, b: float, tilt: float, power: float = 0.5) -> Plane:
        c, s = math.cos(tilt), math.sin(tilt)
        u, v = ((x - cx) * c + (y - cy) * s) / a, (-(x - cx) * s + (y - cy) * c) / b
        return np.asarray(np.clip(1 - u**2 - v**2, 0, 1) ** power, dtype=np.float32)

    ventricle = ball(0.560, 0.640, 0.165, 0.115, 0.50, 0.55)
    atrium = ball(0.478, 0.61, 0.088, 0.115, 0.0, 0.55) * 0.92
    base = ball(0.525, 0.52, 0.072, 0.13, -0.25, 0.6) * 0.8
    arch = ball(0.550, 0.322, 0.042, 0.040, 0.0, 0.7) * 0.42
    trunk = ball(0.558, 0.405, 0.050, 0.065, 0.3, 0.7) * 0.45
    upper = np.exp(-(np.abs((x - 0.503) / _curve([0.1, 0.25, 0.4, 0.6], [0.062, 0.052, 0.052, 0.06])) ** 3))
    upper *= _smooth_step(y - 0.05, 0.2) * 0.50
    hila = ball(0.418, 0.465, 0.032, 0.060, 0.25, 1.0) * 0.30 + ball(0.590, 0.445, 0.030, 0.055, -0.25, 1.0) * 0.28
    # A soft maximum joins the parts without seams; the blur is the heart's own movement.
    parts = [ventricle, atrium, base, arch, trunk, np.asarray(upper, dtype=np.float32)]
    whole = np.sum([part**6 for part in parts], axis=0) ** (1 / 6)
    return _blurred(np.asarray(np.clip(whole, 0, 1.2) + hila, dtype=np.float32) / 1.5, 4.0) * 1.5


def _airway(x: Plane, y: Plane) -> Plane:
    """Trachea and main bronchi: a faint dark band."""
    trachea = np.exp(-((x - 0.5) / 0.017) ** 4) * _smooth_step(0.375 - y, 0.03) * (y > 0.0)
    right = np.exp(-((x - (0.5 - 0.55 * (y - 0.36))) / 0.013) ** 4) * (y > 0.355) * _smooth_step(0.445 - y, 0.04)
    left = np.exp(-((x - (0.5 + 0.85 * (y - 0.36))) / 0.012) ** 4) * (y > 0.355) * _smooth_step(0.43 - y, 0.04)
    return np.asarray(0.050 * np.clip(trachea + right + left, 0, 1), dtype=np.float32)


def _vessels(rng: np.random.Generator, right: Plane, left: Plane, is_collapsed: bool) -> Plane:
    """Branching lung markings from both hila, thinner outwards, only where there is lung."""
    canvas = Image.new("F", (_W, _H), 0.0)
    pen = ImageDraw.Draw(canvas)

    def branch(px: float, py: float, angle: float, length: float, width: float, depth: int) -> None:
        steps = 5
        for _ in range(steps):
            angle += float(rng.normal(0, 0.09))
            nx, ny = px + math.cos(angle) * length / steps, py + math.sin(angle) * length / steps
            pen.line([(px, py), (nx, ny)], fill=min(1.0, 0.05 + width / 11), width=max(1, round(width)))
            px, py = nx, ny
        if depth:
            for turn in (-1, 1):
                branch(px, py, angle + turn * float(rng.uniform(0.18, 0.6)), length * float(rng.uniform(0.62, 0.85)),
                       width * 0.66, depth - 1)

    for side, hx in ((-1, 0.42), (1, 0.592)):
        for start in np.linspace(-1.25, 1.35, 9):
            angle = start if side > 0 else math.pi - start
            reach = 0.62 if is_collapsed and side < 0 else 1.0
            branch(hx * _W, (0.455 + 0.02 * float(start)) * _H, float(angle + rng.normal(0, 0.08)),
                   0.082 * _W * reach, 9.0, 5)
    marks = _blurred(np.asarray(canvas, dtype=np.float32), 2.4)
    fine = np.clip(_smooth_noise(rng, 5), -2, 2) * 0.045 + np.clip(_smooth_noise(rng, 14), -2, 2) * 0.06
    return np.asarray((marks + fine) * np.clip(np.maximum(right, left) * 1.4, 0, 1), dtype=np.float32)


def _bones(rng: np.random.Generator) -> Plane:
    """Ribs with their brighter rims, clavicles, shoulder blades, spine."""
    bones = np.zeros((_H, _W), dtype=np.float32)
    for number in range(10):
        for side in (-1, 1):
            _add_bar(bones, _posterior_rib(number, side), width=21 + 0.6 * number, strength=0.060)
            if 1 <= number <= 6:
                _add_bar(bones, _anterior_rib(number, side), width=24, strength=0.030)
    for side in (-1, 1):
        t = np.linspace(0, 1, 24)
        bend = 0.182 - 0.052 * t - 0.012 * np.sin(t * 2 * math.pi)
        clavicle = zip(0.5 + side * (0.035 + 0.315 * t), bend, strict=True)
        _add_bar(bones, [(float(a), float(b)) for a, b in clavicle], width=26, strength=0.080)
        blade = zip(0.5 + side * (0.385 - 0.045 * np.sin(t * 2.6)), 0.165 + 0.25 * t, strict=True)
        _add_bar(bones, [(float(a), float(b)) for a, b in blade], width=18, strength=0.040)
    return bones + _spine(rng)


def _posterior_rib(number: int, side: int) -> list[tuple[float, float]]:
    """From the spine outwards and down, then round the side."""
    top = 0.145 + 0.062 * number
    reach = np.interp(number, [0, 1, 3, 6, 9], [0.20, 0.27, 0.345, 0.395, 0.405])
    t = np.linspace(0, 1, 24)
    offset = 0.035 + (reach - 0.035) * np.sin(t * math.pi / 2)
    drop = top - 0.022 * np.sin(np.clip(t * 2.2, 0, 1) * math.pi) + 0.115 * t**2.3 * (0.55 + 0.07 * number)
    return [(0.5 + side * float(o), float(v)) for o, v in zip(offset, drop, strict=True)]


def _anterior_rib(number: int, side: int) -> list[tuple[float, float]]:
    """From the side inwards and down; ends where its cartilage begins."""
    reach = float(np.interp(number, [0, 1, 3, 6, 9], [0.20, 0.27, 0.345, 0.395, 0.405]))
    start = 0.145 + 0.062 * number + 0.115 * (0.55 + 0.07 * number)
    t = np.linspace(0, 1, 20)
    inner = 0.115 + 0.012 * number
    offset = reach - (reach - inner) * t**1.15
    drop = start + 0.10 * t - 0.020 * np.sin(t * math.pi)
    return [(0.5 + side * float(o), float(v)) for o, v in zip(offset, drop, strict=True)]


def _add_bar(bones: Plane, points: list[tuple[float, float]], *, width: float, strength: float) -> None:
    """Add a bone along a line: a soft body with denser rims. Only the part of the film around it is touched."""
    reach = round(width + 8)
    xs, ys = [px * _W for px, _ in points], [py * _H for _, py in points]
    left, top = max(0, int(min(xs)) - reach), max(0, int(min(ys)) - reach)
    right, bottom = min(_W, int(max(xs)) + reach), min(_H, int(max(ys)) + reach)
    if right <= left or bottom <= top:
        return
    pixels = [(x - left, y - top) for x, y in zip(xs, ys, strict=True)]
    layers = []
    for factor in (1.0, 0.66):
        mask = Image.new("L", (right - left, bottom - top), 0)
        ImageDraw.Draw(mask).line(pixels, fill=255, width=round(width * factor), joint="curve")
        layers.append(np.asarray(mask.filter(ImageFilter.GaussianBlur(2.2)), dtype=np.float32) / 255)
    bones[top:bottom, left:right] += strength * (layers[0] - 0.42 * layers[1])


def _spine(rng: np.random.Generator) -> Plane:
    x, _ = _grid()
    half = _curve([0, 0.2, 0.6, 1], [0.030, 0.034, 0.041, 0.048])
    column = np.exp(-(((x - 0.5) / half) ** 6))
    phase = np.cumsum(1 / (_curve([0, 1], [0.043, 0.062]) * _H), axis=0)
    plates = np.exp(-((np.abs((phase % 1.0) - 0.5) - 0.40) / 0.06) ** 2)
    pedicles = np.exp(-((np.abs(x - 0.5) - 0.62 * half) / 0.006) ** 2) * np.exp(-(((phase % 1.0) - 0.42) / 0.13) ** 2)
    wobble = 1 + 0.05 * _smooth_noise(rng, 25)
    return np.asarray((0.052 * column + 0.022 * column * plates + 0.030 * pedicles) * wobble, dtype=np.float32)


def _smooth_noise(rng: np.random.Generator, size_pixels: int) -> Plane:
    """Noise with structures of about `size_pixels`, standard deviation about 1."""
    small = rng.normal(0, 1, (max(2, _H // size_pixels), max(2, _W // size_pixels))).astype(np.float32)
    large = Image.fromarray(small).resize((_W, _H), Image.Resampling.BICUBIC)
    return np.asarray(np.asarray(large) * 1.4, dtype=np.float32)


def _blurred(plane: Plane, radius: float) -> Plane:
    scaled = Image.fromarray(np.clip(plane * 255, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(np.asarray(scaled) / 255, dtype=np.float32)


def _to_counts(density: Plane, rng: np.random.Generator, film: ChestFilm) -> FilmPixels:
    """Density to 12-bit counts, with the grain of the detector: more where fewer photons came through."""
    level = np.clip((density - 0.02) / 0.60, 0, None)
    # A shoulder as film has: behind the heart the spine is still seen instead of burning out.
    level = np.where(level > 0.7, 0.7 + 0.3 * np.tanh((level - 0.7) / 0.42), level)
    level = level ** 0.92
    grain = rng.normal(0, 1, density.shape).astype(np.float32)
    counts = 180 + 3500 * level + grain * (10 + 22 * level)
    counts = np.where(_stamp(("R",), (0.055, 0.10), 110), 3900, counts)
    counts = np.where(_stamp(("DEMO", "NOT A PATIENT"), (0.66, 0.915), 64), 3900, counts)
    return np.clip(np.rint(counts), 0, 4095).astype(np.uint16)


def _stamp(lines: tuple[str, ...], at: tuple[float, float], size: int) -> NDArray[np.bool_]:
    """The letters as a mask of the whole film."""
    mask = Image.new("L", (COLUMNS, ROWS), 0)
    pen = ImageDraw.Draw(mask)
    y = at[1] * ROWS
    for line in lines:
        pen.text((at[0] * COLUMNS, y), line, fill=255, font=ImageFont.load_default(size))
        y += size * 1.25
    return np.asarray(mask) > 127
