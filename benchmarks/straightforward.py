"""Each metric as its formula reads: every pair from raw features, both kernels n x n, torch float32, full sorts.

What whyalike is measured against, and an independent oracle of the values. Sources as in docs/metrics.md.
"""

import torch


def clamped(x: torch.Tensor) -> torch.Tensor:
    """Clamp at the 95 % quantile of |x| found by a full sort, then rows of unit length."""
    limit = x.abs().flatten().sort().values[int(0.95 * x.numel())]
    return torch.nn.functional.normalize(x.clamp(-limit, limit), dim=1)


def hsic(k: torch.Tensor, m: torch.Tensor) -> float:
    """tr(KHLH)."""
    n = len(k)
    h = torch.eye(n) - 1 / n
    return float(torch.trace(k @ h @ m @ h))


def hsic_1(k: torch.Tensor, m: torch.Tensor) -> float:
    """Song et al. 2012, eq. 5."""
    n = len(k)
    k, m = k - torch.diag(torch.diag(k)), m - torch.diag(torch.diag(m))
    sums = k.sum() * m.sum() / ((n - 1) * (n - 2))
    return float(((k * m.T).sum() + sums - 2 * (k @ m).sum() / (n - 2)) / (n * (n - 3)))


def _normalised(of, k: torch.Tensor, m: torch.Tensor) -> float:
    return of(k, m) / (of(k, k) * of(m, m)) ** 0.5


def cka(x: torch.Tensor, y: torch.Tensor) -> float:
    """Biased linear CKA."""
    return _normalised(hsic, x @ x.T, y @ y.T)


def cka_unbiased(x: torch.Tensor, y: torch.Tensor) -> float:
    """Linear CKA with HSIC_1."""
    return _normalised(hsic_1, x @ x.T, y @ y.T)


def _rbf(x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    kernels = []
    for z in (x, y):
        distances = torch.cdist(z, z)
        sigma = distances[torch.ones_like(distances, dtype=torch.bool).triu(1)].median()
        kernels.append((-(distances**2) / (2 * sigma**2)).exp())
    return kernels


def cka_rbf(x: torch.Tensor, y: torch.Tensor) -> float:
    """RBF CKA, sigma the median distance."""
    return _normalised(hsic, *_rbf(x, y))


def cka_rbf_unbiased(x: torch.Tensor, y: torch.Tensor) -> float:
    """The same with HSIC_1."""
    return _normalised(hsic_1, *_rbf(x, y))


def procrustes_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """What is left after the best rotation, centred and scaled."""
    x, y = (z.double() - z.double().mean(dim=0) for z in (x, y))
    return float((2 - 2 * torch.linalg.svdvals(x.T @ y).sum() / (x.norm() * y.norm())).clamp(min=0).sqrt())


def lists(x: torch.Tensor, k: int) -> torch.Tensor:
    """The k nearest rows by cosine, from a full sort of all products."""
    x = torch.nn.functional.normalize(x, dim=1)
    return (x @ x.T).fill_diagonal_(-1e8).argsort(dim=1, descending=True)[:, :k]


def _mask(neighbours: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(neighbours), len(neighbours)).scatter_(1, neighbours, 1)


def mutual_knn(x: torch.Tensor, y: torch.Tensor, k: int = 10) -> float:
    """Shared neighbours, by n x n masks."""
    return float((_mask(lists(x, k)) * _mask(lists(y, k))).sum() / (k * len(x)))


def cycle_knn(x: torch.Tensor, y: torch.Tensor, k: int = 10) -> float:
    """Rows that a neighbour in Y's list names in X's."""
    returns = lists(x, k)[lists(y, k)].flatten(1)
    return float((returns == torch.arange(len(x))[:, None]).any(dim=1).float().mean())


def lcs(a: list[int], b: list[int]) -> int:
    """Length of the longest common subsequence, by its table."""
    row = [0] * (len(b) + 1)
    for u in a:
        above, row = row, [0] * (len(b) + 1)
        for j, v in enumerate(b, 1):
            row[j] = above[j - 1] + 1 if u == v else max(above[j], row[j - 1])
    return row[-1]


def levenshtein(a: list[int], b: list[int]) -> int:
    """Edit distance, by its table."""
    row = list(range(len(b) + 1))
    for i, u in enumerate(a, 1):
        above, row = row, [i] * (len(b) + 1)
        for j, v in enumerate(b, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (u != v))
    return row[-1]


def lcs_of_lists(a: list[list[int]], b: list[list[int]]) -> float:
    """Mean length over rows, / k."""
    return sum(lcs(p, q) for p, q in zip(a, b, strict=True)) / (len(a) * len(a[0]))


def edit_of_lists(a: list[list[int]], b: list[list[int]]) -> float:
    """1 - mean distance over rows / k."""
    return 1 - sum(levenshtein(p, q) for p, q in zip(a, b, strict=True)) / (len(a) * len(a[0]))


def lcs_knn(x: torch.Tensor, y: torch.Tensor, k: int = 10) -> float:
    """Lists, then a table a row."""
    return lcs_of_lists(lists(x, k).tolist(), lists(y, k).tolist())


def edit_distance_knn(x: torch.Tensor, y: torch.Tensor, k: int = 10) -> float:
    """Lists, then a table a row."""
    return edit_of_lists(lists(x, k).tolist(), lists(y, k).tolist())


def cknna(x: torch.Tensor, y: torch.Tensor, k: int = 10) -> float:
    """HSIC_1 of masked n x n kernels."""
    masks = [_mask(lists(z, k)) for z in (x, y)]
    kernels = [torch.nn.functional.normalize(z, dim=1) for z in (x, y)]
    kernels = [z @ z.T for z in kernels]

    def one(i: int, j: int) -> float:
        mask = masks[i] * masks[j]
        return hsic_1(mask * kernels[i], mask * kernels[j])

    return one(0, 1) / (one(0, 0) * one(1, 1)) ** 0.5


def rsa(x: torch.Tensor, y: torch.Tensor) -> float:
    """Spearman correlation of 1 - Pearson matrices (no ties)."""
    ranks = []
    for z in (x, y):
        triangle = (1 - torch.corrcoef(z))[torch.ones(len(z), len(z), dtype=torch.bool).triu(1)]
        ranks.append(triangle.argsort().argsort().double())
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


def svcca(x: torch.Tensor, y: torch.Tensor, dims: int = 10) -> float:
    """Mean singular value between the leading left singular subspaces."""
    bases = []
    for z in (x, y):
        z = z - z.mean(dim=0)
        bases.append(torch.linalg.svd(z, full_matrices=False).U[:, :dims])
    return float(torch.linalg.svdvals(bases[0].T @ bases[1]).mean())


METRICS = {
    one.__name__: one
    for one in (
        *(cka, cka_unbiased, cka_rbf, cka_rbf_unbiased, procrustes_distance),
        *(mutual_knn, cycle_knn, lcs_knn, edit_distance_knn, cknna, rsa, svcca),
    )
}
