"""An autoencoder on any classifier: what its head reads is the code, from which a decoder makes the image again.

The loss is the mean squared error of normalised pixels, of the image or of a smaller one that averages it. A code of
mean 0 and no content leaves that of the mean image, which is the least that is to be beaten. The decoder is a
perceptron with one hidden layer, which is dropped at the end. So the objective can be crossed with every family that
ends in a linear layer, where that of `whyalike.training.autoencoding` needs one of its own.
Source: Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, without pretraining.
"""

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, mse_loss

from whyalike.models.heads import Encoder
from whyalike.models.initialisation import keyed_weights
from whyalike.training.contrastive import ViewsTask
from whyalike.training.contrastive_parameters import ReconstructionRecipe
from whyalike.training.encoding import EncoderTask
from whyalike.training.images import RunImages
from whyalike.training.parameters import TaskParameters, TrainedRun

VERSION = 1  # part of the identity of runs: raise it when the weights change
CHANNELS = 3


class Autoencoder(nn.Module):
    """An encoder, and the decoder of its features.

    Parameters
    ----------
    encoder : images -> (b, d).
    decoder : (b, d) -> (b, 3 * side * side).
    side : of the images that the decoder makes, pixels.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module, side: int):
        super().__init__()
        self.encoder, self.decoder, self.side = encoder, decoder, side

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 3, h, w), normalised -> what is made of their codes, (b, 3, side, side)."""
        return self.decoder(self.encoder(x)).unflatten(1, (CHANNELS, self.side, self.side))


class Reconstruction(EncoderTask):
    """An autoencoder in training; see `whyalike.training.encoding.EncoderTask`.

    Raises
    ------
    ValueError : images would have to be larger than the model's input.
    """

    recipe: ReconstructionRecipe

    def __init__(self, parameters: TaskParameters, recipe: ReconstructionRecipe, run: TrainedRun, images: RunImages):
        super().__init__(parameters, recipe, run, images)
        self.side = recipe.side or parameters.size
        if self.side > parameters.size:
            raise ValueError(
                f"the side of a reconstructed image must be at most that of the model's input, {parameters.size}, got "
                f"{self.side}: lower `side` of the recipe, or leave it out."
            )

    def parts(self, encoder: Encoder) -> Autoencoder:
        """The encoder and its decoder."""
        hidden, pixels = self.recipe.hidden, CHANNELS * self.side**2
        with keyed_weights(self.seed, self.start, "decoder"):
            decoder = nn.Sequential(nn.Linear(encoder.width, hidden), nn.ReLU(), nn.Linear(hidden, pixels))
        return Autoencoder(encoder, decoder, self.side)

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> tuple[Tensor, None]:
        """Mean squared error of normalised pixels."""
        return self.contrast(model, batch, ()), None

    def contrast(self, model: nn.Module, batch: tuple[Tensor, Tensor], moment: tuple[str | int, ...]) -> Tensor:
        """The same; nothing is drawn."""
        inputs = self.inputs(batch[0])
        with self.autocast():
            made = model(inputs)
        return squared_error(made.float(), inputs)

    complete = ViewsTask.complete  # a linear probe of the run's training images, as SimCLR and MoCo have it


def squared_error(made: Tensor, images: Tensor) -> Tensor:
    """Mean squared error of images (b, c, s, s) against images (b, c, h, w), averaged over blocks to s x s.

    Example
    -------
    >>> images = torch.tensor([[[[0.0, 2.0], [4.0, 6.0]]]])
    >>> squared_error(torch.tensor([[[[1.0]]]]), images), squared_error(images + 0.5, images)
    (tensor(4.), tensor(0.2500))
    """
    return mse_loss(made, adaptive_avg_pool2d(images, made.shape[-2:]))
