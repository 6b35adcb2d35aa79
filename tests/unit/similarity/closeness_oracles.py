"""Plain definitions of the metrics of distributions, straight from the formulas, with loops: slow and obvious."""

import math
from itertools import combinations

import numpy as np


def log_probs(f, g):
    """n x K."""
    rows = []
    for x in f:
        logits = [sum(a * b for a, b in zip(x, y, strict=True)) for y in g]
        top = max(logits)
        total = top + math.log(sum(math.exp(v - top) for v in logits))
        rows.append([v - total for v in logits])
    return np.array(rows)


def sd(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def kl_divergence(p, q):
    a, b = log_probs(*p), log_probs(*q)
    return sum(math.exp(u) * (u - v) for u, v in zip(a.ravel(), b.ravel(), strict=True)) / len(a)


def logit_distance(p, q):
    total = 0.0
    for x, x2 in zip(p[0], q[0], strict=True):
        a, b = [x @ y for y in p[1]], [x2 @ y for y in q[1]]
        total += sum((u - np.mean(a) - v + np.mean(b)) ** 2 for u, v in zip(a, b, strict=True))
    return math.sqrt(total / len(p[0]))


def terms(a, b, pivot, items):
    """t1 and t3 of the columns of two tables (n x K) of log-probabilities; of their transposes, t2 and t4."""
    first, third = [], []
    for i in items:
        sigma, tau = sd(a[:, i] - a[:, pivot]), sd(b[:, i] - b[:, pivot])
        first += [sd(a[:, i] / sigma - b[:, i] / tau), sd(a[:, pivot] / sigma - b[:, pivot] / tau)]
        third.append(abs(sigma - tau))
    return max(first), max(third)


def llv(p, q, tuples, weight=1e-5):
    """t1, t2, t3, t4, distance, (pivot, left-out), (pivot input, inputs ...)."""
    a, b = log_probs(*p), log_probs(*q)
    labels = range(a.shape[1])
    pairs = [(y0, out) for y0 in labels for out in labels if y0 != out]
    found = [terms(a, b, y0, [y for y in labels if y not in (y0, out)]) for y0, out in pairs]
    best = min(range(len(pairs)), key=lambda i: found[i][0])
    t1, t3 = found[best]
    found = [terms(a.T, b.T, x0, xs) for x0, *xs in tuples]
    chosen = min(range(len(tuples)), key=lambda i: found[i][0])
    t2, t4 = found[chosen]
    return t1, t2, t3, t4, max(t1, t2, weight * t3, weight * t4), pairs[best], tuple(tuples[chosen])


def _standardised(table):
    return np.array([(column - column.mean()) / sd(column) for column in table.T]).T


def m_svd(f, g, f2, g2, pivot, labels):
    """For unembeddings, give (g, f, g2, f2) and inputs."""
    z, z2 = (
        _standardised(np.array([[(v[y] - v[pivot]) @ x for y in labels] for x in u])) for u, v in ((f, g), (f2, g2))
    )
    cross = z.T @ z2 / (len(f) - 1)
    return np.mean(np.sqrt(np.maximum(np.linalg.eigvalsh(cross @ cross.T), 0)))


def max_d_svd(p, q, pivot, left_out):
    others = [y for y in range(len(p[1])) if y not in (pivot, left_out)]
    return max(1 - m_svd(*p, *q, pivot, labels) for labels in combinations(others, p[0].shape[1]))


def m_cca(p, q):
    x, y = (z - z.mean(axis=0) for z in (p[0], q[0]))
    product = np.linalg.solve(x.T @ x, x.T @ y) @ np.linalg.solve(y.T @ y, y.T @ x)
    values = np.sort(np.linalg.eigvals(product).real)[::-1][: min(x.shape[1], y.shape[1])]
    return np.mean(np.sqrt(np.maximum(values, 0)))
