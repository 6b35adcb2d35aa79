"""The README's picture of what `whyalike score --plot` draws: five small networks on scikit-learn's digits.

Two are trained on the ten digits, two on odd against even, and one is not trained; initial weights differ. What is
compared are their 64 hidden units on the images that none of them was trained on.

`python -m whyalike.documentation.example` trains them in seconds and draws docs/images/likeness.png.
"""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, PngImagePlugin
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from whyalike.figures import saving, scores_of_files
from whyalike.files import atomic
from whyalike.similarity import how_made, score_files
from whyalike.similarity.api import choose
from whyalike.similarity.read_files import files_in, read_pairs

PICTURE = Path("docs", "images", "likeness.png")
METRICS = {"cka_unbiased": {}}
LEAST_RATE = 1e-12  # a step that leaves initial weights as they are


def representations() -> dict[str, np.ndarray]:
    """Name of a network -> its hidden units, 898 x 64 each."""
    images, digits = load_digits(return_X_y=True)
    images, training = images / 16, np.arange(len(images)) % 2 == 0
    given = {"digit 1": (digits, 150), "digit 2": (digits, 150), "odd 1": (digits % 2, 150), "odd 2": (digits % 2, 150),
             "untrained": (digits, 0)}  # fmt: skip
    hidden = {}
    for seed, (name, (labels, epochs)) in enumerate(given.items()):
        rate = 0.003 if epochs else LEAST_RATE
        network = MLPClassifier((64,), random_state=seed, max_iter=max(epochs, 1), learning_rate_init=rate)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(images[training], labels[training])
        hidden[name] = np.maximum(images[~training] @ network.coefs_[0] + network.intercepts_[0], 0)
    return hidden


def draw(path: Path) -> pd.DataFrame:
    """Draw all pairs of the networks as `whyalike score --plot` does, in 256 colours; returns the numbers."""
    with tempfile.TemporaryDirectory() as folder:
        for name, vectors in representations().items():
            np.save(Path(folder, f"{name}.npy"), vectors)
        files = read_pairs(Path(folder), None)
        scores, _ = score_files.score_pairs_of_files(files, METRICS)
        [chosen] = choose(METRICS, "exact")
        figure, numbers = scores_of_files.draw_map(scores, chosen)
        made_by = how_made.of_scorings([chosen], scores["n"].tolist()) | score_files.origin(files_in(Path(folder)))
        full = saving.save(figure, Path(folder, "full.svg"), numbers, made_by, ["png"])["png"]
        image = Image.open(full)
        text = PngImagePlugin.PngInfo()
        text.add_text("whyalike", image.info["whyalike"])
        with atomic(path) as temporary:
            image.convert("RGB").quantize(256).save(temporary, optimize=True, pnginfo=text)
    return numbers


if __name__ == "__main__":
    draw(PICTURE)
