"""Plain definitions of every metric, straight from the formulas, in float64 and with loops: slow and obvious."""

import itertools

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.stats
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold


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


def cka_rbf_unbiased(x, y, eps=0.0, sigma=None, sigma_median=1.0, rows="raw"):
    kernels = []
    for z in (unit_rows(x), unit_rows(y)) if rows == "l2" else (x, y):
        d = distances(z)
        width = sigma or sigma_median * np.median(d[np.triu_indices(len(z), 1)])
        kernels.append(np.exp(-(d**2) / (2 * width**2)))
    return normalised(hsic_1, *kernels, eps)


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


# ---- canonical correlations, Procrustes distance, dissimilarity matrices ----


def whitened(x):
    """Centred columns made uncorrelated, from the eigenvectors of their covariance."""
    x = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(x.T @ x)
    return x @ vectors / np.sqrt(values)


def canonical(x, y):
    """Canonical correlations and variates of x, largest first, from an eigenproblem."""
    a, b = whitened(x), whitened(y)
    values, vectors = np.linalg.eigh(a.T @ b @ b.T @ a)
    count = min(x.shape[1], y.shape[1])
    return np.sqrt(values[::-1][:count]), (a @ vectors)[:, ::-1][:, :count]


def cca(x, y):
    return canonical(x, y)[0].mean()


def pwcca(x, y):
    correlations, variates = canonical(x, y)
    centred = x - x.mean(axis=0)
    weights = [sum(abs(h @ unit) for unit in centred.T) for h in variates.T]
    return np.average(correlations, weights=weights)


def procrustes_distance(x, y, angular=False):
    """The distance that is left after the best rotation of the zero-padded representations."""
    width = max(x.shape[1], y.shape[1])
    padded = []
    for z in (x, y):
        z = z - z.mean(axis=0)
        padded.append(np.pad(z / np.sqrt((z**2).sum()), ((0, 0), (0, width - z.shape[1]))))
    rotation, _ = scipy.linalg.orthogonal_procrustes(*padded)
    turned = padded[0] @ rotation
    return np.arccos((turned * padded[1]).sum()) if angular else np.sqrt(((turned - padded[1]) ** 2).sum())


def correlation(a, b, comparison="pearson"):
    return (scipy.stats.spearmanr if comparison == "spearman" else scipy.stats.pearsonr)(a, b).statistic


def rsa(x, y, rdm="correlation", comparison="spearman"):
    triangles = []
    for z in (x, y):
        triangle = []
        for i in range(len(z)):
            for j in range(i + 1, len(z)):
                a, b = z[i], z[j]
                triangle.append(
                    {
                        "correlation": lambda a=a, b=b: 1 - correlation(a, b),
                        "cosine": lambda a=a, b=b: 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b),
                        "euclidean": lambda a=a, b=b: np.sqrt(((a - b) ** 2).sum()),
                    }[rdm]()
                )
        triangles.append(triangle)
    return correlation(*triangles, comparison)


# ---- alignment by a fitted map ----


def cross_validated(x, y, fit, folds=5, seed=42, correlation="per_unit", comparison="pearson", scaled=False):
    """Mean over folds and both directions of the held-out correlation; ``fit`` makes a predictor from two matrices.

    With ``scaled``, units are divided by their SD over the training stimuli.
    """
    scores = []
    for source, target in ((x, y), (y, x)):
        for train, test in KFold(folds, shuffle=True, random_state=seed).split(source):
            (a, a_test), (b, b_test) = (
                [(z[rows] - z[train].mean(axis=0)) / (z[train].std(axis=0) if scaled else 1) for rows in (train, test)]
                for z in (source, target)
            )
            predicted, response = fit(a, b)(a_test), b_test
            scores.append(agreement(predicted, response, correlation, comparison))
    return np.mean(scores)


def agreement(predicted, response, mode, comparison):
    if mode == "pooled":
        return correlation(predicted.ravel(), response.ravel(), comparison)
    return np.mean([correlation(a, b, comparison) for a, b in zip(predicted.T, response.T, strict=True)])


def linear(x, y, ridge=0.0, **others):
    def fit(a, b):
        alpha = ridge * (a**2).sum() / a.shape[1]
        model = Ridge(alpha, fit_intercept=False) if ridge else LinearRegression(fit_intercept=False)
        return model.fit(a, b).predict

    return cross_validated(x, y, fit, **others)


def procrustes(x, y, **others):
    def fit(a, b):
        width = max(a.shape[1], b.shape[1])
        a_wide, b_wide = (np.pad(z, ((0, 0), (0, width - z.shape[1]))) for z in (a, b))
        rotation, _ = scipy.linalg.orthogonal_procrustes(a_wide, b_wide)
        return lambda z: (np.pad(z, ((0, 0), (0, width - z.shape[1]))) @ rotation)[:, : b.shape[1]]

    return cross_validated(x, y, fit, **others)


def correlations(a, b, comparison="pearson"):
    return np.array([[correlation(u, v, comparison) for v in b.T] for u in a.T])


def permutation(x, y, **others):
    """For the tests' five units all 120 permutations are tried."""

    def fit(a, b):
        table, p = correlations(a, b), a.shape[1]
        best = max(itertools.permutations(range(p)), key=lambda match: sum(table[match[j], j] for j in range(p)))
        return lambda z: z[:, best]

    return cross_validated(x, y, fit, **others, scaled=True)


def transport(table):
    """The plan with the largest sum of plan times correlation, as a linear programme."""
    p, q = table.shape
    rows, columns = np.kron(np.eye(p), np.ones(q)), np.kron(np.ones(p), np.eye(q))
    bounds = np.concatenate([np.full(p, 1 / p), np.full(q, 1 / q)])
    found = scipy.optimize.linprog(-table.ravel(), A_eq=np.vstack([rows, columns]), b_eq=bounds)
    return found.x.reshape(p, q)


def soft_matching(x, y, score="plan", folds=5, seed=42, correlation="per_unit", comparison="pearson"):
    scores = []
    for train, test in KFold(folds, shuffle=True, random_state=seed).split(x):
        plan = transport(correlations(x[train], y[train]))
        a, b = ((z[test] - z[train].mean(axis=0)) / z[train].std(axis=0) for z in (x, y))
        if score == "plan":
            scores.append((plan * correlations(x[test], y[test], comparison)).sum())
        else:
            both = (a @ plan, b), (b @ plan.T, a)
            scores.append(np.mean([agreement(*one, correlation, comparison) for one in both]))
    return np.mean(scores)


# ---- Bures similarity, shapes between CCA and Procrustes, GULP ----


def symmetric_power(a, power):
    values, vectors = np.linalg.eigh(a)
    return (vectors * np.maximum(values, 0) ** power) @ vectors.T


def normalised_bures(x, y):
    """The fidelity tr (Y'KY)^1/2 of the centred kernels over the root of the product of their traces; y the narrower.

    A square root of the n x n kernels would make 1e-8 of each eigenvalue that is 0 but for rounding.
    """
    x, y = sorted((z - z.mean(axis=0) for z in (x, y)), key=lambda z: -z.shape[1])
    fidelity = np.trace(symmetric_power(y.T @ (x @ x.T) @ y, 0.5))
    return fidelity / np.sqrt(np.trace(x @ x.T) * np.trace(y @ y.T))


def partially_whitened(z, alpha):
    """X (alpha I + (1 - alpha) (X'X)^-1/2), the mean eigenvalue of X'X being 1, then Frobenius norm 1."""
    z = z - z.mean(axis=0)
    z = z / np.sqrt(np.trace(z.T @ z) / z.shape[1])
    z = z @ (alpha * np.eye(z.shape[1]) + (1 - alpha) * symmetric_power(z.T @ z, -0.5))
    return z / np.sqrt((z**2).sum())


def shape_correlation(x, y, alpha):
    """The inner product with the best rotation of the zero-padded other."""
    width = max(x.shape[1], y.shape[1])
    a, b = (np.pad(partially_whitened(z, alpha), ((0, 0), (0, width - z.shape[1]))) for z in (x, y))
    rotation, _ = scipy.linalg.orthogonal_procrustes(a, b)
    return (a @ rotation * b).sum()


def shape_distance(x, y, alpha):
    return np.arccos(shape_correlation(x, y, alpha))


def cca_rank_aware(x, y):
    return canonical(x, y)[0].sum() / max(x.shape[1], y.shape[1])


def gulp(x, y, ridge):
    """From the covariances: tr(Sx^-1 Sx Sx^-1 Sx) + the same of y - 2 tr(Sx^-1 Sxy Sy^-1 Syx), each inverse ridged."""
    n = len(x)
    x, y = (z - z.mean(axis=0) for z in (x, y))
    x, y = (z / np.sqrt((z**2).sum() / n) for z in (x, y))
    inverse_x, inverse_y = (np.linalg.inv(z.T @ z / n + ridge * np.eye(z.shape[1])) for z in (x, y))
    own = [np.trace(i @ (z.T @ z / n) @ i @ (z.T @ z / n)) for i, z in ((inverse_x, x), (inverse_y, y))]
    return np.sqrt(sum(own) - 2 * np.trace(inverse_x @ (x.T @ y / n) @ inverse_y @ (y.T @ x / n)))


# ---- distance correlation, second-order cosine ----


def distance_correlation(x, y):
    n = len(x)
    h = np.eye(n) - 1 / n
    a, b = (h @ distances(z) @ h for z in (x, y))
    return np.sqrt((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def u_centred(d):
    n = len(d)
    rows, total = d.sum(axis=1) / (n - 2), d.sum() / ((n - 1) * (n - 2))
    centred = d - rows[:, None] - rows + total
    return centred - np.diag(np.diag(centred))


def distance_correlation_unbiased(x, y):
    a, b = (u_centred(distances(z)) for z in (x, y))
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def second_order_cosine(x, y, k):
    cosines = []
    for i, (a, b) in enumerate(zip(lists(x, k), lists(y, k), strict=True)):
        union = sorted({*a, *b})
        u, v = (np.array([z[i] @ z[j] for j in union]) for z in (x, y))
        cosines.append(u @ v / np.linalg.norm(u) / np.linalg.norm(v))
    return np.mean(cosines)
