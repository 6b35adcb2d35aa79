"""The sizes of a full and of a quick run, and the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Sizes:
    """n stimuli, d units; n of what is slow as written plainly, of RSA, of CKNNA, of table rows, of other libraries,
    of score jobs; n and models of all pairs of many, and the memory that these may take beside the models; widths of
    the layers of a ResNet-18, and how many layers have each.
    """

    n: int = 10_000
    d: int = 512
    n_slow: int = 2_500
    n_rsa: int = 3_000
    n_cknna: int = 4_000
    n_tables: int = 1_000
    n_peers: int = 2_000
    d_cca: int = 32
    models: int = 40
    n_jobs: tuple[int, ...] = (10_000, 26_000)
    n_many: int = 2_000
    models_many: int = 24
    memory_many: str = "200MB"
    own_process: bool = True
    widths: Mapping[int, int] = field(default_factory=lambda: {64: 5, 128: 4, 256: 4, 512: 4})


FULL = Sizes()
QUICK = Sizes(600, 32, n_slow=150, n_rsa=150, n_cknna=200, n_tables=60, n_peers=150, d_cca=4, models=3, n_jobs=(300,),
              n_many=200, models_many=4, memory_many="10MB", own_process=False, widths={8: 2, 16: 1})  # fmt: skip


def related(n: int, d: int, count: int) -> list[np.ndarray]:
    """``count`` representations (n x d, float32) that share a signal as large as what is their own."""
    g = np.random.default_rng(n + d)
    signal = g.normal(size=(n, d))
    return [(signal + g.normal(size=(n, d))).astype(np.float32) for _ in range(count)]
