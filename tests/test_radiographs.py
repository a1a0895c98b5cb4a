"""The simulator: its geometry, its physics, and the rule of difficulty, against computations of
another kind."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from ftlearn.cases import radiographs
from ftlearn.cases.radiographs import Patient, Scanner


def test_the_part_of_a_body_outside_others_is_what_counting_points_gives():
    rng = np.random.default_rng(0)
    body = tuple(np.sort(rng.uniform(-10, 10, (2, 40)), axis=0))
    others = [tuple(np.sort(rng.uniform(-10, 10, (2, 40)), axis=0)) for _ in range(3)]
    points = np.linspace(-10, 10, 20_001)[:, None]
    inside = (body[0] <= points) & (points <= body[1])
    for near, far in others:
        inside &= ~((near <= points) & (points <= far))
    counted = inside.mean(axis=0) * 20
    np.testing.assert_allclose(radiographs._without(body, others), counted, atol=0.01)


def test_an_elliptic_section_has_the_chord_of_a_ball_and_a_straight_tube_the_volume_of_a_cylinder():
    patient = Patient(np.random.default_rng(1))
    half = np.sqrt(np.maximum(40.0**2 - patient.y**2, 0))
    near, far = patient._section(0.0, half, half)
    expected = 2 * np.sqrt(np.maximum(40.0**2 - patient.x**2 - patient.y**2, 0))
    np.testing.assert_allclose(far - near, expected, atol=1e-5)
    total = np.zeros_like(patient.x)
    patient._add_tube(total, (-30.0, 0.0), (30.0, 0.0), 6.0, 6.0)
    # a cylinder of 60 mm and the half balls at its ends
    expected = np.pi * 6**2 * 60 + 4 / 3 * np.pi * 6**3
    assert total.sum() * radiographs.PITCH**2 == pytest.approx(expected, rel=0.03)


def test_lungs_are_clear_of_heart_and_diaphragm_and_weaken_the_beam_least():
    for seed in range(6):
        patient = Patient(np.random.default_rng(seed))
        assert (patient.air <= patient.deep + 1e-9).all()
        assert 0.4 < patient.air.sum() / patient.deep.sum() < 0.95
        integrals = patient.line_integrals()
        lung = patient.air > 0.6 * patient.air.max()
        spine = (np.abs(patient.x) < 8) & (patient.y > 60)
        assert integrals[spine].mean() > 1.5 * integrals[lung].mean()
        assert integrals.min() >= 0


def test_photons_behind_a_slab_follow_beer_lambert_and_poisson():
    slab = np.full((radiographs.FINE * radiographs.SIZE,) * 2, 1.5)
    scanner = Scanner(photons=1000.0, scatter=0.0, blur=1e-6)
    counted = radiographs.expose(slab, scanner, seed=0)
    expected = 1000 * np.exp(-1.5)
    # 9,216 pixels: the mean's standard error is 0.16, four of them allowed
    assert counted.mean() == pytest.approx(expected, abs=0.65)
    assert counted.var() == pytest.approx(expected, rel=0.08)


def test_scatter_adds_photons_and_takes_contrast():
    integrals = np.ones((radiographs.FINE * radiographs.SIZE,) * 2)
    integrals[80:112, 80:112] = 2.0

    def contrast(scatter):
        counted = radiographs.expose(integrals, Scanner(scatter=scatter, blur=1e-6), seed=0)
        return counted[10:30, 10:30].mean() / counted[44:52, 44:52].mean()

    assert contrast(0.0) == pytest.approx(np.e, rel=0.02)
    assert contrast(1.0) < 0.75 * contrast(0.0)


def test_bone_is_bright_and_air_is_dark():
    counts = np.full((96, 96), 10_000.0)  # much light behind air, little behind bone
    counts[:, 60:] = 100.0
    image = radiographs.develop(counts, Scanner())
    assert image.dtype == np.uint8 and image[50, 80] == 255 and image[50, 20] == 0


@pytest.mark.parametrize("grade", radiographs.GRADES)
def test_a_lesion_changes_the_image_where_its_box_is_and_nowhere_else(grade):
    sick = radiographs.simulate(3, grade, 1, grade)
    healthy = radiographs.simulate(3, grade, 0, 0)
    left, top, right, bottom = (int(at) for at in sick.box["scanner_1"])
    inside = np.zeros((96, 96), dtype=bool)
    inside[max(top - 4, 0) : bottom + 4, max(left - 4, 0) : right + 4] = True
    change = sick.images["scanner_1"].astype(int) - healthy.images["scanner_1"]
    box = change[top:bottom, left:right]
    # outside: photons fall a little otherwise, and the window moves by a grey or two
    assert abs(change[~inside].mean()) < 2
    assert box.mean() > 1
    assert sick.grade == grade and healthy.box["scanner_1"] == []


@pytest.mark.parametrize("grade", radiographs.GRADES)
def test_the_detectability_of_a_lesion_lies_inside_its_grade_however_it_is_measured(grade):
    low, high = radiographs.GRADE_BORDERS[grade - 1 : grade + 1]
    seeds = np.random.SeedSequence([radiographs.VERSION, 11, grade]).spawn(3)
    patient = Patient(np.random.default_rng(seeds[0]))
    healthy = patient.line_integrals()
    lesion, aim, diameter = radiographs._lesion(
        patient, healthy, grade, np.random.default_rng(seeds[1])
    )
    assert low <= aim <= high
    assert radiographs.DIAMETERS[0] <= diameter <= radiographs.DIAMETERS[1]
    assert radiographs.detectability(lesion, healthy) == pytest.approx(aim, rel=1e-6)
    assert by_hand(lesion, healthy) == pytest.approx(aim, rel=0.02)


def by_hand(lesion, healthy):
    """The rule of the data card, written out with other tools: numpy's polynomial fit, loops."""
    scanner, n = Scanner(), radiographs.SIZE
    sigma = scanner.blur / (radiographs.FIELD / (2 * n))

    def binned(fine):
        pairs = range(0, 2 * n, 2)
        return np.array([[fine[i : i + 2, j : j + 2].mean() for j in pairs] for i in pairs])

    signal, behind = (
        binned(gaussian_filter(integrals, sigma) / (1 + scanner.scatter))
        for integrals in (lesion, healthy)
    )
    mask = signal > 0.1 * signal.max()
    spans = []
    for at in np.nonzero(mask):
        half = max(at.max() - at.min() + 1, 2) / 2
        spans.append(slice(max(int(at.min() - half), 0), int(at.max() + half) + 1))
    part = behind[spans[0], spans[1]]
    y, x = np.mgrid[: part.shape[0], : part.shape[1]].astype(float)
    design = np.stack([x**i * y**j for i in range(3) for j in range(3 - i)], axis=-1).reshape(-1, 6)
    rest = part.ravel() - design @ np.linalg.pinv(design) @ part.ravel()
    thick = binned(healthy)[spans[0], spans[1]]
    photons = scanner.photons * np.exp(-thick.mean()) * (1 + scanner.scatter)
    looks = max(mask.sum() * (radiographs.FIELD / n) ** 2 / 12.0**2, 1)
    contrast = np.sqrt(np.mean(signal[mask] ** 2))
    return contrast / np.sqrt(rest.var() + 1 / photons) * np.sqrt(looks)


def test_the_grades_are_five_equal_steps_on_a_logarithmic_scale_above_nothing():
    steps = np.diff(np.log(radiographs.GRADE_BORDERS))
    assert len(steps) == 5
    np.testing.assert_allclose(steps, steps[0])
    assert (radiographs.GRADE_BORDERS[0], radiographs.GRADE_BORDERS[-1]) == pytest.approx((1, 8))
    assert radiographs.detectability(np.zeros((192, 192)), np.ones((192, 192))) == 0


@pytest.mark.parametrize("label, grade", [(0, 1), (1, 0), (1, 6)])
def test_a_label_and_a_grade_that_do_not_fit_are_refused(label, grade):
    with pytest.raises(ValueError, match="allowed: 0 with 0, 1 with 1 to 5"):
        radiographs.simulate(0, 0, label, grade)


def test_a_marker_changes_one_corner_alone():
    plain = Image.fromarray(np.zeros((96, 96), dtype=np.uint8))
    marked = np.array(radiographs.add_marker(plain))
    assert marked[:20, -20:].max() == 255
    marked[:20, -20:] = 0
    assert marked.max() == 0
