"""Any images as a model's input."""

import numpy as np
import pandas as pd
import pytest
import torch

from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.models import inputs
from whyalike.models.inputs import adapt, normalise, stretches_of, windows


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_images_of_the_right_size_keep_their_bytes():
    images = noise(3, 8, 8, 3)
    assert np.array_equal(adapt(images, 8).numpy(), images)


def test_the_source_is_not_changed_and_not_shared():
    images = noise(3, 8, 8, 3)
    images.setflags(write=False)  # as a mapped file
    adapt(images, 8).zero_()
    assert np.array_equal(images, noise(3, 8, 8, 3))


@pytest.mark.parametrize("size", [8, 5])
def test_grey_becomes_three_equal_channels(size):
    tensor = adapt(noise(3, 8, 8, 1), size)
    assert tensor.shape == (3, size, size, 3)
    assert torch.equal(tensor[..., 0], tensor[..., 1])
    assert torch.equal(tensor[..., 0], tensor[..., 2])


def test_halving_averages_with_the_triangle_of_antialiasing():
    ramp = np.zeros((1, 2, 8, 1), np.uint8)
    ramp[...] = np.arange(0, 80, 10)[None, None, :, None]
    resized = adapt(np.repeat(ramp, 4, axis=1), 4)  # 8 x 8 -> 4 x 4
    # inside: weights 1 3 3 1 around the middle of two pixels, which keep a ramp; at the border 3 3 1 over 7
    assert resized[0, 0, :, 0].tolist() == [round((3 * 0 + 3 * 10 + 20) / 7), 25, 45, round((50 + 3 * 60 + 3 * 70) / 7)]


def test_a_flat_image_stays_flat_at_any_size():
    for size in (3, 8, 20):
        assert torch.equal(adapt(np.full((1, 8, 8, 3), 77, np.uint8), size), torch.full((1, size, size, 3), 77).byte())


def test_images_that_are_not_square_become_square():
    assert adapt(noise(2, 6, 9, 3), 4).shape == (2, 4, 4, 3)


def test_resizing_in_chunks_changes_nothing(monkeypatch):
    images = noise(7, 8, 8, 3)
    whole = adapt(images, 5)
    monkeypatch.setattr(inputs, "CHUNK", 3 * 8 * 8 * 3)  # three images of seven
    assert torch.equal(adapt(images, 5), whole)


@pytest.mark.parametrize("images", [noise(2, 8, 8, 2), noise(8, 8, 3), noise(2, 8, 8, 3).astype(np.float32)])
def test_other_shapes_and_types_are_refused(images):
    with pytest.raises(ValueError, match=r"uint8 \(n, h, w, 1 or 3\), got \w+ \("):
        adapt(images, 8)


def test_normalised_channels_have_their_own_mean_and_spread():
    images = torch.from_numpy(noise(2, 4, 4, 3))
    result = normalise(images, (10.0, 20.0, 30.0), (2.0, 4.0, 8.0))
    assert result.shape == (2, 3, 4, 4)
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)
    for channel, (mean, std) in enumerate(((10, 2), (20, 4), (30, 8))):
        assert torch.equal(result[:, channel], (images[..., channel].float() - mean) / std)


def test_windows_have_one_length_and_stretches_their_own(tmp_path):
    tokens = np.arange(300, 320, dtype=np.uint16)
    labels = pd.DataFrame({"part": "test", "corpus": "one", "start": [0, 3, 12], "length": [3, 3, 8]})
    write_prepared(tmp_path, tokens, labels, ["corpus"], {})
    data = open_prepared(tmp_path)
    assert [one.tolist() for one in stretches_of(data, np.array([1, 2]))] == [[303, 304, 305], list(range(312, 320))]
    equal = np.array([0, 1])
    assert windows(data, equal).tolist() == [one.tolist() for one in stretches_of(data, equal)]
    with pytest.raises(ValueError, match="need windows of one length, got 2 lengths"):
        windows(data, np.array([0, 1, 2]))
