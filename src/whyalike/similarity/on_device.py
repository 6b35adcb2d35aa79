"""Ten metrics on a GPU: those of linear and RBF kernels, of neighbour lists and of dissimilarities.

A `Workbench` whose forms are these works on a device. Features go there once a representation. Lists, ranks and lengths
come back, and pairs of them are compared as ever; centred features and RBF kernels stay there. All is float64 (the kept
kernels of many rows are float32, as on the CPU), so that scores are those of the CPU but for rounding, whether or not
the process allows TF32. The device may be "cpu": that is how the tests run without a GPU.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics import cka, cka_rbf_unbiased, cknna, neighbours, rsa
from whyalike.similarity.metrics.cka import Features, Kernel
from whyalike.similarity.metrics.nearest import Neighbours, indistinct, with_drawn_ties
from whyalike.similarity.metrics.rbf import WIDTHS, check_width
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.precision import FEW_ROWS
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import form_of

ENTRIES = 1 << 26  # of one block of an n x n float64 matrix: 512 MB, of which up to six are held
Parameters = Mapping[str, Any]


def forms_on(device: str, scoring: Scoring) -> Form:
    """The form that computes a scoring on a device; numpy's where there is no other."""
    form = form_of(scoring)
    own = form.prepare, form.compare, form.permute
    prepare, compare, permute = TENSORS.get(own) or (ARRAYS.get(form.prepare), *own[1:])
    if prepare is None:
        return form
    changed = {"prepare": _of_features(prepare, device), "compare": _memory()(compare), "permute": _memory()(permute)}
    # lists come back as numpy's, tensors do not
    own = {"upon": None} if form.prepare in ARRAYS else {"meet": None}
    return replace(
        form,
        from_squares=None,
        kernel_sums=None,
        class_sums=None,
        left_out=None,
        streamed=None,
        precomputed={},
        **own,
        **changed,
    )


def forms_on_gpu(device: str) -> Callable[[Scoring], Form]:
    """The forms of a GPU: "cuda", "cuda:1", ...

    Raises
    ------
    ValueError : PyTorch sees no such GPU.
    """
    known = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))] if torch.cuda.is_available() else []
    if device not in known:
        raise ValueError(f"PyTorch sees no device '{device}' here. Use one of: {', '.join(['cpu', *known])}.")
    return partial(forms_on, device)


def metrics() -> list[str]:
    """The metrics that are computed on a device."""
    forms = {name: entry.load()["exact"] for name, entry in METRICS.items()}
    return [n for n, f in forms.items() if f.prepare in ARRAYS or (f.prepare, f.compare, f.permute) in TENSORS]


@cache  # one function for all metrics that share intermediates
def _of_features(prepare: Callable[[Tensor, Parameters], Any], device: str) -> Callable[[np.ndarray, Parameters], Any]:
    @_memory()
    def prepared(x: np.ndarray, parameters: Parameters) -> Any:
        return prepare(torch.tensor(np.ascontiguousarray(x), device=device).double(), parameters)

    return prepared


@contextmanager
def _memory() -> Iterator[None]:
    """Too little of it on the device is an error as on the CPU."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error).partition("\n")[0]) from None


def _blocks(n: int) -> Iterator[slice]:
    """Rows of an n x n matrix, some at a time."""
    step = max(1, ENTRIES // n)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


# ---- linear kernels ----


def prepare_linear(x: Tensor, parameters: Parameters) -> Features:
    """As `cka.prepare_linear`; features wider than n are replaced by n units with the same inner products."""
    rows = x - x.mean(dim=0)
    diagonal = (rows * rows).sum(dim=1).cpu().numpy()
    if rows.shape[1] > len(rows):
        rows = torch.linalg.qr(rows.T, mode="r").R.T
    features = Features(rows, False, diagonal, 0.0)
    return replace(features, square=_square(features, features))


def _square(x: Features, y: Features) -> float:
    return float((x.matrix.T @ y.matrix).square().sum())


def compare_linear(x: Features, y: Features, parameters: Parameters) -> float:
    """As `cka.compare_linear`."""
    return cka.compare_linear(x, y, parameters, (_square(x, y), y))


def compare_unbiased(x: Features, y: Features, parameters: Parameters) -> float:
    """As `cka.compare_unbiased`."""
    return cka.compare_unbiased(x, y, parameters, (_square(x, y), y))


def permute_features(y: Features, order: np.ndarray) -> Features:
    """The intermediates of ``y[order]``."""
    return replace(y, diagonal=y.diagonal.take(order), matrix=y.matrix[_index(order, y.matrix)])


def _index(order: np.ndarray, like: Tensor) -> Tensor:
    return torch.as_tensor(order, device=like.device)


# ---- RBF kernels ----


def prepare_rbf(x: Tensor, parameters: Parameters) -> Kernel:
    """As `cka.prepare_rbf`; about 20 n^2 bytes, of which 8 n^2 or, of many rows, 4 n^2 stay."""
    kernel = _rbf_kernel(x, parameters)
    means = kernel.mean(dim=1)
    kernel.sub_(means[:, None]).sub_(means - means.mean())
    kernel = kernel.float() if len(x) >= FEW_ROWS else kernel
    return Kernel(kernel, cka.norm_of(_inner(kernel, kernel, None), "HSIC"))


def prepare_hollow(x: Tensor, parameters: Parameters) -> Kernel:
    """As `cka_rbf_unbiased.prepare`."""
    if parameters.get("rows") == "l2":
        lengths = x.norm(dim=1, keepdim=True)
        x = x / torch.where(lengths > 0, lengths, 1)
    try:
        kernel = _rbf_kernel(x, parameters, hollow=True).fill_diagonal_(0)
    except UndefinedScore as reason:
        raise UndefinedScore(str(reason).replace("cka_rbf", cka_rbf_unbiased.NAME)) from None
    n = len(kernel)
    kernel /= (n * (n - 3)) ** 0.5
    size = float(kernel.norm())
    moved = kernel.sum(dim=1) / (n - 2) - kernel.sum() / (2 * (n - 1) * (n - 2))
    kernel.sub_(moved[:, None]).sub_(moved).fill_diagonal_(0)
    norm = float(kernel.norm())
    cka_rbf_unbiased.check_varies(norm, size, np.dtype(np.float64))
    return Kernel(kernel.float() if n >= FEW_ROWS else kernel, norm)


def _rbf_kernel(x: Tensor, parameters: Parameters, hollow: bool = False) -> Tensor:
    """exp(-d^2 / (2 sigma^2)) - 1, n x n: centring makes up for the 1, and digits near it are kept.

    With ``hollow``, whose diagonal is left out, without - 1 where most entries are small: then their digits are kept.
    """
    rows = x - x.mean(dim=0)
    squares = (rows * rows).sum(dim=1)
    kernel = (rows @ rows.T).mul_(-2).add_(squares[:, None]).add_(squares).clamp_(min=0).fill_diagonal_(0)
    width, scale = parameters.get("sigma"), float(squares.mean()) ** 0.5
    if width is None:
        median = _median_distance(kernel)
        check_width(median / scale)
        width = parameters.get("sigma_median", 1.0) * median
    width = min(max(width, WIDTHS[0] * scale), WIDTHS[1] * scale)
    far = hollow and float(kernel[: len(kernel) // 2 + 1].median()) > 2 * width**2
    kernel.mul_(-1 / (2 * width**2))
    return kernel.exp_() if far else kernel.expm1_()


def _median_distance(squared: Tensor) -> float:
    values = torch.cat([squared[i, i + 1 :] for i in range(len(squared) - 1)]).sort().values
    middle = values[(len(values) - 1) // 2], values[len(values) // 2]  # of an odd number the same one
    return float(np.mean([float(value) ** 0.5 for value in middle]))


def _inner(a: Tensor, b: Tensor, order: np.ndarray | None) -> float:
    """sum a o b[order][:, order] of two n x n matrices."""
    index = None if order is None else _index(order, b)
    total = 0.0
    for rows in _blocks(len(a)):
        other = b[rows] if index is None else b[index[rows]][:, index]
        total += float((a[rows].double() * other).sum())
    return total


def compare_rbf(x: Kernel, y: Kernel, parameters: Parameters) -> float:
    """As `cka.compare_rbf`."""
    return cka.normalised(_inner(x.matrix, y.matrix, y.order), x.norm, y.norm, parameters)


# ---- neighbours ----


def _search(x: Tensor, k: int) -> tuple[np.ndarray, bool, np.ndarray]:
    """As `nearest._search`."""
    lists, ties, ones, apart = [], [], [], indistinct(x.shape[1], np.float64)
    for rows in _blocks(len(x)):
        products = x[rows] @ x.T
        products.diagonal(rows.start).fill_(-torch.inf)  # each row with itself
        values, columns = products.topk(k, dim=1)
        chosen, tied, together = _ordered(columns, values, k, apart)
        beside = (products >= values[:, -1:] - apart).sum(dim=1) > k
        everyone = torch.arange(len(x), device=x.device).expand(int(beside.sum()), -1)
        chosen[beside], _, together[beside] = _ordered(everyone, products[beside], k, apart)
        lists.append(chosen.cpu().numpy())
        ties.append(bool((tied | beside).any()))
        ones.append(together.cpu().numpy())
    return np.concatenate(lists), any(ties), np.concatenate(ones)


def _ordered(columns: Tensor, values: Tensor, k: int, apart: float) -> tuple[Tensor, Tensor, Tensor]:
    """As `nearest._ordered`."""
    values, order = values.sort(dim=1, descending=True)
    columns = columns.gather(1, order)
    distinct = values[:, :-1] - values[:, 1:] > apart
    groups = torch.nn.functional.pad(distinct.cumsum(dim=1), (1, 0))
    keys = groups * (int(columns.max()) + 1 if columns.numel() else 1) + columns
    together = (groups == 0).sum(dim=1)
    return columns.gather(1, keys.argsort(dim=1))[:, :k], ~distinct[:, :k].all(dim=1), together


def prepare_lists(x: Tensor, parameters: Parameters) -> Neighbours:
    """As `neighbours.prepare_lists`."""
    return with_drawn_ties(partial(_search, k=parameters["k"]), x)


def prepare_masked(x: Tensor, parameters: Parameters) -> cknna.MaskedKernel:
    """As `cknna.prepare`."""
    found, values = prepare_lists(x, parameters), []
    step = max(1, ENTRIES // (parameters["k"] * x.shape[1]))
    for start in range(0, len(x), step):
        some = slice(start, start + step)
        values.append((x[found.lists[some]] @ x[some, :, None])[:, :, 0].cpu().numpy())  # (b, k)
    return cknna.masked_kernel(found, np.concatenate(values))


# ---- dissimilarities ----


def prepare_dissimilarities(x: Tensor, parameters: Parameters) -> rsa.Dissimilarities:
    """As `rsa.prepare`; some ten arrays of n^2 / 2 float64 numbers."""
    upper = torch.ones(len(x), len(x), dtype=torch.bool, device=x.device).triu_(1)
    values = rsa.upper_triangle(x, upper, parameters)
    if parameters["comparison"] == "spearman":
        values = _average_ranks(values)
    return rsa.of_unit_length(values.cpu().numpy(), upper.cpu().numpy())


def _average_ranks(values: Tensor) -> Tensor:
    """Ranks from 1, equal values sharing their mean rank."""
    _, places, counts = torch.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum(dim=0) - (counts.double() - 1) / 2)[places]  # a quotient of integers would be float32


# prepare, compare and permute of a form, and those whose intermediates stay on the device
TENSORS: dict[tuple[Callable, ...], tuple[Callable, ...]] = {
    (cka.prepare_linear, cka.compare_linear, cka.permute_features): (prepare_linear, compare_linear, permute_features),
    (cka.prepare_linear, cka.compare_unbiased, cka.permute_features): (
        prepare_linear,
        compare_unbiased,
        permute_features,
    ),
    (cka.prepare_rbf, cka.compare_rbf, cka.permute_rbf): (prepare_rbf, compare_rbf, cka.permute_rbf),
    (cka_rbf_unbiased.prepare, cka.compare_rbf, cka.permute_rbf): (prepare_hollow, compare_rbf, cka.permute_rbf),
}
# prepare of a form, and what gives the same arrays
ARRAYS: dict[Callable, Callable] = {
    neighbours.prepare_lists: prepare_lists,
    cknna.prepare: prepare_masked,
    rsa.prepare: prepare_dissimilarities,
}
