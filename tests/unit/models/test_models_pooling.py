"""Pooling by name: hand-computed positions, and combinations that mean nothing."""

from typing import get_args

import pytest
import torch

from whyalike.config.looking import Pooling
from whyalike.models.pooling import POOLINGS, pool
from whyalike.models.recording import try_layers

RESNET = {"family": "resnet", "blocks": [1], "widths": [4], "stem": "3x3", "stem_stride": 1}


def maps(h, w):
    """Two samples of two channels whose values are 100 channel + 10 row + column, those of the second negated."""
    one = 100 * torch.arange(2)[:, None, None] + 10 * torch.arange(h)[:, None] + torch.arange(w)
    return torch.stack([one, -one]).float()


TOKENS = torch.arange(12.0).reshape(2, 3, 2)


def test_the_configuration_knows_every_pooling():
    assert set(get_args(get_args(Pooling)[0])) == set(POOLINGS)


@pytest.mark.parametrize(
    ("name", "h", "w", "first_channel"),
    [
        ("center", 4, 4, 22), ("center", 5, 3, 21), ("center", 1, 1, 0),
        ("center4", 4, 4, (11 + 12 + 21 + 22) / 4), ("center4", 5, 5, 22), ("center4", 4, 3, (11 + 21) / 2),
        ("center4", 1, 1, 0), ("mean", 4, 4, 16.5),
    ],
)  # fmt: skip
def test_positions_of_a_map(name, h, w, first_channel):
    assert pool(maps(h, w), name).tolist() == [
        [first_channel, first_channel + 100],
        [-first_channel, -first_channel - 100],
    ]


def test_positions_of_tokens():
    assert pool(TOKENS, "cls").tolist() == pool(TOKENS, "first").tolist() == [[0, 1], [6, 7]]
    assert pool(TOKENS, "last").tolist() == [[4, 5], [10, 11]]
    assert pool(TOKENS, "mean").tolist() == [[2, 3], [8, 9]]
    assert pool(TOKENS, "flat").tolist() == TOKENS.reshape(2, 6).tolist()


def test_all_positions_of_a_map_stand_channel_by_channel():
    assert torch.equal(pool(maps(2, 3), "flat"), maps(2, 3).reshape(2, 12))


@pytest.mark.parametrize("name", POOLINGS)
def test_an_output_without_positions_is_one_vector_however_it_is_pooled(name):
    for shape in ((2, 3), (2,), (2, 1, 2, 2, 3)):
        output = torch.randn(shape)
        assert torch.equal(pool(output, name), output.reshape(2, -1))


@pytest.mark.parametrize("name", ["cls", "first", "last"])
def test_tokens_are_not_picked_from_a_map(name):
    with pytest.raises(ValueError, match=rf"pooling {name} has no meaning for a map .*of mean, center, center4, flat"):
        pool(maps(2, 2), name)


@pytest.mark.parametrize("name", ["center", "center4"])
def test_no_centre_is_picked_from_tokens(name):
    with pytest.raises(ValueError, match=rf"pooling {name} has no meaning for tokens .* mean, cls, first, last, flat"):
        pool(TOKENS, name)


def test_a_pooling_without_meaning_is_found_before_training_with_layer_and_setting():
    try_layers("toy", RESNET, 8, ["layer1", "fc"], pooling="center")
    with pytest.raises(ValueError, match=r"layer layer1: pooling cls has no meaning for a map") as caught:
        try_layers("toy", RESNET, 8, ["layer1"], pooling="cls")
    assert "settings.toy" in caught.value.__notes__[0]
