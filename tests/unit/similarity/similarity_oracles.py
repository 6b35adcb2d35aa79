"""Plain definitions of every metric, straight from the formulas, in float64 and with loops: slow and obvious."""

import numpy as np


def unit_rows(x):
    return np.array([row / np.linalg.norm(row) for row in x.astype(float)])


def hsic_biased(k, m):
    n = len(k)
    h = np.eye(n) - np.ones((n, n)) / n
    return np.trace(k @ h @ m @ h)


def hsic_1(k, m):
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    terms = np.trace(k @ m) + k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 * one @ k @ m @ one / (n - 2)
    return terms / (n * (n - 3))


def normalised(hsic, k, m, eps):
    return hsic(k, m) / (np.sqrt(hsic(k, k) * hsic(m, m)) + eps)


def cka(x, y, eps=0.0):
    return normalised(hsic_biased, x @ x.T, y @ y.T, eps)


def cka_unbiased(x, y, eps=0.0):
    return normalised(hsic_1, x @ x.T, y @ y.T, eps)


def distances(x):
    return np.array([[np.sqrt(((a - b) ** 2).sum()) for b in x] for a in x])


def cka_rbf(x, y, eps=0.0, sigma=None, sigma_median=1.0):
    kernels = []
    for z in (x, y):
        d = distances(z)
        width = sigma or sigma_median * np.median(d[np.triu_indices(len(z), 1)])
        kernels.append(np.exp(-(d**2) / (2 * width**2)))
    return normalised(hsic_biased, *kernels, eps)


def lists(x, k):
    n = len(x)
    return [sorted((j for j in range(n) if j != i), key=lambda j, i=i: -(x[i] @ x[j]))[:k] for i in range(n)]


def mutual_knn(x, y, k):
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(lists(x, k), lists(y, k), strict=True)])


def cycle_knn(x, y, k):
    of_x, of_y = lists(x, k), lists(y, k)
    return np.mean([any(i in of_x[j] for j in of_y[i]) for i in range(len(x))])


def lcs(a, b):
    if not a or not b:
        return 0
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i in range(len(a)):
        for j in range(len(b)):
            same = a[i] == b[j]
            table[i + 1, j + 1] = table[i, j] + 1 if same else max(table[i, j + 1], table[i + 1, j])
    return table[-1, -1]


def levenshtein(a, b):
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, table[i, j] + (a[i] != b[j]))
    return table[-1, -1]


def lcs_knn(x, y, k):
    return np.mean([lcs(a, b) for a, b in zip(lists(x, k), lists(y, k), strict=True)]) / k


def edit_distance_knn(x, y, k):
    return 1 - np.mean([levenshtein(a, b) for a, b in zip(lists(x, k), lists(y, k), strict=True)]) / k


def cknna(x, y, k, eps=0.0):
    masks = []
    for z in (x, y):
        mask = np.zeros((len(z), len(z)))
        for i, neighbours in enumerate(lists(z, k)):
            mask[i, neighbours] = 1
        masks.append(mask)
    kernels = x @ x.T, y @ y.T

    def one(i, j):
        mask = masks[i] * masks[j]
        return hsic_1(mask * kernels[i], mask * kernels[j])

    return one(0, 1) / (np.sqrt(one(0, 0) * one(1, 1)) + eps)


def leading(x, dims=None, variance=None):
    x = x - x.mean(axis=0)
    if dims:
        x = x[:, x.std(axis=0) > 0]
        x = x / x.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(x @ x.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    if variance:
        dims = 1
        while values[:dims].sum() < variance * values.sum():
            dims += 1
    return vectors[:, :dims]


def svcca(x, y, dims=None, variance=None):
    u, v = leading(x, dims, variance), leading(y, dims, variance)
    return np.mean(np.sqrt(np.maximum(np.linalg.eigvalsh(u.T @ v @ v.T @ u)[::-1][: min(u.shape[1], v.shape[1])], 0)))


def published(x):
    """The reference's preprocessing of one layer."""
    q = np.sort(np.abs(x).ravel())[int(0.95 * x.size)]
    return unit_rows(np.clip(x.astype(float), -q, q))
