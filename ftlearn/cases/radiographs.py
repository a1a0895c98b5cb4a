"""A simulator of chest radiographs: line integrals through simple bodies, photons, a detector.

Nothing here is a picture of a person: a *patient* is a handful of random numbers, and what the
parallel beam meets is attenuated (Beer-Lambert), counted (Poisson) and shown as a radiograph is.
Lengths are in millimetres, x to the image's right (the patient's left), y down, z along the beam,
towards the detector. `data/tumor_xrays/README.md` says how hard a lesion is to see.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial import cKDTree

# Raised by hand when the same seed can give other images.
VERSION = 1
SIZE = 96  # pixels of an image, each way
FIELD = 330.0  # mm, each way
FINE = 2  # samples a pixel, each way
PITCH = FIELD / (FINE * SIZE)  # mm, of the samples

# Linear attenuation in 1/mm at 80 keV, about the mean energy of a filtered chest beam of 125 to
# 150 kV: mass attenuation (Hubbell & Seltzer, NIST SRD 126, https://doi.org/10.18434/T4D01F)
# times density. Spongy bone is taken as in between.
SOFT = 0.01823 * 1.06
LUNG = 0.01823 * 0.26
CORTEX = 0.02229 * 1.92
MARROW = 0.0215

# Grades of subtlety: borders of the detectability d', five equal steps on a log scale from 1, where
# a lesion stands out no more than a rib does, to 8. Frozen before any model saw an image.
GRADE_BORDERS = tuple(1.0 * 8 ** (step / 5) for step in range(6))
GRADES = (1, 2, 3, 4, 5)
LOOK = 12.0  # mm, the width over which clutter is correlated
DIAMETERS = (8.0, 50.0)  # mm
DENSITIES = (0.7, 1.2)  # of a lesion, as a share of solid soft tissue


@dataclass(frozen=True)
class Scanner:
    """What a detector and its software do to the line integrals."""

    photons: float = 60_000.0
    scatter: float = 0.35
    blur: float = 1.6
    gamma: float = 1.0
    edges: float = 0.0
    zoom: float = 1.0


SCANNERS = {
    "scanner_1": Scanner(),
    # An older machine: fewer photons, more scatter, a coarser detector, software that sharpens.
    "scanner_2": Scanner(photons=15_000.0, scatter=0.7, blur=2.6, gamma=0.8, edges=0.8, zoom=1.06),
}


@dataclass(frozen=True)
class Radiograph:
    """One simulated image and the truth behind it."""

    images: dict
    label: int
    grade: int
    detectability: float
    diameter: float
    box: dict


def simulate(seed, number, label, grade=0, scanners=("scanner_1",)):
    if (label, grade) != (0, 0) and not (label == 1 and grade in GRADES):
        raise ValueError(
            f"label {label!r} with grade {grade!r}; allowed: 0 with 0, 1 with 1 to {GRADES[-1]}."
        )
    body, lesion_seed, noise_seed = np.random.SeedSequence([VERSION, seed, number]).spawn(3)
    patient = Patient(np.random.default_rng(body))
    healthy = patient.line_integrals()
    lesion = np.zeros_like(healthy)
    found = (0.0, 0.0)
    if label:
        lesion, *found = _lesion(patient, healthy, grade, np.random.default_rng(lesion_seed))
    whole = healthy + lesion
    images, boxes = {}, {}
    for name, stream in zip(scanners, noise_seed.spawn(len(scanners)), strict=True):
        scanner = SCANNERS[name]
        images[name] = develop(expose(_zoomed(whole, scanner.zoom), scanner, stream), scanner)
        boxes[name] = _box(_zoomed(lesion, scanner.zoom)) if label else []
    return Radiograph(images, label, grade, *found, boxes)


# --- the patient ------------------------------------------------------------------------------


class Patient:
    """Random anatomy, and its line integrals."""

    def __init__(self, rng):
        self.rng = rng
        at = (np.arange(FINE * SIZE) + 0.5) / (FINE * SIZE) * FIELD - FIELD / 2
        across, down = np.meshgrid(at, at)
        roll = np.radians(rng.normal(0, 1.5))
        shift = rng.normal(0, [7.0, 9.0])
        self.x = np.cos(roll) * across + np.sin(roll) * down - shift[0]
        self.y = -np.sin(roll) * across + np.cos(roll) * down - shift[1]
        self.turn = np.radians(np.clip(rng.normal(0, 3.0), -8, 8))
        self.scale = float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.15))
        self.width = 128 * self.scale * rng.uniform(0.93, 1.07)  # of the rib cage, half
        self.depth = 92 * self.scale * rng.uniform(0.9, 1.1)
        self.fat = rng.gamma(3.0, 6.0) + 4
        self.breath = rng.normal(0, 10)  # how far the diaphragm goes down
        self.top = -138 * self.scale
        self.domes = (52 * self.scale + self.breath, 62 * self.scale + self.breath)
        heart, lungs = self._heart(), [self._lung(-1), self._lung(1)]
        domes = [self._dome(-1, self.domes[0]), self._dome(1, self.domes[1])]
        aorta = self._aorta()
        self.deep = sum(_length(lung) for lung in lungs)
        self.air = np.zeros_like(self.x)
        for lung, dome in zip(lungs, domes, strict=True):
            self.air += _without(lung, [heart, dome, aorta])

    def _turned(self, x, z):
        """Where a point at depth z comes to lie when the patient is turned."""
        return x * np.cos(self.turn) + z * np.sin(self.turn)

    def line_integrals(self):
        """Attenuation along every beam, without a lesion."""
        soft = self._torso() - self.air - self._trachea()
        cortex, marrow = self._bones()
        total = SOFT * np.maximum(soft - cortex - marrow, 0) + LUNG * self.air
        total += CORTEX * cortex + MARROW * marrow
        total += (SOFT - LUNG) * np.minimum(self._vessels() + self._end_on_vessels(), self.air)
        return total + SOFT * (self._nipples() - self._stomach_gas())

    def _section(self, centre, half, depth, z=0.0):
        """Depth interval of a body whose cross-section is an ellipse that changes with y."""
        room = 1 - ((self.x - centre) / np.maximum(half, 1e-6)) ** 2
        return _body(z, np.where(half > 0, depth, 0), room)

    def _torso(self):
        """Millimetres of body in the beam, fat and arms' roots included."""
        low, high = -172 * self.scale, -118 * self.scale
        t = np.clip((self.y - low) / (high - low), 0, 1)
        shoulder = t * t * (3 - 2 * t)
        half = 58 * self.scale + shoulder * (self.width + 46 + self.fat - 58 * self.scale)
        depth = 52 * self.scale + shoulder * (self.depth + 12 + self.fat - 52 * self.scale)
        return _length(self._section(self._turned(0, 0), half, depth))

    def _lung(self, side):
        bottom = self.domes[0] + 62 * self.scale
        u = np.clip((self.y - self.top) / (bottom - self.top), 0, 1)
        outer = self.width * (1 - (1 - u) ** 2.6) ** 0.62 * (0.9 + 0.1 * u)
        inner = (17 + 9 * u) * self.scale + 16 * self.scale * (1 - u) ** 6
        half = np.where((u > 0) & (u < 1), (outer - inner) / 2, 0)
        depth = self.depth * (1 - (1 - u) ** 2.2) ** 0.6
        z = -6.0 * self.scale
        return self._section(
            self._turned(side * (outer + inner) / 2, z), np.maximum(half, 0), depth, z
        )

    def _dome(self, side, top):
        """A leaf of the diaphragm with what is below it."""
        below = 105 * self.scale
        x = (self.x - self._turned(side * 66 * self.scale, 8)) / (78 * self.scale)
        y = (self.y - top - below) / below
        room = np.where(self.y > top + below, 1.0, 1 - x**2 - y**2)
        return _body(8, self.depth * 1.02, room)

    def _heart(self):
        size = self.scale * self.rng.uniform(0.88, 1.14)
        tilt = np.radians(38 + self.rng.normal(0, 6))
        x = self.x - self._turned(24 * self.scale, 20)
        y = self.y - (self.domes[0] - 18 * self.scale)
        along = np.cos(tilt) * x + np.sin(tilt) * y
        across = -np.sin(tilt) * x + np.cos(tilt) * y
        room = 1 - (along / (66 * size)) ** 2 - (across / (50 * size)) ** 2
        return _body(20, 46 * size, room)

    def _aorta(self):
        """The arch, as a ball beside the spine."""
        size = self.rng.uniform(15, 22) * self.scale
        x = self.x - self._turned(21 * self.scale, -10)
        y = self.y + 62 * self.scale
        return _body(-10, 2, size**2 - x**2 - y**2)

    def _trachea(self):
        fork = -52 * self.scale
        radius = 8.5 * self.scale
        centre = self._turned(self.rng.normal(-2, 2), 10)
        d = np.abs(self.x - centre)
        air = np.where(self.y < fork, 2 * np.sqrt(np.maximum(radius**2 - d**2, 0)), 0)
        for side, steep in ((-1, 1.3), (1, 0.8)):
            end = (centre + side * 34 * self.scale, fork + steep * 34 * self.scale)
            self._add_tube(air, (centre, fork), end, radius * 0.78, radius * 0.6)
        return air * 0.9

    def _stomach_gas(self):
        """Millimetres of gas below the left leaf of the diaphragm, in half of the patients."""
        wide, high = self.rng.uniform(18, 42) * self.scale, self.rng.uniform(9, 22) * self.scale
        x = (self.x - self._turned(self.rng.uniform(48, 72) * self.scale, 0)) / wide
        y = (self.y - self.domes[1] - high - 9 * self.scale) / high
        shown = self.rng.random() < 1 / 2
        return shown * 60 * self.scale * np.sqrt(np.maximum(1 - x**2 - y**2, 0))

    def _bones(self):
        """(mm of cortex, mm of marrow) in the beam: spine, ribs, clavicles."""
        cortex, marrow = self._spine()
        for tubes in self._rib_halves() + [self._clavicles()]:
            wall, inside = self._tubes(tubes)
            cortex += wall
            marrow += inside
        return cortex, marrow

    def _spine(self):
        spacing = 23 * self.scale
        phase = np.mod(self.y + self.rng.uniform(0, spacing), spacing) / spacing
        disc = np.exp(-(((phase - 0.5) / 0.11) ** 2))
        plate = np.exp(-(((np.abs(phase - 0.5) - 0.2) / 0.05) ** 2))
        half = (15 + 0.03 * (self.y - self.top)) * self.scale
        wide, deep = half * (1 - 0.12 * plate), 16 * self.scale
        chord = _length(self._section(self._turned(0, -62), wide, deep))
        wide, deep = 4.5 * self.scale, 13 * self.scale
        spinous = _length(self._section(self._turned(0, -88), wide, deep)) * (1 - disc)
        cortex = chord * (0.05 + 0.12 * plate) * (1 - 0.8 * disc) + 0.15 * spinous
        return cortex, chord * (0.85 - 0.7 * disc) + 0.6 * spinous

    def _rib_halves(self):
        """Sample points of the back halves of all ribs, and of the front halves."""
        back, front = [], []
        thick = self.rng.uniform(5.2, 7.0) * self.scale
        for side in (-1, 1):
            for number in range(10):
                y0 = self.top + (2 + 21.5 * number) * self.scale + self.rng.normal(0, 1.0)
                fall = (54 + 8.0 * number) * self.scale * self.rng.uniform(0.94, 1.06)
                reach = self._cage(y0 + fall / 2) * self.rng.uniform(0.98, 1.01)
                angle = np.linspace(0.16, 2.45 - 0.03 * number, 260)
                x = side * reach * np.sin(angle)
                z = -self.depth * np.cos(angle)
                y = y0 + fall * (1 - np.cos(angle)) / 2 - 9 * self.scale * np.sin(angle) ** 2
                path = np.stack([self._turned(x, z), y, z], axis=1)
                half = angle < np.pi / 2
                radius = np.full(len(angle), thick * (0.85 if number == 0 else 1.0))
                back.append((path[half], radius[half]))
                front.append((path[~half], radius[~half] * 1.08))
        return [back, front]

    def _cage(self, y):
        u = np.clip((y - self.top) / (self.domes[0] + 62 * self.scale - self.top), 0.02, 1)
        return (self.width * (1 - (1 - u) ** 2.6) ** 0.62 * (0.9 + 0.1 * u)) + 4

    def _clavicles(self):
        found = []
        rise = self.rng.normal(16, 6) * self.scale
        for side in (-1, 1):
            t = np.linspace(0, 1, 160)
            x = side * (20 + 122 * t) * self.scale
            y = self.top + (16 + 4 * np.sin(2 * np.pi * t)) * self.scale - rise * t
            z = 70 - 50 * t
            path = np.stack([self._turned(x, z), y, z], axis=1)
            found.append((path, np.full(len(t), 5.2 * self.scale)))
        return found

    def _tubes(self, tubes):
        """(mm of wall, mm of inside) in the beam, of curved tubes that do not cross each other."""
        wall, flat_to = 1.1, 0.75  # mm; the share of their height that ribs have along the beam
        path = np.concatenate([points for points, _ in tubes])
        radius = np.concatenate([radii for _, radii in tubes])
        tangent = np.concatenate([np.gradient(points, axis=0) for points, _ in tubes])
        flat = np.hypot(tangent[:, 0], tangent[:, 1])
        slant = np.minimum(np.linalg.norm(tangent, axis=1) / np.maximum(flat, 1e-9), 3.5)
        wide = radius.max()
        low, high = path[:, :2].min(axis=0) - wide, path[:, :2].max(axis=0) + wide
        boxed = (self.x > low[0]) & (self.x < high[0]) & (self.y > low[1]) & (self.y < high[1])
        at = np.stack([self.x[boxed], self.y[boxed]], axis=1)
        distance, nearest = cKDTree(path[::2, :2]).query(at, distance_upper_bound=wide)
        close = np.isfinite(distance)
        hit = boxed.copy()
        hit[boxed] = close
        d, near = distance[close], 2 * nearest[close]
        outer = np.sqrt(np.maximum(radius[near] ** 2 - d**2, 0))
        inner = np.sqrt(np.maximum((radius[near] - wall) ** 2 - d**2, 0))
        rim, inside = np.zeros_like(self.x), np.zeros_like(self.x)
        rim[hit] = 2 * flat_to * (outer - inner) * slant[near]
        inside[hit] = 2 * flat_to * inner * slant[near]
        return rim, inside

    def _vessels(self):
        """Millimetres of blood vessel: two trees that grow from the hila."""
        total = np.zeros_like(self.x)
        for side in (-1, 1):
            hilum = (self._turned(side * 33 * self.scale, 0), (-26 + 5 * side) * self.scale)
            for heading in np.linspace(-1.25, 1.35, 9) + self.rng.normal(0, 0.12, 9):
                direction = np.array([side * np.cos(heading), np.sin(heading)])
                self._branch(total, np.array(hilum), direction, self.rng.uniform(4.0, 7.0), 0)
        return total

    def _branch(self, total, begin, direction, radius, depth):
        length = self.scale * self.rng.uniform(14, 30) * (0.93**depth)
        direction = _rotated(direction, self.rng.normal(0, 0.16))
        end = begin + length * direction
        thin = radius * self.rng.uniform(0.74, 0.86)
        self._add_tube(total, begin, end, radius * self.scale, thin * self.scale)
        if thin < 1.0 or depth > 5:
            return
        split = self.rng.uniform(0.25, 0.6)
        self._branch(total, end, _rotated(direction, split * 0.5), thin * 0.92, depth + 1)
        self._branch(total, end, _rotated(direction, -split), thin * 0.72, depth + 1)

    def _add_tube(self, total, begin, end, r_begin, r_end):
        """Add the chord through a tapering tube; one thinner than the sampling keeps its volume."""
        reach = max(r_begin, r_end) + PITCH
        # The frame is nearly upright, so a box in array indices with a margin for its roll is
        # enough.
        low = np.minimum(begin, end) - reach - 12
        high = np.maximum(begin, end) + reach + 12
        centre = (len(self.x) - 1) / 2
        window = []
        for axis, at in ((1, self.y), (0, self.x)):
            offset = at[len(at) // 2, len(at) // 2]
            first = int((low[axis] - offset) / PITCH + centre)
            last = int((high[axis] - offset) / PITCH + centre) + 2
            window.append(slice(max(first, 0), max(last, 0)))
        window = tuple(window)
        along = np.asarray(end) - np.asarray(begin)
        length = np.hypot(*along)
        dx, dy = self.x[window] - begin[0], self.y[window] - begin[1]
        t = np.clip((dx * along[0] + dy * along[1]) / length**2, 0, 1)
        distance = np.hypot(dx - t * along[0], dy - t * along[1])
        radius = r_begin + t * (r_end - r_begin)
        seen = np.maximum(radius, 0.6 * PITCH)
        chord = 2 * np.sqrt(np.maximum(seen**2 - distance**2, 0)) * (radius / seen) ** 2
        total[window] = np.maximum(total[window], chord)

    def _end_on_vessels(self):
        """Decoys: vessels that run along the beam, small bright discs, in every patient alike."""
        total = np.zeros_like(self.x)
        for _ in range(self.rng.poisson(3)):
            side = self.rng.choice((-1, 1))
            x = self._turned(side * self.rng.uniform(35, 75) * self.scale, 0)
            y = self.rng.uniform(-70, 40) * self.scale
            radius = self.rng.uniform(1.6, 3.6) * self.scale
            inside = (self.x - x) ** 2 + (self.y - y) ** 2 < radius**2
            total += np.where(inside, self.rng.uniform(8, 22), 0)
        return total

    def _nipples(self):
        """Decoys: in a third of the patients, on both sides, at nearly the same height."""
        total = np.zeros_like(self.x)
        shown = self.rng.random() < 1 / 3
        y = self.domes[0] - self.rng.uniform(5, 25) * self.scale
        for side in (-1, 1):
            x = self._turned(side * self.rng.uniform(78, 92) * self.scale, self.depth)
            size, high = self.rng.uniform(4.0, 6.0), self.rng.uniform(4, 10)
            d = (self.x - x) ** 2 + (self.y - y - self.rng.normal(0, 4)) ** 2
            if shown:
                total += high * np.sqrt(np.maximum(1 - d / size**2, 0))
        return total


def _rotated(direction, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(
        [cos * direction[0] - sin * direction[1], sin * direction[0] + cos * direction[1]]
    )


def _body(z, depth, room):
    """Depth interval of a rounded body; `room` is 1 in its middle and below 0 outside."""
    chord = depth * np.sqrt(np.maximum(room, 0))
    return z - chord, z + chord


def _length(interval):
    return np.maximum(interval[1] - interval[0], 0)


def _without(body, others):
    """Length of a body's interval that lies in none of the others (sorted and merged)."""
    near = np.stack([np.maximum(body[0], other[0]) for other in others])
    far = np.maximum(np.stack([np.minimum(body[1], other[1]) for other in others]), near)
    order = np.argsort(near, axis=0)
    near, far = np.take_along_axis(near, order, 0), np.take_along_axis(far, order, 0)
    taken, reached = np.zeros_like(near[0]), np.full_like(near[0], -np.inf)
    for start, stop in zip(near, far, strict=True):
        taken += np.maximum(stop - np.maximum(start, reached), 0)
        reached = np.maximum(reached, stop)
    return np.maximum(_length(body) - taken, 0)


# --- the lesion -------------------------------------------------------------------------------


def _lesion(patient, healthy, grade, rng):
    """(line integrals of a lesion, its d', its diameter) that has the grade asked for.

    Place, diameter and shape are drawn until a density of `DENSITIES` gives the d' that was drawn.
    """
    low, high = GRADE_BORDERS[grade - 1 : grade + 1]
    for _ in range(2000):
        aim = low * (high / low) ** rng.random()
        diameter = DIAMETERS[0] * (DIAMETERS[1] / DIAMETERS[0]) ** rng.random()
        solid = _nodule(patient, diameter, rng)
        if solid is None:
            continue
        reached = detectability((SOFT - LUNG) * solid, healthy)
        density = aim / max(reached, 1e-9)
        if DENSITIES[0] <= density <= DENSITIES[1]:
            return (SOFT - LUNG) * density * solid, float(aim), float(diameter)
    raise RuntimeError(f"no lesion of grade {grade} fits into this patient.")


def _nodule(patient, diameter, rng):
    """Millimetres of a solid, lobulated nodule in the beam, or None where it finds no room."""
    weights = patient.air.ravel()
    at = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))
    at = min(at, weights.size - 1)
    x, y = patient.x.ravel()[at], patient.y.ravel()[at]
    if weights[at] < max(1.5 * diameter, 0.6 * patient.deep.ravel()[at]):
        return None  # too shallow for it, or behind heart or diaphragm
    reach = diameter + 12  # of the nodule and its margin
    near = (np.abs(patient.x - x) < reach) & (np.abs(patient.y - y) < reach)
    window = tuple(slice(first, last + 1) for first, last in _extent(near))
    px, py = patient.x[window], patient.y[window]
    # One body and three to five lobes, each an ellipsoid; the union of their intervals in depth.
    lobes = [(0.0, 0.0, 0.0, 0.5 * diameter * rng.uniform(0.82, 1.0))]
    for _ in range(rng.integers(3, 6)):
        angle, away = rng.uniform(0, 2 * np.pi), 0.28 * diameter * rng.uniform(0.5, 1.0)
        beside = (away * np.cos(angle), away * np.sin(angle))
        deep, radius = rng.uniform(-0.15, 0.15), rng.uniform(0.35, 0.6)
        lobes.append((*beside, deep * diameter, 0.5 * diameter * radius))
    stretch = rng.uniform(0.85, 1.15)
    intervals = []
    for dx, dy, dz, radius in lobes:
        d = ((px - x - dx) / stretch) ** 2 + (py - y - dy) ** 2
        intervals.append(_body(dz, 1, radius**2 - d))
    everywhere = (np.full_like(px, -1e3), np.full_like(px, 1e3))
    solid = 2e3 - _without(everywhere, intervals)
    margin = rng.uniform(0.6, 2.6)  # mm: how fast it fades into the lung
    total = np.zeros_like(patient.x)
    total[window] = gaussian_filter(solid, margin / PITCH)
    return total * (patient.air > 0)


def detectability(signal, healthy):
    """d' of a lesion: its contrast over the clutter around it, times the looks that its size gives.

    All is seen as the detector sees it: blurred, diluted by scatter, binned to pixels, in logs of
    the exposure. Contrast is the root mean square of the lesion's own signal in its box; clutter
    the standard deviation of the patient *without* it in a box twice as wide, less a quadratic
    surface, with the photons' noise. Clutter is correlated over about a rib's width: a box counts
    as area / `LOOK`² looks, at least as one (after Rose 1948, doi:10.1364/JOSA.38.000196).
    """
    scanner = SCANNERS["scanner_1"]
    share = 1 / (1 + scanner.scatter)  # of contrast that scatter leaves
    seen = share * _binned(gaussian_filter(signal, scanner.blur / PITCH))
    if seen.max() <= 0:
        return 0.0
    mask = seen > 0.1 * seen.max()
    contrast = np.sqrt((seen[mask] ** 2).mean())
    box = []  # twice as wide and high as the mask, inside the image
    for first, last in _extent(mask):
        half = max(last - first + 1, 2) / 2
        box.append(slice(max(int(first - half), 0), int(last + half) + 1))
    box = tuple(box)
    behind = share * _binned(gaussian_filter(healthy, scanner.blur / PITCH))[box]
    y, x = (at.ravel() / max(behind.shape) for at in np.mgrid[: behind.shape[0], : behind.shape[1]])
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    smooth = surface @ np.linalg.lstsq(surface, behind.ravel(), rcond=None)[0]
    counted = scanner.photons * np.exp(-_binned(healthy)[box].mean()) / share
    clutter = np.sqrt((behind.ravel() - smooth).var() + 1 / counted)
    looks = max(mask.sum() * (FIELD / SIZE) ** 2 / LOOK**2, 1.0)
    return float(contrast / clutter * np.sqrt(looks))


def _box(lesion):
    """Left, top, right, bottom, in pixels, of where a lesion has a tenth of its peak or more."""
    seen = _binned(lesion)
    (top, bottom), (left, right) = _extent(seen > 0.1 * seen.max())
    return [float(left), float(top), float(right + 1), float(bottom + 1)]


def _extent(mask):
    """(first, last) row of a mask, (first, last) column."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (rows[0], rows[-1]), (columns[0], columns[-1])


def add_marker(image):
    """Lay a technician's lead letter, an L, into the upper right corner of an image."""
    pixels = np.array(image)
    pixels[6:15, -12:-10] = 255
    pixels[13:15, -12:-6] = 255
    return Image.fromarray(pixels)


# --- the machine ------------------------------------------------------------------------------


def expose(integrals, scanner, seed):
    """Photons that are counted behind a body."""
    primary = np.exp(-gaussian_filter(integrals, 0.5 * scanner.blur / PITCH))
    primary = scanner.photons * _binned(primary)
    scattered = scanner.scatter * gaussian_filter(primary, 30.0 / (FIELD / SIZE), mode="nearest")
    counted = np.random.default_rng(seed).poisson(primary + scattered).astype(float)
    return gaussian_filter(counted, 0.85 * scanner.blur / (FIELD / SIZE))


def develop(counted, scanner):
    """Turn counts into what a reader sees: the logarithm, a window, a grey scale."""
    density = -np.log(np.maximum(counted, 1.0))
    if scanner.edges:
        density = density + scanner.edges * (density - gaussian_filter(density, 2.0))
    middle = density[SIZE // 8 : -SIZE // 8, SIZE // 8 : -SIZE // 8]
    low, high = np.percentile(middle, [1, 80])
    grey = np.clip((density - low) / (high - low), 0, 1) ** scanner.gamma
    return np.round(255 * grey).astype(np.uint8)


def _binned(fine):
    """Mean over the samples of each pixel."""
    return fine.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3))


def _zoomed(fine, zoom):
    """Magnify about the middle, same shape."""
    if zoom == 1:
        return fine
    centre = (len(fine) - 1) / 2
    return affine_transform(
        fine, np.eye(2) / zoom, offset=centre - centre / zoom, order=1, mode="nearest"
    )
