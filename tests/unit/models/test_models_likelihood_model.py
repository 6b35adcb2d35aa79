"""Pairs (f, g): logits are inner products, f is the residual network, g the perceptron; initial weights are keyed."""

import torch

from whyalike.models import resnet
from whyalike.models.likelihood_model import build

PARAMETERS = {"blocks": [1], "widths": [4], "stem": "3x3", "stem_stride": 1, "dimensions": 3, "unembedding_width": 6,
              "unembedding_layers": 2}  # fmt: skip
IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_logits_are_inner_products_of_embeddings_and_unembeddings():
    model = build(PARAMETERS, 5, seed=1, replica="0").eval()
    f = resnet.build(PARAMETERS, 3, 1, "0").eval()(IMAGES)  # the residual network alone, with as many outputs
    first, second = model.g[0], model.g[2]
    g = []
    for label in range(5):  # a one-hot label picks a column
        hidden = torch.nn.functional.leaky_relu(first.weight[:, label] + first.bias, 0.01)
        g.append(second.weight @ hidden + second.bias)
    assert torch.allclose(model.unembeddings(), torch.stack(g), atol=1e-6)  # sums in another order
    assert torch.allclose(model(IMAGES), f @ torch.stack(g).T, atol=1e-6)


def test_weights_depend_on_seed_and_replica_and_those_of_f_not_on_the_labels():
    first, same, seed, replica, labels = (
        build(PARAMETERS, classes, *key).state_dict()
        for classes, *key in ((5, 0, "0"), (5, 0, "0"), (5, 1, "0"), (5, 0, "1"), (7, 0, "0"))
    )
    for name in ("f.conv1.weight", "g.0.weight"):
        assert torch.equal(first[name], same[name])
        assert not torch.equal(first[name], seed[name])
        assert not torch.equal(first[name], replica[name])
    assert torch.equal(first["f.fc.weight"], labels["f.fc.weight"])
    assert "labels" not in first  # made anew, not stored
