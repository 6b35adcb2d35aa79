"""Shifts: their pixels by hand, what each keeps and takes away, and that no image depends on its neighbours."""

import doctest
import importlib
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from whyalike.data.prepared import DamagedData, open_prepared, write_prepared
from whyalike.data.shifts import colours, eidolon, filters, spectra
from whyalike.data.shifts.application import LUMA, shifted
from whyalike.data.shifts.registry import CONTROL, REFERENCE_SIDE, SHIFTS, checked_levels, level_name
from whyalike.data.shifts.stimuli import shown
from whyalike.data.stimuli import try_stimuli
from whyalike.provenance import version
from whyalike.registry import Entry, Registry

GREY_ONES = [name for name, entry in SHIFTS.items() if entry.facts.grey]
EVERY_LEVEL = [(name, level) for name, entry in SHIFTS.items() for level in entry.facts.levels]
EIDOLONS = ("eidolon_i", "eidolon_ii", "eidolon_iii")


def noise(n=3, side=24, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def of_greys(*greys, side=None):
    """One grey image of these pixels."""
    side = side or math.isqrt(len(greys))
    return np.array(greys, np.uint8).reshape(1, -1, side, 1)


def one(images, shift, level, **how):
    return shifted(images, shift, level, range(len(images)), **how)


def test_the_twelve_parametric_sets_are_there_with_their_levels():
    counts = {name: (len(entry.facts.levels), len(entry.facts.published)) for name, entry in SHIFTS.items()}
    # with their control as many as the published sets have, but for eidolons, whose control is the weakest reach
    published = {
        "colour": (1, 1), "opponent_colour": (1, 1), "contrast": (7, 5), "low_pass": (7, 5), "high_pass": (7, 4),
        "phase_noise": (6, 4), "power_equalisation": (1, 1), "rotation": (3, 3), "uniform_noise": (7, 5),
        "eidolon_i": (8, 5), "eidolon_ii": (8, 4), "eidolon_iii": (8, 3),
    }  # fmt: skip
    assert len(published) == 12
    assert published.items() <= counts.items()
    for entry in SHIFTS.values():
        assert set(entry.facts.published) <= set(entry.facts.levels)
        assert version(entry.module) >= 1


@pytest.mark.parametrize("module", ["registry", "application"])
def test_the_examples_run(module):
    failed, tried = doctest.testmod(importlib.import_module(f"whyalike.data.shifts.{module}"))
    assert tried and not failed


# --- levels


@pytest.mark.parametrize(
    ("shift", "given", "levels"),
    [
        ("contrast", [0.3, 1], (0.3, CONTROL)),
        ("low_pass", [0, 0.5], (CONTROL, 0.5)),
        ("high_pass", [CONTROL, 2], (CONTROL, 2)),
        ("rotation", [0, 90], (CONTROL, 90)),
        ("high_pass", "all", (CONTROL, 3, 1.5, 1, 0.7, 0.55, 0.45, 0.4)),
        ("eidolon_iii", "published", (2, 4, 8)),
    ],
)
def test_levels_are_those_that_are_asked_for(shift, given, levels):
    assert checked_levels(shift, given) == levels


@pytest.mark.parametrize(
    ("shift", "given", "words"),
    [
        ("contrast", [30], "contrast has no level 30 (share of contrast). Did you mean 0.3? Known: control, 0.5, "),
        ("contrast", [0], "contrast has no level 0 (share of contrast). Did you mean 0.01?"),
        ("contrast", [math.nan], "contrast has no level nan"),
        ("rotation", [91], "rotation has no level 91 (degrees, anticlockwise). Did you mean 90? Known: control, 90, "),
        ("phase_noise", [181], "Did you mean 180?"),
        ("phase_noise", [-30], "phase_noise has no level -30"),
        ("colour", [0.5], "colour has no level 0.5 (1 is on)"),
        ("low_pass", [1e-5], "low_pass has no level 1e-05"),
        ("contrast", ["contrl"], "contrast has no level contrl (share of contrast). Did you mean control?"),
        ("contrast", [0.3, 0.3], "name at least one level of contrast, and each once; got 0.3, 0.3"),
        ("contrast", [1, CONTROL], "each once; got 1, control"),
        ("contrast", [], "each once; got none"),
    ],
)
def test_a_level_that_a_shift_does_not_have_is_refused_with_the_nearest(shift, given, words):
    with pytest.raises(ValueError, match="level") as error:
        checked_levels(shift, given)
    assert words in str(error.value)


def test_only_steps_between_which_nothing_lies_are_refused_between_levels():
    between = {name for name, entry in SHIFTS.items() if entry.facts.any_level}
    assert between.isdisjoint({"colour", "opponent_colour", "power_equalisation", "rotation"})
    assert between >= {"contrast", "low_pass", "high_pass", "phase_noise", "uniform_noise", *EIDOLONS}
    assert checked_levels("phase_noise", [45.5]) == (45.5,)


def test_names_of_levels_are_parts_of_file_names_and_tell_levels_apart():
    for entry in SHIFTS.values():
        names = [level_name(level) for level in (CONTROL, *entry.facts.levels)]
        assert len(set(names)) == len(names)
        assert all(name.isalnum() for name in names)


# --- what every shift keeps to


@pytest.mark.parametrize(("shift", "level"), EVERY_LEVEL)
def test_an_image_does_not_depend_on_its_neighbours_or_their_order(shift, level):
    images, ids, order = noise(5, 16), np.array([3, 14, 15, 92, 65]), np.array([4, 2, 0, 1, 3])
    together = shifted(images, shift, level, ids)
    assert together.dtype == np.uint8 and together.shape == images.shape
    apart = [shifted(images[[i]], shift, level, ids[[i]], whole=images[order])[0] for i in order]
    np.testing.assert_array_equal(np.stack(apart), together[order])


@pytest.mark.parametrize("shift", SHIFTS)
def test_what_is_drawn_is_keyed_by_the_image_and_the_seed(shift):
    images, level = noise(1, 16).repeat(2, axis=0), SHIFTS[shift].facts.levels[-1]
    first, second = shifted(images, shift, level, [0, 1])
    other = shifted(images, shift, level, [0, 1], seed=1)[0]
    assert (first != second).any() == (first != other).any() == SHIFTS[shift].facts.random


def test_what_is_drawn_is_keyed_by_the_level():
    grey = np.full((1, 32, 32, 1), 128, np.uint8)
    weak, strong = (one(grey, "uniform_noise", width).ravel() / 255 - 0.35 - 0.3 * 128 / 255 for width in (0.1, 0.2))
    assert abs(np.corrcoef(weak, strong)[0, 1]) < 4 / math.sqrt(1024)  # one draw, twice as wide, would correlate by 1


@pytest.mark.parametrize("shift", SHIFTS)
def test_many_images_are_shifted_part_by_part_to_the_same_pixels(shift, monkeypatch):
    images, level = noise(7, 16), SHIFTS[shift].facts.levels[-1]
    whole = one(images, shift, level)
    monkeypatch.setattr("whyalike.data.shifts.application.CHUNK", 2 * images[0].size)
    np.testing.assert_array_equal(one(images, shift, level), whole)


@pytest.mark.parametrize("shift", GREY_ONES)
def test_the_control_of_a_shift_of_grey_images_is_the_grey_image(shift):
    images = noise()
    grey = (images @ LUMA) / 255
    prepared = 0.35 + 0.3 * grey if shift == "uniform_noise" else grey
    control = one(images, shift, CONTROL)
    np.testing.assert_array_equal(control[..., 0], np.rint(255 * prepared))
    assert (control == control[..., :1]).all()
    np.testing.assert_array_equal(one(images, shift, SHIFTS[shift].facts.control), control)


@pytest.mark.parametrize("shift", [name for name in GREY_ONES if name != "uniform_noise"])
def test_the_control_of_grey_images_is_these_to_the_bit(shift):
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(one(images, shift, CONTROL), images)


@pytest.mark.parametrize("shift", ["colour", "opponent_colour"])
def test_the_control_of_a_shift_of_colours_is_the_image_to_the_bit(shift):
    images = noise()
    np.testing.assert_array_equal(one(images, shift, CONTROL), images)


@pytest.mark.parametrize("shift", ["colour", "opponent_colour"])
def test_a_shift_of_colours_refuses_grey_images(shift):
    with pytest.raises(ValueError, match=rf"{shift} needs images in colour, these are grey \(1, 16, 16, 1\)"):
        one(noise(1, 16, channels=1), shift, 1)


@pytest.mark.parametrize(
    ("images", "ids", "words"),
    [
        (noise().astype(np.float32), [0, 1, 2], "must be uint8 .*, got float32"),
        (noise()[..., 0], [0, 1, 2], r"got uint8 \(3, 24, 24\)"),
        (noise(channels=2), [0, 1, 2], r"got uint8 \(3, 24, 24, 2\)"),
        (noise(), [0, 1], "got 3 images and 2 ids"),
    ],
)
def test_what_are_no_images_is_refused(images, ids, words):
    with pytest.raises(ValueError, match=words):
        shifted(images, "contrast", 0.5, ids)


def test_an_unknown_shift_is_named_with_the_nearest():
    with pytest.raises(KeyError, match=r"unknown shift 'low_pas'\. Did you mean 'low_pass'"):
        one(noise(), "low_pas", 1)


def test_no_images_stay_none():
    assert one(noise(0), "eidolon_i", 8).shape == (0, 24, 24, 3)


@pytest.mark.parametrize("shift", [name for name, entry in SHIFTS.items() if name != "rotation"])
def test_images_need_not_be_square(shift):
    images = np.random.default_rng(1).integers(0, 256, (2, 10, 14, 3), dtype=np.uint8)
    assert one(images, shift, SHIFTS[shift].facts.levels[-1]).shape == images.shape


# --- colours


def test_grey_is_the_weighted_sum_of_the_channels():
    red_green_blue = np.eye(3, dtype=np.uint8).reshape(1, 1, 3, 3) * 255
    # 255 times .2125, .7154, .0721
    assert one(red_green_blue, "colour", 1)[0, 0, :, 0].tolist() == [54, 182, 18]


def test_opponent_colours_keep_grey_and_turn_back_into_the_colours():
    greys = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    # the white point has 8 digits, and the matrix amplifies: up to one grey value of rounding
    assert abs(one(greys, "opponent_colour", 1).astype(int) - greys).max() <= 1
    # pale colours, whose opponents the screen has
    pale = np.random.default_rng(2).integers(118, 138, (1, 16, 16, 3), dtype=np.uint8)
    turned = one(pale, "opponent_colour", 1)
    assert abs(turned.astype(int) - pale).max() > 5
    # each way is rounded to whole values of three channels that mix
    assert abs(one(turned, "opponent_colour", 1).astype(int) - pale).max() <= 3


def test_opponent_colours_keep_luminance_and_negate_both_chromatic_axes():
    pale = np.random.default_rng(2).integers(118, 138, (1, 16, 16, 3), dtype=np.uint8)

    def axes(images):
        cones = colours.to_linear(images / 255) @ colours.CONES.T - colours.WHITE
        return (cones @ colours.OPPONENT.T).reshape(-1, 3)

    before, after = axes(pale), axes(one(pale, "opponent_colour", 1))
    # a half of a grey value is about .002 of linear light, and the axes' weights reach 1.9 for one channel
    np.testing.assert_allclose(after, before * [1, -1, -1], atol=0.02)
    assert abs(before[:, 1:]).max() > 0.05


def test_srgb_is_its_own_inverse_and_linear_near_black():
    values = np.linspace(0, 1, 256)
    np.testing.assert_allclose(colours.to_srgb(colours.to_linear(values)), values, atol=1e-12)  # two powers
    assert colours.to_linear(np.array([0.5]))[0] == pytest.approx(0.21404114, abs=1e-8)  # IEC 61966-2-1


# --- contrast, noise, rotation


def test_contrast_is_a_mean_with_middle_grey():
    # 255 (.35 + .3 I): 89.25, 165.75; for 51, I = .2: 104.55
    assert one(of_greys(0, 51, 255, 255), "contrast", 0.3).ravel().tolist() == [89, 105, 166, 166]


def test_noise_is_uniform_in_its_width_one_value_a_pixel_alike_in_all_channels():
    grey = np.full((4, 100, 100, 3), 128, np.uint8)
    noisy = one(grey, "uniform_noise", 0.2).astype(int)
    assert (noisy == noisy[..., :1]).all()
    middle = 255 * (0.35 + 0.3 * 128 / 255)
    apart = (noisy[..., 0] - middle).ravel() / 255
    assert 0.198 < abs(apart).max() < 0.202  # the width, to a whole grey value
    # SD of U(-w, w) is w / √3; 40,000 draws leave .3 % of it
    assert apart.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.01)
    assert abs(apart.mean()) < 4 * 0.2 / math.sqrt(3 * 40_000)


def test_strong_noise_is_clipped():
    assert {0, 255} <= set(one(np.full((1, 64, 64, 1), 128, np.uint8), "uniform_noise", 0.9).ravel().tolist())


def test_quarter_turns_are_anticlockwise():
    image = of_greys(1, 2, 3, 4)
    assert [one(image, "rotation", turn).ravel().tolist() for turn in (90, 180, 270)] == [
        [2, 4, 1, 3], [4, 3, 2, 1], [3, 1, 4, 2],
    ]  # fmt: skip


def test_rotation_refuses_images_that_are_not_square():
    with pytest.raises(ValueError, match="rotation needs square images, these are 1 x 2"):
        one(of_greys(1, 2, side=2), "rotation", 90)


# --- frequencies


def wave(cycles, side=REFERENCE_SIDE, amplitude=0.2):
    """A grey image of upright stripes, uint8, so many of them across."""
    row = 0.5 + amplitude * np.cos(2 * np.pi * cycles * (np.arange(side) + 0.5) / side)
    return np.rint(255 * np.tile(row, (side, 1))).astype(np.uint8)[None, ..., None]


def share_kept(before, shift, sigma):
    """How much of the amplitude of stripes a shift keeps, away from the border."""
    before, after = (np.ptp(image[0, 80:144, 80:144, 0].mean(axis=0)) for image in (before, one(before, shift, sigma)))
    return after / before


ROUNDING = 2 / (0.28 * 255)  # half a grey value at four ends of stripes that span .28 of black to white at least


@pytest.mark.parametrize(("cycles", "sigma"), [(56, 3.0), (56, 5.0), (28, 10.0)])
def test_low_pass_removes_high_frequencies_and_high_pass_keeps_them(cycles, sigma):
    # of a wave of f cycles a pixel a Gaussian leaves exp(-2 (pi sigma f)^2)
    assert math.exp(-2 * (math.pi * sigma * cycles / REFERENCE_SIDE) ** 2) < 2e-5
    assert share_kept(wave(cycles), "low_pass", sigma) < ROUNDING
    assert share_kept(wave(cycles), "high_pass", sigma) == pytest.approx(1, abs=ROUNDING)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_low_pass_keeps_low_frequencies_and_high_pass_removes_them(sigma):
    left = math.exp(-2 * (math.pi * sigma * 4 / REFERENCE_SIDE) ** 2)
    assert left > 0.94
    assert share_kept(wave(4), "low_pass", sigma) == pytest.approx(left, abs=ROUNDING)
    assert share_kept(wave(4), "high_pass", sigma) == pytest.approx(1 - left, abs=ROUNDING)


def test_high_pass_has_the_mean_grey_of_the_source():
    weak = (noise(side=64) // 4 + 96).astype(np.uint8)  # of which nothing is clipped
    # rounding to whole values leaves a mean over 4,096 pixels as it is to .29 / 64 of one
    np.testing.assert_allclose(one(weak, "high_pass", 10).mean(axis=(1, 2, 3)) / 255, 0.4423, atol=4 * 0.29 / 64 / 255)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.7, 40.0])
def test_the_filter_is_scipys_with_grey_beyond_the_border(sigma):
    pixels = np.random.default_rng(3).random((2, 30, 50))
    expected = [
        scipy.ndimage.gaussian_filter(image, sigma, mode="constant", cval=filters.MEAN_GREY) for image in pixels
    ]
    np.testing.assert_allclose(filters.blurred(pixels, sigma), expected, atol=1e-12)  # sums in another order


@pytest.mark.parametrize("shift", ["low_pass", "high_pass"])
def test_a_length_is_a_share_of_the_side(shift):
    large = wave(8, 224).repeat(2, axis=1).repeat(2, axis=2)  # 448 px: the same picture, twice as large
    assert SHIFTS[shift].facts.scales
    small, twice = one(wave(8, 224), shift, 5), one(large, shift, 5)[:, ::2, ::2]
    # a pixel of the small one is four of the large: away from the border they differ by the blur of half a pixel
    assert abs(small.astype(int) - twice)[:, 40:-40, 40:-40].max() <= 6


def test_phase_noise_keeps_amplitudes_before_it_is_clipped():
    pixels = np.random.default_rng(4).random((2, 16, 16))
    images = spectra.Images(pixels, 1.0, lambda: iter([np.random.default_rng(i) for i in range(2)]), None)
    for width in (30.0, 180.0):
        found = spectra.phase_noise(images, width)
        before, after = np.fft.fft2(pixels), np.fft.fft2(found)
        np.testing.assert_allclose(abs(after), abs(before), atol=1e-9)  # sums of 256 numbers of order one
        turned = np.degrees(np.angle(after / before))
        assert width * 0.9 < abs(turned).max() <= width + 1e-6
        own = np.ix_([0, 8], [0, 8])  # these frequencies are their own opposites
        assert all(abs(image[own]).max() < 1e-6 for image in turned)


@pytest.mark.parametrize("edges", [(8, 8), (7, 7), (6, 9)])
def test_phases_of_opposite_frequencies_turn_in_opposite_ways(edges):
    pixels = np.random.default_rng(5).random((1, *edges))
    images = spectra.Images(pixels, 1.0, lambda: iter([np.random.default_rng(0)]), None)
    spectrum = np.fft.fft2(spectra.phase_noise(images, 180.0))
    np.testing.assert_allclose(abs(spectrum), abs(np.fft.fft2(pixels)), atol=1e-10)  # so nothing imaginary was lost


def test_power_is_equal_after_equalisation_and_phases_are_the_images_own():
    weak = (noise(4, 16, 1) // 8 + 112).astype(np.uint8)  # of which nothing is clipped
    before, after = (np.fft.fft2(images[..., 0] / 255) for images in (weak, one(weak, "power_equalisation", 1)))
    # rounding adds noise of SD .29 / 255 a pixel, 16 times that a frequency
    np.testing.assert_allclose(abs(after), abs(before).mean(axis=0).repeat(4).reshape(16, 16, 4).transpose(2, 0, 1),
                               atol=5 * 16 * 0.29 / 255)  # fmt: skip
    strong = abs(before) > 0.3
    assert abs(np.angle(after / before))[strong].max() < 0.35


def test_power_equalisation_takes_the_set_that_it_is_given():
    images = noise(4, 16)
    alone = one(images[:1], "power_equalisation", 1)
    np.testing.assert_array_equal(alone, one(images[:1], "power_equalisation", CONTROL))  # of one image: its own
    assert (one(images[:1], "power_equalisation", 1, whole=images) != alone).any()


# --- eidolons


@pytest.mark.parametrize("side", [4, 8, 20, 100, 224])
@pytest.mark.parametrize("coherence", [0.0, 0.3, 1.0])
def test_an_eidolon_of_no_reach_is_the_image(side, coherence):
    pixels = np.random.default_rng(6).random((2, side, side))
    images = eidolon.Images(pixels, side / 224, lambda: iter([np.random.default_rng(i) for i in range(2)]), None)
    np.testing.assert_allclose(eidolon.disarrayed(images, 0.0, coherence), pixels, atol=1e-12)  # bands sum to it


def test_bands_go_from_a_pixel_to_an_eighth_of_the_side():
    assert eidolon.band_sigmas(224)[0] == pytest.approx(2**-0.5)
    assert eidolon.band_sigmas(224)[-1] <= 28 < eidolon.band_sigmas(224)[-1] * 2**0.5
    assert eidolon.band_sigmas(8) == pytest.approx([2**-0.5, 1.0])
    assert len(eidolon.band_sigmas(4)) == 1


@pytest.mark.parametrize("shift", EIDOLONS)
def test_a_longer_reach_takes_an_image_further_away(shift):
    image = wave(6, 112)
    image = np.maximum(image, image.transpose(0, 2, 1, 3))
    away = [abs(one(image, shift, reach).astype(int) - image).mean() for reach in (1.0, 4.0, 16.0)]
    assert away[0] < away[1] < away[2]


def test_a_coherent_eidolon_keeps_edges_that_an_incoherent_one_scatters():
    # a step: bands that move together leave one edge, those that move apart blur it
    image = np.full((1, 112, 112, 1), 40, np.uint8)
    image[:, :, 56:] = 216

    def between(shift):
        return ((one(image, shift, 16) > 60) & (one(image, shift, 16) < 196)).mean()

    assert 2 * between("eidolon_i") < between("eidolon_ii") < between("eidolon_iii")


@given(st.integers(-300, 300), st.integers(1, 40))
def test_a_place_beyond_the_border_is_that_of_its_mirror_image(place, edge):
    mirrored = np.pad(np.arange(edge), 400, mode="symmetric")
    assert eidolon._mirrored(np.array([place]), edge)[0] == mirrored[400 + place]


def test_fields_have_mean_0_and_standard_deviation_1():
    fields = eidolon._field([np.random.default_rng(i) for i in range(3)], (32, 32), 4.0)
    assert fields.shape == (2, 3, 32, 32)
    np.testing.assert_allclose(fields.mean(axis=(2, 3)), 0, atol=1e-6)  # float32
    np.testing.assert_allclose(fields.std(axis=(2, 3)), 1, atol=1e-6)


# --- as stimuli


@pytest.fixture
def data(tmp_path):
    labels = {"part": ["train", "test"] * 5, "kind": ["a"] * 10}
    write_prepared(tmp_path / "toy", noise(10, 8), pd.DataFrame(labels), ["kind"], {"source": "toy"})
    return open_prepared(tmp_path / "toy")


def test_stimuli_without_a_shift_are_the_data_set_itself(data):
    rows = np.array([1, 5])
    assert shown(data, rows, {"part": "test", "n": 2, "seed": 0}) == (data, rows)


def test_stimuli_with_a_shift_are_its_images_keyed_by_their_rows(data):
    rows, stimuli = np.array([1, 5]), {"shift": "uniform_noise", "levels": [0.2], "seed": 3}
    seen, places = shown(data, rows, stimuli)
    expected = shifted(data.images, "uniform_noise", 0.2, np.arange(10), 3)[rows]
    np.testing.assert_array_equal(seen.images[places], expected)
    assert seen.labels["id"].tolist() == [1, 5]


def test_a_damaged_image_is_not_shifted(data):
    path = data.folder / "array.npy"
    stored = bytearray(path.read_bytes())
    stored[-1] ^= 1
    path.write_bytes(bytes(stored))
    with pytest.raises(DamagedData, match="is not the file"):
        shown(open_prepared(data.folder), np.array([9]), {"shift": "contrast", "levels": [0.5], "seed": 0})


@pytest.mark.parametrize("level", [3.0, 0.4])
def test_a_shift_that_leaves_nothing_of_small_images_is_refused(data, level):
    stimuli = {"part": "test", "n": None, "seed": 0, "shift": "high_pass", "levels": [level]}
    words = f"high_pass at level {level} leaves nothing of images of 8 x 8: all 5 become the same. Name other levels"
    with pytest.raises(ValueError, match=words):
        shown(data, data.rows("test"), stimuli)
    with pytest.raises(ValueError, match=words) as error:  # before any model is trained
        try_stimuli({"sharp": (data.folder, stimuli)})
    assert error.value.__notes__ == ["These are stimuli.sharp of the configuration."]
    try_stimuli({"sharp": (data.folder, {**stimuli, "levels": [40.0]})})


@pytest.mark.parametrize(
    ("shift", "level", "keep"), [("low_pass", 1.0, "7, 10, 15, 40"), ("eidolon_iii", 1.0, "8, 16")]
)
def test_a_level_that_changes_nothing_of_small_images_is_refused(data, shift, level, keep):
    rows = data.rows("test")
    stimuli = {"part": "test", "n": None, "seed": 0, "shift": shift, "levels": [level]}
    pixels = data.images[rows]
    np.testing.assert_array_equal(shifted(pixels, shift, level, rows), shifted(pixels, shift, CONTROL, rows))
    words = (
        f"{shift} at level 1 changes nothing of images of 8 x 8: all 5 are those of the control, and would count as "
        rf"shifted\. Leave the level out \(name others, of the published set [\d, ]*{keep}.*\), or take larger images"
    )
    with pytest.raises(ValueError, match=words) as error:  # before any model is trained
        try_stimuli({"soft": (data.folder, stimuli)})
    assert error.value.__notes__ == ["These are stimuli.soft of the configuration."]
    for other in (CONTROL, 40.0):  # the control itself, and a level that changes them
        try_stimuli({"soft": (data.folder, {**stimuli, "levels": [other]})})


def test_one_changed_image_is_a_shift(data):
    even, odd = np.full((1, 8, 8, 3), 90, np.uint8), noise(1, 8)
    of_both = replace(data, array=np.concatenate([even, odd]), labels=data.labels[:2], folder=None)
    turned = {"part": "test", "n": None, "seed": 0, "shift": "rotation", "levels": [90.0]}
    shown(of_both, np.array([0, 1]), turned)
    with pytest.raises(ValueError, match=r"rotation at level 90 changes nothing .*\(take another shift\)"):
        shown(of_both, np.array([0]), turned)


@pytest.mark.filterwarnings("error")
def test_an_image_of_one_pixel_has_nowhere_to_go():
    pixel = np.full((1, 1, 1, 1), 90, np.uint8)
    assert shifted(pixel, "eidolon_i", 128, [0]).ravel().tolist() == [90]


def test_levels_that_differ_in_later_digits_alone_are_told_so():
    with pytest.raises(ValueError, match=r"differ in their first six digits.*; got 0\.1234567, 0\.1234568\. Take"):
        checked_levels("contrast", [0.1234567, 0.1234568])


def test_levels_that_were_never_published_are_named(monkeypatch):
    unpublished = replace(SHIFTS["contrast"].facts, published=())
    table = Registry("shift", {"contrast": Entry("a:b", unpublished)})
    monkeypatch.setattr("whyalike.data.shifts.registry.SHIFTS", table)
    with pytest.raises(ValueError, match="no levels of contrast are published: name some, or write all"):
        checked_levels("contrast", "published")
