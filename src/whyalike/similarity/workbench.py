"""What metrics need of each representation, made once and kept while memory allows.

A `Workbench` holds the representations of many runs. It gives, for two runs, some rows and a scoring, a `Scorable`: the
intermediates of all layer pairs that the scoring compares, whose value under any permutation of rows is cheap. Metrics
that prepare the same thing (the neighbour lists of equal k) share it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.checks import UndefinedScore, check_defined, check_not_constant
from whyalike.similarity.deconfounding import CONFOUND, check_deconfoundable, without_confound
from whyalike.similarity.implementation import Form, Reads
from whyalike.similarity.memory import BLOCKS, streams
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.moments import Alignment
from whyalike.similarity.precision import may_be_single
from whyalike.similarity.precomputed import Precomputed
from whyalike.similarity.preprocessing import ALL_LAYERS, EXACT, published_layers
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.streamed import Streamed
from whyalike.similarity.within_class import OfClasses

KEPT_BYTES = 1 << 30  # the neighbour lists of 1,300 runs, or the centred features of 26, at 10,000 x 512


@dataclass(frozen=True)
class Rows:
    """The stimuli in use: their row indices, and a short key that tells them from others."""

    index: np.ndarray
    key: str

    @classmethod
    def of(cls, index: np.ndarray) -> "Rows":
        """The rows of an index array."""
        index = np.ascontiguousarray(index, dtype=np.int64)
        return cls(index, hashlib.blake2b(index.tobytes(), digest_size=16).hexdigest())

    def of_array(self, x: np.ndarray) -> np.ndarray:
        """These rows of x; x itself where they are all of its rows in order."""
        index = self.of_all(len(x))
        return x if index is None else x[index]

    def of_all(self, n: int) -> np.ndarray | None:
        """Which of n rows these are; None where they are all of them in order."""
        return None if len(self.index) == n and bool((np.diff(self.index, prepend=-1) == 1).all()) else self.index

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True)
class Scorable:
    """The intermediates of the layer pairs that make one score, and of the confound that is taken from it, if any.

    What else is made of them is kept by ``once`` of their workbench, under the names of ``runs`` and rows.
    """

    scoring: Scoring
    form: Form
    layer_pairs: tuple[tuple[Any, Any], ...]
    names: tuple[tuple[str, str], ...]
    confound: Any = None
    runs: tuple[tuple[str, str], ...] = ()
    once: Callable[[Hashable, Callable[[], Any]], Any] | None = None

    def value(self, order: np.ndarray | None = None, met: dict | None = None) -> float:
        """The score; with ``order``, the score of x and ``y[order]``.

        ``met`` keeps what metrics that need the same of a pair share: one for each pair of runs, rows and order.

        Raises
        ------
        UndefinedScore : the score is not a finite number.
        """
        met = {} if met is None else met
        values = [
            self._compared(x, y, order, names, met) for (x, y), names in zip(self.layer_pairs, self.names, strict=True)
        ]
        if not all(map(isfinite, values)):
            raise UndefinedScore(
                f"{self.scoring.metric} must be a finite number; it is {next(v for v in values if not isfinite(v))}. "
                "Look at the scale of the features."
            )
        if self.scoring.layers_together:
            return max(0.0, *values)
        return values[0] if self.confound is not None else self.scoring.in_range(values[0])

    def compared(self, x: Any, y: Any) -> float:
        """The score of two layers' intermediates, y perhaps permuted."""
        z, parameters = self.confound, self.scoring.parameters
        value = self.form.compare(x, y, parameters)
        if z is None:
            return value
        return without_confound(value, self.form.compare(x, z, parameters), self.form.compare(z, y, parameters))

    def _compared(self, x: Any, y: Any, order: np.ndarray | None, names: tuple[str, str], met: dict) -> float:
        form, parameters = self.form, self.scoring.parameters
        if form.meet is None or self.confound is not None:
            return self.compared(x, y if order is None else form.permute(y, order))
        key = (form.meet, self.scoring.preprocessing, names, *_read(form, parameters))
        if key not in met:
            met[key] = form.meet(x, y, order)
        return form.compare(x, y, parameters, met[key])

    def kernels(self) -> Alignment | None:
        """The sums of both kernels where the score is their alignment, and no maximum over layers."""
        if self.form.kernel_sums is None or len(self.layer_pairs) > 1 or self.confound is not None:
            return None
        ((x, y),) = self.layer_pairs
        (sums_x, norm_x), (sums_y, norm_y) = self.form.kernel_sums(x), self.form.kernel_sums(y)
        norm = norm_x * norm_y
        is_cut = self.scoring.layers_together and sums_x.trace == 0  # of others all values are positive
        return Alignment(sums_x, sums_y, norm / (norm + self.scoring.eps), is_cut)

    def of_classes(self, groups: np.ndarray) -> OfClasses | None:
        """What the null of permutations within class follows from without draws; None where these are needed."""
        if self.form.class_sums is None or len(self.layer_pairs) > 1 or self.confound is not None:
            return None
        classes = hashlib.blake2b(groups.tobytes()).digest()
        sums = [
            self.once(
                (self.form.class_sums, self.scoring.preprocessing, *run, layer, classes),
                partial(self.form.class_sums, one, groups),
            )
            for run, layer, one in zip(self.runs, self.names[0], self.layer_pairs[0], strict=True)
        ]
        if None in sums:
            return None
        (of_x, norm_x), (_, norm_y) = map(self.form.kernel_sums, self.layer_pairs[0])
        hollow = of_x.trace == 0
        return OfClasses(*sums, norm_x * norm_y + self.scoring.eps, hollow, self.scoring.layers_together and hollow)


def _read(form: Form, parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The parameters that a form's intermediates depend on."""
    return sorted((name, parameters[name]) for name in form.reads if name in parameters)


def form_of(scoring: Scoring) -> Form:
    """The form that computes a scoring."""
    return METRICS[scoring.metric].load()[scoring.protocol]


class Workbench:
    """Intermediates of many runs, made when they are first asked for; the least recently used are dropped.

    Parameters
    ----------
    representations : run -> layer -> n x d.
    seed : of randomised metrics.
    kept : bytes of intermediates.
    permuted : whether many permutations of rows will be scored, for which some metrics keep other intermediates.
    forms : scoring -> the form that computes it; `whyalike.similarity.on_device` has those of a GPU.
    confound : n x c, what is regressed out of every score (`whyalike.similarity.deconfounding`); it is a run of the
        workbench, under the name `CONFOUND`.
    search : what takes the place of the neighbour search of metrics with k, given a store (k, how it is made -> what is
        made, once for equal features), features and k; None: each k has its own.
    memory : bytes that a score may take (`whyalike.similarity.memory`); None: no bound.
    """

    def __init__(
        self,
        representations: Mapping[str, Mapping[str, np.ndarray]],
        seed: int,
        kept: int = KEPT_BYTES,
        permuted: bool = True,
        forms: Callable[[Scoring], Form] = form_of,
        confound: np.ndarray | None = None,
        memory: int | None = None,
        search: Callable[[Callable[[int, Callable[[], Any]], Any], Any, int], Any] | None = None,
    ):
        self.representations = representations
        if confound is not None:
            self.representations = {**representations, CONFOUND: {CONFOUND: confound}}
        self.seed = seed
        self.permuted = permuted
        self.forms = forms
        self.memory = memory
        self._search = search
        self._kept_bytes = kept if memory is None else min(kept, memory // 4)
        self._bytes = 0
        self._store: OrderedDict[Hashable, Any] = OrderedDict()

    def scorable(
        self,
        run_x: str,
        run_y: str,
        rows: Rows,
        scoring: Scoring,
        layer: str | None = None,
        layer_y: str | None = None,
    ) -> Scorable:
        """The score of two runs on some rows.

        Parameters
        ----------
        layer : the layer of both runs that is compared; None where the scoring takes all layers together.
        layer_y : that of run y, where it is another one.

        Raises
        ------
        UndefinedScore : no pair of layers has a value. Where some have, the others do not count, as in the reference.
        ValueError : there is a confound, and it cannot be taken from this metric.
        MemoryError : there is too little for an n x n array.
        """
        check_defined(scoring.metric, METRICS[scoring.metric].facts, len(rows), scoring.parameters)
        form = self.forms(scoring)
        pairs, names, reasons = [], [], []
        both = ((run_x, layer), (run_y, layer if layer_y is None else layer_y))
        layers_x, layers_y = (self._layers(run, scoring, form, own) for run, own in both)
        for i, layer_x in enumerate(layers_x):
            for j, layer_y in enumerate(layers_y):
                try:
                    x = self._prepared(run_x, layer_x, rows, scoring, form, ("x", j, len(layers_y)))
                    y = self._prepared(run_y, layer_y, rows, scoring, form, ("y", i, len(layers_x)))
                    if form.check is not None:
                        form.check(x, y, scoring.parameters)
                    pairs.append((x, y))
                    names.append((layer_x, layer_y))
                except UndefinedScore as reason:
                    reasons.append(reason)
        if not pairs:
            raise reasons[0]
        runs = (run_x, rows.key), (run_y, rows.key)
        return Scorable(
            scoring, form, tuple(pairs), tuple(names), self._confound(rows, scoring, form), runs, self._once
        )

    def _confound(self, rows: Rows, scoring: Scoring, form: Form) -> Any:
        """The intermediates of the confound; None where there is none."""
        if CONFOUND not in self.representations:
            return None
        check_deconfoundable(scoring.metric, scoring.protocol)
        return self._prepared(CONFOUND, CONFOUND, rows, scoring, form, ("confound", 0, 1))

    def streams(self, scoring: Scoring, n: int) -> bool:
        """Whether a scoring of n rows is made in blocks of them; both sides of every pair are held in one way.

        Raises
        ------
        MemoryError : it cannot be made within the memory.
        """
        if self.memory is None:
            return False
        layers = (x for own in self.representations.values() for x in own.values())
        widths = [x.shape[1] for x in layers if not isinstance(x, Precomputed)]
        return streams(scoring, self.forms(scoring), n, max(widths, default=0), self.memory)

    def _layers(self, run: str, scoring: Scoring, form: Form, layer: str | None) -> list[str]:
        """The layers of a run on one side. A deterministic metric need not see a single layer twice."""
        if not scoring.layers_together:
            return [layer]
        names = list(self.representations[run])
        return names if len(names) == 1 and not form.randomised else [*names, ALL_LAYERS]

    def _prepared(
        self, run: str, layer: str, rows: Rows, scoring: Scoring, form: Form, met: tuple[str, int, int]
    ) -> Any:
        """The intermediates of one layer; a randomised form gets a draw of its own for each layer that this one meets.

        ``met`` : the side that it is on, the place of the layer it meets there, and how many it meets.
        """
        parameters = dict(_read(form, scoring.parameters))
        side, partner, partners = met
        of_rows = (*parameters.items(), run, rows.key, scoring.preprocessing)
        own = {"draw": (layer, side, partner)} if form.randomised else {}

        def upon(x: np.ndarray, extra: Mapping[str, Any]) -> Any:
            same = self._same(run, layer)
            draws = [(name, side, i) for name in same for i in range(partners)] if form.randomised else ()
            given = {"generators": {draw: keyed(self.seed, "svd", run, *draw) for draw in draws}} if draws else {}
            reads = Reads({**parameters, **extra, **given}, scoring.metric, form)
            return self._once((form.upon, *of_rows, same[0], *draws), lambda: form.upon(x, reads))

        def make() -> Any:
            x = self._features(run, layer, rows, scoring, form)
            where = f"layer '{layer}' of {run}"
            if isinstance(x, Precomputed):
                return x.prepared(form, scoring.metric, parameters)
            check_not_constant(scoring.metric, x, where)
            extra = dict(own)
            if form.single:
                extra["single"] = all(may_be_single(one, len(rows)) for one in self._sources(run, layer))
                extra["permuted"] = self.permuted
            if self._search is not None and "k" in parameters:
                place = (run, layer, rows.key, scoring.preprocessing)
                extra["search"] = partial(self._search, lambda k, found: self._once(("search", k, *place), found))
            try:
                if form.upon is not None:
                    extra["upon"] = upon(x, extra)
                prepare = form.streamed if isinstance(x, Streamed) else form.prepare
                return prepare(x, Reads({**parameters, **extra}, scoring.metric, form))
            except UndefinedScore as reason:
                raise UndefinedScore(f"{reason} ({where})") from None
            except MemoryError as error:
                raise MemoryError(
                    f"{scoring.metric} of {where}, {len(rows)} stimuli, needs more memory than there is ({error}). "
                    "Use fewer stimuli."
                ) from None

        return self._once((form.prepare, *of_rows, layer, *own.values()), make)

    def _same(self, run: str, layer: str) -> list[str]:
        """The layers whose features are those of this one: a single layer and all layers together are one."""
        names = list(self.representations[run])
        return [*names, ALL_LAYERS] if len(names) == 1 else [layer]

    def _sources(self, run: str, layer: str) -> list[np.ndarray]:
        """The representations that a layer is made of: itself, or all of them."""
        layers = self.representations[run]
        return list(layers.values()) if layer == ALL_LAYERS else [layers[layer]]

    def _features(
        self, run: str, layer: str, rows: Rows, scoring: Scoring, form: Form
    ) -> np.ndarray | Precomputed | Streamed:
        """The preprocessed features of one layer on the rows; float64, or as they came where the form takes that."""
        layers = self.representations[run]
        if self.streams(scoring, len(rows)) and not isinstance(x := layers[layer], Precomputed):
            return Streamed(x, self.memory // BLOCKS, rows.of_all(len(x)), scoring.preprocessing)
        if scoring.layers_together:
            if any(isinstance(x, Precomputed) for x in layers.values()):
                raise ValueError(f"{scoring.metric} as published needs features. Use protocol 'exact'.")

            def make() -> dict[str, np.ndarray]:
                return published_layers({name: rows.of_array(x) for name, x in layers.items()})

            return self._once((published_layers, run, rows.key), make)[layer]
        x = rows.of_array(layers[layer])
        if isinstance(x, Precomputed):
            return x
        as_it_came = form.single and scoring.preprocessing == "none" and x.dtype == np.float32
        return x if as_it_came else EXACT[scoring.preprocessing](x.astype(np.float64))

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key in self._store:
            self._store.move_to_end(key)
            return self._store[key]
        made = make()
        self._store[key] = made
        self._bytes += _size(made)
        while self._bytes > self._kept_bytes:
            self._bytes -= _size(self._store.popitem(last=False)[1])
        return made


def _size(made: Any) -> int:
    """Bytes of the arrays and tensors in an intermediate."""
    if hasattr(made, "nbytes"):
        return made.nbytes
    if isinstance(made, Mapping):
        return sum(_size(value) for value in made.values())
    return sum(_size(getattr(made, f.name)) for f in fields(made)) if is_dataclass(made) else 0
