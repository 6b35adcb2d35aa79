"""Agreement, consistency of errors and transfer of a probe: by hand, and against scikit-learn's own kappa."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.preprocessing import StandardScaler

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.predictions import agreement, error_consistency, probe_transfer

CLASSES = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=30)


def test_agreement_solved_by_hand():
    assert agreement(["cat", "dog", "owl", "owl"], ["cat", "dog", "dog", "owl"]) == 0.75
    assert agreement([0, 1], [1, 0]) == 0


def test_error_consistency_solved_by_hand():
    labels = [0] * 10
    a, b = [1] * 2 + [0] * 8, [0] + [1] * 2 + [0] * 7  # wrong on 0, 1 and on 1, 2
    # right 8 and 8 of 10; alike on 8 of 10; by chance .64 + .04 = .68
    assert error_consistency(a, b, labels) == pytest.approx((0.8 - 0.68) / 0.32)
    assert error_consistency([0, 1], [1, 0], [0, 0]) == -1  # one is right exactly where the other is wrong


@given(CLASSES)
@settings(max_examples=100, deadline=None)
def test_error_consistency_is_cohens_kappa_of_being_right(rows):
    a, b, labels = np.array(rows).T
    right = a == labels, b == labels
    assume(len(set(right[0]) | set(right[1])) == 2)  # else the expected agreement is 1
    assert error_consistency(a, b, labels) == pytest.approx(cohen_kappa_score(*right), abs=1e-12)


def test_error_consistency_of_independent_errors_is_zero():
    g = np.random.default_rng(0)
    a, b = (g.random(20_000) < share for share in (0.3, 0.1))
    assert error_consistency(a, b, np.zeros(20_000, bool)) == pytest.approx(
        0, abs=4 / np.sqrt(20_000)
    )  # 4 SEs of kappa


@pytest.mark.parametrize("accuracy", [0, 1])
def test_models_that_are_always_right_or_always_wrong_are_undefined(accuracy):
    predicted = [accuracy] * 5
    with pytest.raises(UndefinedScore, match=f"both models have accuracy {accuracy} on 5 stimuli"):
        error_consistency(predicted, predicted, [1] * 5)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([0, 1], [0, 1, 1], "a has 2 rows, b 3"),
        ([0.1, 0.9], [0, 1], r"a must hold one class for each stimulus, .* shape \(2,\) and type float64"),
        ([0, 1], [[0.5, 0.5]] * 2, r"b must hold one class .* shape \(2, 2\)"),
        ([], [], r"a must hold one class .* shape \(0,\)"),
        ([0, 1], ["0", "1"], "a and b need classes of the same kind; they have types int64 and <U1"),
    ],
)
def test_what_is_no_class_a_stimulus_is_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        agreement(a, b)
    with pytest.raises(ValueError, match=message):
        error_consistency(a, b, a)


@pytest.fixture
def probed():
    """Features of A in which two classes are nearly separable, their labels, and 40 of 120 stimuli to test on."""
    g = np.random.default_rng(3)
    labels = np.arange(120) % 2
    return g.normal(size=(120, 5)) + 1.5 * labels[:, None] * [1, 1, 0, 0, 0], labels, np.arange(120) >= 80


def test_probe_transfers_whole_to_a_linear_copy(probed):
    a, labels, held_out = probed
    b = a @ np.random.default_rng(0).normal(size=(5, 8)) - 3
    found = probe_transfer(a, b, labels, held_out)
    assert found.transferred == found.own > 0.85


def test_probe_on_features_without_information_is_at_chance(probed):
    a, labels, held_out = probed
    found = probe_transfer(a, np.random.default_rng(1).normal(size=a.shape), labels, held_out)
    assert found.transferred == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(40))  # 4 standard errors of 40 guesses
    assert found.own > found.transferred + 0.2


def test_probe_transfer_equals_its_steps_made_by_hand(probed):
    a, labels, held_out = probed
    b = a[:, :3] ** 2 + a[:, 2:5]
    train = ~held_out
    mapped = LinearRegression().fit(b[train], a[train]).predict(b[held_out])
    scaler = StandardScaler().fit(a[train])
    probe = LogisticRegression(C=0.1).fit(scaler.transform(a[train]), labels[train])
    found = probe_transfer(a, b, labels, held_out, strength=0.1)
    assert found.transferred == np.mean(probe.predict(scaler.transform(mapped)) == labels[held_out])
    assert found.own == np.mean(probe.predict(scaler.transform(a[held_out])) == labels[held_out])
    assert 0.5 < found.transferred < found.own


def test_held_out_stimuli_are_not_learnt_from(probed):
    a, labels, held_out = probed
    swapped = np.where(held_out, 1 - labels, labels)
    one, other = (probe_transfer(a, a**2, own, held_out) for own in (labels, swapped))
    assert other.transferred == pytest.approx(1 - one.transferred)
    assert other.own == pytest.approx(1 - one.own)


def test_wrong_probes_are_refused(probed):
    a, labels, held_out = probed
    with pytest.raises(ValueError, match="a has 120 rows, b 100"):
        probe_transfer(a, a[:100], labels, held_out)
    with pytest.raises(ValueError, match="a has 120 rows, labels 100"):
        probe_transfer(a, a, labels[:100], held_out)
    for mask, shown in (
        (np.arange(40), "39 true of shape"),
        (np.ones(120, bool), "120 true"),
        (~held_out & False, "0"),
    ):
        with pytest.raises(ValueError, match=f"each of the 120 stimuli, some true and some false; got {shown}"):
            probe_transfer(a, a, labels, mask)
    with pytest.raises(ValueError, match="the 60 stimuli that are not held out have only 1"):
        probe_transfer(a, a, labels, labels == 0)
