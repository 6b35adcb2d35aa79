"""Random changes of images, against plain loops over single images with the draws known."""

import pytest
import torch

from whyalike.training.augmentation import augment
from whyalike.training.parameters import Augmentation

FILL = (10.4, 20.6, 30.0)
COLOUR = (10, 21, 30)  # rounded
B, H, W = 40, 6, 7


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.randint(0, 256, (B, H, W, 3), dtype=torch.uint8, generator=generator(5))


def candidates(image, spec):
    """Every image that a flip, a shift and a cut-out can make of one, by loops."""
    flips = [image, image.flip(1)] if spec.flip else [image]
    reach = range(-spec.translate, spec.translate + 1)
    return [cut_out(shifted(flipped, dy, dx), top, left, spec.cutout) for flipped in flips for dy in reach
            for dx in reach for top, left in corners(spec.cutout)]  # fmt: skip


def corners(side):
    return [(top, left) for top in range(H - side + 1) for left in range(W - side + 1)] if side else [(0, 0)]


def shifted(image, dy, dx):
    result = torch.empty_like(image)
    for y in range(H):
        for x in range(W):
            inside = 0 <= y + dy < H and 0 <= x + dx < W
            result[y, x] = image[y + dy, x + dx] if inside else torch.tensor(COLOUR, dtype=image.dtype)
    return result


def cut_out(image, top, left, side):
    result = image.clone()
    for y in range(top, top + side):
        for x in range(left, left + side):
            result[y, x] = torch.tensor(COLOUR, dtype=image.dtype)
    return result


def which(result, options):
    """Place of an image among options that all differ."""
    places = [place for place, option in enumerate(options) if torch.equal(result, option)]
    assert len(places) == 1
    return places[0]


@pytest.mark.parametrize("spec", [Augmentation(flip=True), Augmentation(translate=2), Augmentation(cutout=3),
                                  Augmentation(flip=True, translate=1)], ids=str)  # fmt: skip
def test_each_image_becomes_one_of_the_images_that_loops_make(images, spec):
    changed = augment(images, spec, FILL, generator())
    assert changed.dtype == torch.uint8
    assert changed.shape == images.shape
    options = [candidates(image, spec) for image in images]
    drawn = {which(result, option) for result, option in zip(changed, options, strict=True)}
    assert len(drawn) > min(len(options[0]), B) / 3  # the draws differ between the images
    assert drawn <= set(range(len(options[0])))


def test_known_draws_give_what_loops_give(images):
    spec = Augmentation(flip=True, translate=2, cutout=3)
    draws = generator(9)
    mirrored = torch.rand(B, 1, generator=draws) < 0.5
    shift = torch.randint(0, 5, (2, B, 1), generator=draws)
    top, left = (torch.randint(0, side - 3 + 1, (B, 1), generator=draws) for side in (H, W))
    expected = []
    for i, image in enumerate(images):
        # a shift of the padded, then mirrored reading: the mirror comes first
        dy, dx = (int(shift[axis, i]) - 2 for axis in (0, 1))
        moved = shifted_mirror(image, bool(mirrored[i]), dy, dx)
        expected.append(cut_out(moved, int(top[i]), int(left[i]), 3))
    assert torch.equal(augment(images, spec, FILL, generator(9)), torch.stack(expected))


def shifted_mirror(image, mirror, dy, dx):
    """Shift, reading mirrored columns where asked."""
    result = shifted(image, dy, dx)
    return result.flip(1) if mirror else result


def test_flips_are_fair():
    images = torch.arange(2, dtype=torch.uint8).view(1, 1, 2, 1).expand(4000, 1, 2, 3)
    mirrored = augment(images, Augmentation(flip=True), FILL, generator())[:, 0, 0, 0].sum().item()
    assert abs(mirrored - 2000) < 5 * 1000**0.5  # 5 standard deviations of Binomial(4000, 1/2)


def test_every_shift_and_place_of_the_cut_out_is_reached():
    images = torch.full((3000, 4, 4, 3), 200, dtype=torch.uint8)
    images[:, 1, 2] = 100
    shifts = augment(images, Augmentation(translate=1), FILL, generator())
    assert {tuple(place.tolist()[1:]) for place in (shifts == 100).all(-1).nonzero()} == {
        (y, x) for y in (0, 1, 2) for x in (1, 2, 3)}  # fmt: skip
    cuts = augment(images, Augmentation(cutout=2), FILL, generator())
    covered = (cuts == torch.tensor(COLOUR)).all(-1)
    assert covered.sum((1, 2)).unique().tolist() == [4]  # always a whole square inside the image
    assert len(covered.flatten(1).unique(dim=0)) == 9


def test_a_cut_out_larger_than_the_image_covers_it_all(images):
    changed = augment(images, Augmentation(cutout=20), FILL, generator())
    assert torch.equal(changed, torch.tensor(COLOUR, dtype=torch.uint8).expand(B, H, W, 3))


@pytest.mark.parametrize("changes", [{"flip": True}, {"translate": 2}, {"cutout": 2}, {"brightness": 0.3},
                                     {"contrast": 0.3}, {"saturation": 0.3}], ids=str)  # fmt: skip
def test_equal_generators_change_a_batch_alike_and_others_differently(images, changes):
    spec, before = Augmentation(**changes), images.clone()
    first = augment(images, spec, FILL, generator(1))
    assert torch.equal(first, augment(images, spec, FILL, generator(1)))
    assert not torch.equal(first, augment(images, spec, FILL, generator(2)))
    assert torch.equal(images, before)  # the caller's images stay as they are


def test_nothing_asked_for_changes_nothing(images):
    draws = generator()
    state = draws.get_state()
    assert torch.equal(augment(images, Augmentation(), FILL, draws), images)
    assert torch.equal(draws.get_state(), state)


def jittered(images, seed=0, probability=1.0, **spread):
    return augment(images, Augmentation(jitter_probability=probability, **spread), FILL, generator(seed))


def luma(images):
    return images.float() @ torch.tensor([0.299, 0.587, 0.114])


MIDDLE = torch.randint(100, 150, (200, H, W, 3), dtype=torch.uint8, generator=generator(6))  # far from 0 and 255


def factors(changed, images, centre):
    """The factor of each image, which must be one for all its pixels."""
    away = images.float() - centre
    factor = ((changed - centre) * away).sum((1, 2, 3)) / away.square().sum((1, 2, 3))
    # float32 on values up to 255
    torch.testing.assert_close(changed, centre + factor.view(-1, 1, 1, 1) * away, rtol=0, atol=2e-3)
    return factor


@pytest.mark.parametrize("kind", ["brightness", "contrast", "saturation"])
def test_a_jitter_scales_each_image_by_one_factor_within_its_range(kind):
    changed = jittered(MIDDLE, **{kind: 0.2})
    grey = luma(MIDDLE)[..., None]
    centre = {"brightness": torch.zeros(()), "contrast": grey.mean((1, 2), keepdim=True), "saturation": grey}[kind]
    factor = factors(changed, MIDDLE, centre)
    assert changed.dtype == torch.float32
    assert 0.8 - 1e-4 <= factor.min() < 0.81  # 200 uniform draws come within 1/20 of the range to its ends
    assert 1.19 < factor.max() <= 1.2 + 1e-4


def test_contrast_and_saturation_keep_what_they_turn_around():
    contrast, saturation = jittered(MIDDLE, contrast=0.2), jittered(MIDDLE, saturation=0.2)
    torch.testing.assert_close(luma(contrast).mean((1, 2)), luma(MIDDLE).mean((1, 2)), rtol=0, atol=2e-3)
    torch.testing.assert_close(luma(saturation), luma(MIDDLE), rtol=0, atol=2e-3)


def test_jittered_colours_stay_between_0_and_255():
    images = torch.tensor([0, 250], dtype=torch.uint8).repeat(3).view(1, 1, 2, 3).expand(100, 1, 2, 3)
    for kind in ("brightness", "contrast", "saturation"):
        changed = jittered(images, **{kind: 0.9})
        assert changed.min() == 0
        assert changed.max() == 255


def test_the_probability_says_how_many_images_are_jittered():
    images = torch.full((4000, 1, 1, 3), 100, dtype=torch.uint8)
    changed = (jittered(images, probability=0.3, brightness=0.2) != 100).any(-1).sum().item()
    assert abs(changed - 1200) < 5 * 840**0.5  # 5 standard deviations of Binomial(4000, 0.3)
    assert torch.equal(jittered(images, probability=0.0, brightness=0.2), images.float())


def test_uncovered_and_cut_out_pixels_have_the_fill_colour_whatever_the_jitter(images):
    changed = augment(
        images, Augmentation(translate=2, cutout=3, brightness=0.5, jitter_probability=1), FILL, generator()
    )
    filled = (changed == torch.tensor(COLOUR)).all(-1).sum((1, 2))
    assert (filled >= 9).all()
    white = torch.full((200, 5, 5, 3), 255, dtype=torch.uint8)
    spec = Augmentation(translate=5, brightness=0.5, jitter_probability=1)
    moved = augment(white, spec, (200, 100, 50), generator())
    gone = (moved == torch.tensor([200, 100, 50])).all(-1)
    assert gone.flatten(1).all(1).any()  # shifted out of sight: only the fill is left, unchanged
