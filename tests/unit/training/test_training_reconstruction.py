"""Autoencoders on classifiers: the error by hand, sides, and what is learned by every family.

Interruption, storage, half precision and the probe are tested with the objectives that compare.
"""

import pytest
import torch
from test_training_contrastive import RESNET, learned
from test_training_families import FAMILIES, digits
from toy_contrastive import RUN, task

from whyalike.training.parameters import TaskParameters
from whyalike.training.reconstruction import squared_error
from whyalike.training.registry import OBJECTIVES, recipe_of


def test_the_error_is_that_of_pixels_averaged_over_blocks():
    images = torch.tensor([[[[0.0, 2.0, 1.0, 1.0], [4.0, 6.0, 1.0, 1.0]]]])  # blocks of mean 3 and 1
    made = torch.tensor([[[[2.0, 4.0]]]])
    assert squared_error(made, images).item() == pytest.approx((1 + 9) / 2)
    assert squared_error(images, images).item() == 0


def test_the_loss_is_the_error_of_normalised_pixels():
    one = task("reconstruction", side=None)
    model, (images, labels) = one.build(), next(iter(one.batches(0)))[0]
    with torch.no_grad():
        for layer in (model.decoder[0], model.decoder[-1]):
            layer.weight.zero_(), layer.bias.zero_()
        loss = one.loss(model, (images, labels), 0)[0]
    # of a decoder that gives 0, whatever the code: pixels are 60 grey levels a unit, from 120 on
    assert loss.item() == pytest.approx((((images.float() - 120) / 60) ** 2).mean().item(), rel=1e-5)


def test_what_is_made_has_the_side_of_the_recipe_or_that_of_the_input():
    for side, found in ((4, 4), (None, 8)):
        one = task("reconstruction", side=side)
        model = one.build()
        assert model(one.inputs(one.images.reader.take(torch.arange(2)))).shape == (2, 3, found, found)


def test_a_side_above_that_of_the_input_is_named():
    with pytest.raises(ValueError, match="at most that of the model's input, 8, got 16: lower `side`"):
        task("reconstruction", side=16)


def test_a_step_moves_encoder_and_decoder_and_leaves_the_head():
    one = task("reconstruction")
    model = one.build().train()
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = one.optimizer(model)
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    one.loss(model, next(iter(one.batches(0)))[0], 0)[0].backward()
    optimizer.step()
    still = {name for name, value in model.named_parameters() if torch.equal(value, before[name])}
    assert still == {"encoder.model.fc.weight", "encoder.model.fc.bias"}


# The mean of the training images has an error of .517. Seeds 0 to 2 reach .142, .140, .148 (resnet) and .303, .402,
# .324 (vit); a probe .889, .903, .894 and .722, .644, .681, of the
# untrained model .808, .786, .717 and .500, .500, .486
@pytest.mark.parametrize(("family", "share"), [("resnet", 0.4), ("vit", 0.85)])
def test_digits_are_made_again_of_what_the_head_reads(family, share, tmp_path):
    data, model = digits(), RESNET if family == "resnet" else FAMILIES[family][0]
    recipe = recipe_of({"objective": "reconstruction", "mean": [78] * 3, "std": [96] * 3, "batch_size": 96, "lr": 5e-3,
                        "epochs": 10, "warmup": 0.1, "weight_decay": 0.01, "hidden": 128})  # fmt: skip
    one = OBJECTIVES["reconstruction"].load()(TaskParameters(seed=0, size=8, model=model), recipe, RUN, data)
    train, test = (data.reader.take(rows).float() for rows in (data.train_rows, data.test_rows))
    of_mean_image = (((test - train.mean(0)) / 96) ** 2).mean().item()
    untrained, result = learned(one, recipe, tmp_path)
    assert result["loss"] < share * of_mean_image
    assert result["accuracy"] > untrained + 0.04
