"""Views of images: each change against a hand-made one, and draws that depend on the key alone."""

import colorsys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from whyalike.models.inputs import LUMA
from whyalike.training.contrastive_parameters import Views
from whyalike.training.views import _gaussian, _hue, _linear, view

NOTHING = {"crop": 1, "jitter_probability": 0, "grey": 0}
B, SIDE = 60, 8


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def viewed(images, seed=0, **spec):
    return view(images, Views(**{**NOTHING, **spec}), generator(seed))


@pytest.fixture
def images():
    return torch.randint(0, 256, (B, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator(5))


def test_nothing_asked_is_nothing_done(images):
    torch.testing.assert_close(viewed(images), images.float(), rtol=0, atol=1e-4)


def test_the_defaults_keep_shape_type_and_range(images):
    found = view(images, Views(blur=0.5, flip=True), generator())
    assert found.shape == images.shape and found.dtype == torch.float32
    assert found.min() >= -1e-3 and found.max() <= 255 + 1e-3  # sums of weights are 1 up to rounding


def test_equal_keys_give_equal_views_and_others_other_ones(images):
    spec = Views(blur=0.5)
    first, second = view(images, spec, generator(1)), view(images, spec, generator(1))
    assert torch.equal(first, second)
    assert not torch.equal(first, view(images, spec, generator(2)))


def test_a_view_is_of_its_own_image(images):
    other = images.clone()
    other[0] = 255 - other[0]
    first, second = (view(one, Views(blur=1), generator()) for one in (images, other))
    assert torch.equal(first[1:], second[1:]) and not torch.equal(first[0], second[0])


def test_about_half_are_mirrored_and_the_others_as_they_were(images):
    found, whole = viewed(images, flip=True), images.float()
    kept = torch.tensor([torch.allclose(a, b, atol=1e-3) for a, b in zip(found, whole, strict=True)])
    turned = torch.tensor([torch.allclose(a, b.flip(1), atol=1e-3) for a, b in zip(found, whole, strict=True)])
    assert (kept ^ turned).all()
    assert 15 <= turned.sum() <= 45


def test_a_crop_is_the_box_stretched_over_the_image():
    """Of images whose pixels say where they are, the corners of a view tell its box."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    place = torch.stack([10 * rows, 10 * columns, torch.zeros_like(rows)], dim=-1)
    found = viewed(place.to(torch.uint8).expand(200, -1, -1, -1), crop=0.3) / 10
    # in the middle no pixel is clamped at the border: one step there is the box's share of the side
    height, width = (found[:, 4, 4, 0] - found[:, 3, 4, 0]), (found[:, 4, 4, 1] - found[:, 4, 3, 1])
    share, ratio = height * width, width / height
    assert 0.3 - 1e-4 <= share.min() < 0.35 and 0.9 < share.max() <= 1
    assert ratio.max() <= 4 / 3 + 1e-3 and ratio.min() >= 3 / 4 - 1e-3
    inside = found[..., :2]
    assert inside.min() >= 0 and inside.max() <= SIDE - 1 + 1e-4
    assert found[:, 0, 0, 0].max() > 2  # boxes are not all at the top


def test_stretching_by_two_is_bilinear():
    matrix = _linear(torch.tensor([1.0]), torch.tensor([0.5]), 4)[0]  # pixels 1 and 2 over four
    expected = [[0.25, 0.75, 0, 0], [0, 0.75, 0.25, 0], [0, 0.25, 0.75, 0], [0, 0, 0.75, 0.25]]
    torch.testing.assert_close(matrix, torch.tensor(expected))


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_a_jitter_moves_colours_along_one_line(images, name):
    images = images // 4 + 96  # far from 0 and 255: nothing is clamped
    spreads = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0, name: 0.4}
    found, whole = viewed(images, jitter_probability=1, **spreads), images.float()
    grey = (whole * torch.tensor(LUMA)).sum(-1, keepdim=True)
    rest = {"brightness": 0 * grey, "contrast": grey.mean((1, 2), keepdim=True), "saturation": grey}[name]
    factor = ((found - rest) * (whole - rest)).sum((1, 2, 3)) / (whole - rest).square().sum((1, 2, 3))
    assert 0.6 <= factor.min() < 0.75 and 1.25 < factor.max() <= 1.4
    torch.testing.assert_close(found, rest + factor.view(-1, 1, 1, 1) * (whole - rest), rtol=0, atol=1e-2)


def test_a_share_of_the_images_is_jittered(images):
    found = viewed(images, jitter_probability=0.5, hue=0)
    moved = (found - images.float()).abs().amax((1, 2, 3)) > 1e-2
    assert 15 <= moved.sum() <= 45


def test_the_hue_turns_and_luma_stays():
    colours = torch.tensor([[200.0, 60, 60], [128, 128, 128]])
    third = _hue(torch.tensor([2 * np.pi / 3]))[0]
    turned = colours @ third.T
    torch.testing.assert_close(turned @ torch.tensor(LUMA), colours @ torch.tensor(LUMA), rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(turned[1], colours[1], rtol=1e-4, atol=1e-1)  # grey has no hue
    before, after = (colorsys.rgb_to_hsv(*(one.clamp(0, 255) / 255).tolist())[0] for one in (colours[0], turned[0]))
    assert abs((after - before + 0.5) % 1 - 0.5) == pytest.approx(1 / 3, abs=0.06)
    torch.testing.assert_close(third @ third @ third, torch.eye(3), rtol=0, atol=1e-3)


def test_a_share_of_the_images_becomes_grey(images):
    found = viewed(images, grey=0.5)
    grey = (images * torch.tensor(LUMA)).sum(-1, keepdim=True)
    is_grey = (found - grey).abs().amax((1, 2, 3)) < 1e-2
    is_kept = (found - images.float()).abs().amax((1, 2, 3)) < 1e-2
    assert (is_grey ^ is_kept).all() and 15 <= is_grey.sum() <= 45


def test_a_blur_is_a_gaussian(images):
    wide = torch.randint(0, 256, (2, 31, 31, 3), dtype=torch.uint8, generator=generator())
    found = viewed(wide, blur=1, blur_sigma=(1.5, 1.5))
    theirs = gaussian_filter(wide.numpy().astype(float), sigma=(0, 1.5, 1.5, 0), truncate=8)
    np.testing.assert_allclose(found[:, 13:18, 13:18], theirs[:, 13:18, 13:18], atol=1e-2)
    flat = viewed(torch.full((2, 8, 8, 3), 90, dtype=torch.uint8), blur=1)
    torch.testing.assert_close(flat, torch.full((2, 8, 8, 3), 90.0), rtol=0, atol=1e-3)  # borders do not darken
    matrix = _gaussian(torch.tensor([0.1]), 5)[0]
    torch.testing.assert_close(matrix, torch.eye(5))


def test_a_share_of_the_images_is_blurred(images):
    moved = (viewed(images, blur=0.5, blur_sigma=(1, 2)) - images.float()).abs().amax((1, 2, 3)) > 1e-2
    assert 15 <= moved.sum() <= 45


def test_a_range_of_blurs_ascends():
    with pytest.raises(ValueError, match=r"the smallest stands first, got 2 and 1"):
        Views(blur_sigma=(2, 1))
