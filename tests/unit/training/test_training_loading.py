"""The order of the images: keyed, complete, and continued where it stopped."""

from itertools import chain

import pytest
import torch

from whyalike.training.loading import Loader
from whyalike.training.readers import ResidentReader

N = 23


def loader(batch_size=4, n=N, **keys):
    """Image i has the value i in every pixel, and label 100 + i."""
    images = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 2, 2, 3)
    rows = torch.arange(n)
    return Loader(ResidentReader(images), rows, 100 + rows, batch_size, **({"seed": 0, "replica": "A"} | keys))


def flat(batches):
    return list(chain.from_iterable(batches))


def order(loader, epoch=0, start=0):
    return [images[:, 0, 0, 0].tolist() for images, _ in loader.batches(epoch, start)]


def test_an_epoch_holds_every_image_once_but_for_the_last_partial_batch():
    batches = order(loader())
    assert [len(batch) for batch in batches] == [4] * 5
    seen = flat(batches)
    assert len(set(seen)) == 20
    assert set(seen) <= set(range(N))


def test_an_epoch_of_whole_batches_holds_every_image_once():
    assert sorted(flat(order(loader(n=20)))) == list(range(20))


def test_other_epochs_drop_other_images():
    dropped = [frozenset(range(N)) - set(flat(order(loader(), epoch))) for epoch in range(5)]
    assert len(set(dropped)) > 1


def test_labels_stay_with_their_images():
    for images, labels in loader().batches(3):
        assert images.shape == (4, 2, 2, 3)
        assert images.dtype == torch.uint8
        assert torch.equal(labels, 100 + images[:, 0, 0, 0].long())


def test_the_order_depends_on_seed_replica_and_epoch_alone():
    first = order(loader(), epoch=2)
    torch.rand(3)  # the global generator has no say
    assert order(loader(), epoch=2) == first
    others = [order(loader(), 3), order(loader(seed=1), 2), order(loader(replica="B"), 2)]
    assert all(other != first for other in others)
    assert len({str(other) for other in others}) == 3


def test_the_order_of_images_does_not_depend_on_the_size_of_batches():
    assert flat(order(loader(batch_size=2)))[:20] == flat(order(loader(batch_size=4)))


@pytest.mark.parametrize("start", range(6))
def test_a_start_inside_an_epoch_goes_on_exactly_there(start):
    assert order(loader(), 1, start) == order(loader(), 1)[start:]


def test_fewer_images_than_a_batch_are_refused():
    with pytest.raises(ValueError, match=r"23 training images are fewer than one batch of 24: lower batch_size"):
        loader(batch_size=24)
