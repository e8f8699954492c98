"""Draw a CT of the chest: 40 slices in Hounsfield units, from the shapes of a trunk, with DEMO burnt in.

Made to be scrolled, windowed (lung, mediastinum, bone) and measured; like the film it shows no real person.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Plane = NDArray[np.float32]

SIZE = 512
SLICE_COUNT = 40
PIXEL_SPACING_MM = 0.70
SLICE_THICKNESS_MM = 7.5
_AIR, _LUNG, _FAT, _MUSCLE, _BLOOD, _BONE, _MARROW = -1000.0, -860.0, -95.0, 52.0, 45.0, 620.0, 210.0


def draw_chest_ct(seed: int = 3, slices: int = SLICE_COUNT) -> list[NDArray[np.int16]]:
    """Return (512, 512) int16 slices in HU, from the neck (first) to the upper abdomen."""
    rng = np.random.default_rng(seed)
    vessels = [(rng.uniform(0, 2 * math.pi), rng.uniform(0.15, 0.95), rng.uniform(0, 1), rng.uniform(1.2, 4.2),
                rng.uniform(-0.5, 0.5)) for _ in range(260)]
    return [_slice(i / max(slices - 1, 1), vessels, rng) for i in range(slices)]


def _slice(z: float, vessels: list[tuple[float, float, float, float, float]], rng: np.random.Generator
           ) -> NDArray[np.int16]:
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    x, y = (x - 256) * PIXEL_SPACING_MM, (y - 256) * PIXEL_SPACING_MM
    wide = float(np.interp(z, [0, 0.12, 0.3, 1], [118, 168, 165, 155]))
    deep = float(np.interp(z, [0, 0.12, 0.3, 1], [78, 98, 108, 112]))
    hu = np.full((SIZE, SIZE), _AIR, dtype=np.float32)
    hu[_ellipse(x, y, 0, 0, wide, deep, 2.5)] = _FAT
    hu[_ellipse(x, y, 0, 2, wide - 14, deep - 13, 2.5)] = _MUSCLE
    cavity = _ellipse(x, y, 0, -2, wide - 32, deep - 27, 2.3)
    hu[cavity] = _FAT * 0.6 if z > 0.06 else _MUSCLE - 10
    lungs = _lungs(hu, x, y, z, wide, deep, cavity)
    _heart_and_vessels(hu, x, y, z)
    _airways(hu, x, y, z)
    _abdomen(hu, x, y, z, cavity)
    _bones(hu, x, y, z, wide, deep, cavity)
    _markings(hu, lungs, vessels, z, wide, deep)
    hu[np.abs(y - (deep + 22 + (x / 90) ** 2 * -4)) < 3.5] = -250.0     # the table
    return _finished(hu, rng)


def _ellipse(x: Plane, y: Plane, cx: float, cy: float, a: float, b: float, power: float = 2.0) -> NDArray[np.bool_]:
    return np.asarray(np.abs((x - cx) / max(a, 0.1)) ** power + np.abs((y - cy) / max(b, 0.1)) ** power < 1)


def _lungs(hu: Plane, x: Plane, y: Plane, z: float, wide: float, deep: float, cavity: NDArray[np.bool_]
           ) -> NDArray[np.bool_]:
    size = float(np.interp(z, [0.06, 0.12, 0.3, 0.7, 0.86, 0.95], [0, 0.45, 0.9, 1.0, 0.72, 0]))
    if size <= 0:
        return np.zeros_like(cavity)
    # The lungs leave room for the mediastinum; lower slices hold only the hollow behind the dome.
    behind = float(np.interp(z, [0.7, 0.95], [0, 38]))
    both = (_ellipse(x, y, -70, behind, 62 * size, (deep - 32) * size, 2.3)
            | _ellipse(x, y, 72, behind + 3, 58 * size, (deep - 34) * size, 2.3))
    inside = both & cavity
    hu[inside] = _LUNG + np.clip((y[inside] + 40) * 0.45, -20, 60)
    return inside


def _heart_and_vessels(hu: Plane, x: Plane, y: Plane, z: float) -> None:
    if 0.05 < z < 0.9:
        hu[_ellipse(x, y, 0, 8, 27, 46, 2.4) & (hu < 0)] = -70
    if 0.30 < z < 0.52:                                     # pulmonary trunk and its arteries
        hu[_ellipse(x, y, 16, -26, 15, 16)] = _BLOOD
        if 0.36 < z < 0.46:
            hu[_ellipse(x, y, -20, -4, 38, 9)] = _BLOOD
            hu[_ellipse(x, y, 38, -12, 26, 10)] = _BLOOD
    if 0.16 < z < 0.55:                                     # ascending aorta, superior vena cava
        hu[_ellipse(x, y, -12, -18, 16, 16)] = _BLOOD
        hu[_ellipse(x, y, -34, -10, 9, 9)] = _BLOOD
    if 0.16 < z < 0.23:                                     # the arch
        hu[_ellipse(x, y, 6, 6, 18, 32)] = _BLOOD
    if z > 0.2:
        hu[_ellipse(x, y, 20, 42, 12.5, 12.5)] = _BLOOD     # descending aorta
    grow = float(np.interp(z, [0.48, 0.60, 0.76, 0.84], [0.35, 1, 1, 0.2]))
    if 0.48 < z < 0.84:
        hu[_ellipse(x, y, 24, -22, 66 * grow, 44 * grow, 2.1)] = -80     # fat around the heart
        hu[_ellipse(x, y, 24, -22, 60 * grow, 39 * grow, 2.1)] = _BLOOD
        hu[_ellipse(x, y, 44, -14, 20 * grow, 17 * grow)] = _BLOOD - 8


def _airways(hu: Plane, x: Plane, y: Plane, z: float) -> None:
    if z < 0.36:
        hu[_ellipse(x, y, 0, 14, 11, 12)] = 40
        hu[_ellipse(x, y, 0, 14, 9, 10)] = -990
    elif z < 0.50:
        apart = (z - 0.36) * 260
        for side in (-1, 1):
            hu[_ellipse(x, y, side * (8 + apart), 15, 8.5, 8.5)] = 40
            hu[_ellipse(x, y, side * (8 + apart), 15, 6.5, 6.5)] = -985


def _abdomen(hu: Plane, x: Plane, y: Plane, z: float, cavity: NDArray[np.bool_]) -> None:
    if z <= 0.74:
        return
    grow = (z - 0.74) / 0.26
    liver = _ellipse(x, y, -58, -12, 30 + 58 * grow, 30 + 46 * grow, 2.2) & cavity
    hu[liver] = 62
    stomach = _ellipse(x, y, 62, -14, 22 + 30 * grow, 20 + 26 * grow) & cavity
    hu[stomach] = 34
    hu[stomach & (y < -30 - 6 * grow)] = -930
    if grow > 0.5:
        hu[_ellipse(x, y, 92, 34, 26 * grow, 24 * grow) & cavity] = 50


def _bones(hu: Plane, x: Plane, y: Plane, z: float, wide: float, deep: float, cavity: NDArray[np.bool_]) -> None:
    back = deep - 42
    hu[_ellipse(x, y, 0, back, 17, 14)] = _BONE * 0.75
    hu[_ellipse(x, y, 0, back, 14.5, 11.5)] = _MARROW
    hu[_ellipse(x, y, 0, back + 22, 9, 8)] = 25
    for side in (-1, 1):
        hu[(np.abs(y - (back + 20)) < 3) & (side * x > 10) & (side * x < 30)] = _BONE * 0.8
        if 0.02 < z < 0.35:                                  # shoulder blade
            blade = np.abs((side * x - 118) * 0.55 + (y - 52) * 0.85) < 3.6
            hu[blade & (side * x > 72) & (side * x < 136) & ~cavity] = _BONE * 0.7
        if z < 0.10:
            hu[_ellipse(x, y, side * (40 + 500 * z), -deep + 36 - 200 * z, 26, 6)] = _BONE
    hu[(np.abs(x) < 3.5) & (y > back + 28) & (y < back + 46)] = _BONE * 0.8
    if 0.14 < z < 0.72:
        hu[_ellipse(x, y, 0, -deep + 22, 17, 6)] = _MARROW * 1.4
    for number in range(12):                                 # a slice cuts each rib at another angle
        angle = 2 * math.pi * (number / 12 + z * 0.9) % (2 * math.pi)
        for a in (angle, -angle):
            cx, cy = (wide - 24) * math.cos(a), (deep - 20) * math.sin(a) - 1
            c, s = math.cos(a + math.pi / 2), math.sin(a + math.pi / 2)
            u, v = ((x - cx) * c + (y - cy) * s) / 13, (-(x - cx) * s + (y - cy) * c) / 4.4
            hu[u**2 + v**2 < 1] = _BONE
            hu[(u / 0.86) ** 2 + (v / 0.55) ** 2 < 1] = _MARROW


def _markings(hu: Plane, lungs: NDArray[np.bool_], vessels: list[tuple[float, float, float, float, float]], z: float,
              wide: float, deep: float) -> None:
    """Cut vessels: dots that wander from slice to slice, thinner towards the chest wall."""
    canvas = Image.new("L", (SIZE, SIZE), 0)
    pen = ImageDraw.Draw(canvas)
    for angle, reach, phase, size, drift in vessels:
        a = angle + drift * (z + phase)
        out = (reach + 0.3 * math.sin(6 * z + 9 * phase)) * 0.8
        side = 1 if math.cos(angle) > 0 else -1
        px = 256 + (side * 42 + out * (wide - 62) * math.cos(a) * 0.72) / PIXEL_SPACING_MM
        py = 256 + out * (deep - 34) * math.sin(a) / PIXEL_SPACING_MM
        r = size * (1.15 - 0.8 * abs(out))
        if r > 0.3:
            pen.ellipse([px - r, py - r * (1 + abs(drift)), px + r, py + r * (1 + abs(drift))], fill=255)
    marks = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32) / 255
    open_lung = lungs & (hu < -500)
    hu[open_lung] += marks[open_lung] * (830 - 120 * z)


def _finished(hu: Plane, rng: np.random.Generator) -> NDArray[np.int16]:
    soft = Image.fromarray(hu).resize((SIZE * 2, SIZE * 2), Image.Resampling.BILINEAR)
    smooth = np.asarray(soft.resize((SIZE, SIZE), Image.Resampling.BOX), dtype=np.float32)
    noise = rng.normal(0, 26, (SIZE, SIZE)).astype(np.float32)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 2.2      # grain of a reconstruction is not white
    smooth = smooth + noise
    letters = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(letters).text((392, 470), "DEMO", fill=255, font=ImageFont.load_default(26))
    return np.where(np.asarray(letters) > 127, 1200, np.clip(np.rint(smooth), -1024, 2500)).astype(np.int16)
