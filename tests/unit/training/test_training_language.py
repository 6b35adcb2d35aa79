"""Language models in training: windows, schedule, the plain loop, early stopping, kills without a trace."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from toy_language import MODEL, PARAMETERS, RECIPE, RUN, stretches, task, text, train, train_and_die
from training_jobs import OPERATION, end, start, stored_run

from whyalike.data.prepared import Prepared
from whyalike.models.weights import build_model, load_weights
from whyalike.randomness import key, keyed
from whyalike.training.language import Language, RunText
from whyalike.training.windows import draw_windows

# ---- windows


def test_windows_and_the_token_after_them_stay_in_their_stretch():
    corpora = [stretches((0, 10), (10, 7)), stretches((100, 8))]
    starts = draw_windows(keyed(0, "windows"), corpora, 4000, 6)
    # every place with 7 tokens left in its stretch is reached, no other is
    assert set(starts.tolist()) == {0, 1, 2, 3, 10, 100, 101}


def test_corpora_are_drawn_alike_whatever_their_sizes():
    corpora = [stretches((0, 1000)), stretches(*((2000 + 10 * i, 10) for i in range(3)))]
    starts = draw_windows(keyed(1, "windows"), corpora, 4000, 6)
    small = (starts >= 2000).sum()
    assert abs(small - 2000) < 5 * 1000**0.5  # 5 standard deviations of Binomial(4000, 1/2)
    assert [abs((starts // 10 == 200 + i).sum() - small / 3) < 5 * (small * 2 / 9) ** 0.5 for i in range(3)] == [
        True
    ] * 3


def test_a_stretch_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="a window of 6 tokens and the next one do not fit into a stretch of 6 tokens"):
        draw_windows(keyed(0), [stretches((0, 10)), stretches((10, 6))], 1, 6)


def test_each_step_has_windows_of_its_own_and_a_resumed_run_the_same():
    whole, later = list(task().batches(0)), list(task().batches(5))
    assert len(whole) == 12
    assert all(
        torch.equal(a, b) for one, other in zip(whole[5:], later, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert not torch.equal(whole[0][0], whole[1][0])
    assert [tuple(batch.shape) for batch in whole[0]] == [(4, 7), (4, 7)]


def test_the_two_runs_of_a_pair_validate_on_the_same_windows():
    other = Language(PARAMETERS, RECIPE, RUN.model_copy(update={"replica": "B"}), text(), torch.device("cpu"))
    assert torch.equal(task()._validation, other._validation)
    assert not torch.equal(next(task().batches(0))[0], next(other.batches(0))[0])


# ---- the loop


def test_the_learning_rate_warms_up_and_falls_as_a_cosine():
    one = task(RECIPE.model_copy(update={"steps": 100, "warmup": 0.2, "lr": 0.5, "final_lr": 0.1}))
    rates = [one.learning_rate(step) for step in range(101)]
    assert rates[:20] == pytest.approx([0.5 * (i + 1) / 21 for i in range(20)])
    assert rates[20] == 0.5
    assert rates[60] == pytest.approx(0.5 * 0.55)  # half way
    assert rates[100] == pytest.approx(0.05)
    assert all(a > b for a, b in pairwise(rates[20:]))


def test_only_matrices_decay():
    one = task()
    model = one.build()
    decayed, free = one.optimizer(model).param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0)
    assert {p.ndim for p in decayed["params"]} == {2}
    assert {p.ndim for p in free["params"]} == {1}
    assert len(decayed["params"]) + len(free["params"]) == len(list(model.parameters()))


def test_training_is_that_of_a_plain_loop(tmp_path):
    recipe = RECIPE.model_copy(update={"clip": 0.05, "evaluate_every": 100})  # evaluated, and kept, at the end alone
    train(tmp_path, recipe)
    one, model = task(recipe), build_model(MODEL, 2, 3, "A").train()
    groups = [{"params": [p for p in model.parameters() if (p.ndim > 1) is matrix], "weight_decay": 0.1 * matrix}
              for matrix in (True, False)]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    for step, batches in enumerate(one.batches(0)):
        torch.manual_seed(key(3, "A", "step", step))
        optimizer.zero_grad()
        for batch in batches:
            chances = model.logits(model(batch[:, :-1])).log_softmax(-1)
            loss = -sum(chances[b, t, batch[b, t + 1]] for b in range(4) for t in range(6)) / 24
            (loss / 2).backward()
        norm = torch.sqrt(sum(p.grad.square().sum() for p in model.parameters()))
        for p in model.parameters():
            p.grad *= min(1, 0.05 / (norm + 1e-6))
        for group in optimizer.param_groups:
            group["lr"] = one.learning_rate(step)
        optimizer.step()
    weights = load_file(stored_run(tmp_path).weights)
    for name, value in model.state_dict().items():
        # Adam divides by small second moments: float32 roundings over twelve steps
        torch.testing.assert_close(weights[name], value, rtol=2e-3, atol=2e-5)


def test_training_learns_to_count(tmp_path):
    model = {**MODEL, "width": 16, "dropout": 0.0}
    result = train(tmp_path, RECIPE.model_copy(update={"steps": 150, "evaluate_every": 50}), model)
    assert result["accuracy"] is None
    assert result["loss"] < 0.5 < math.log(7)  # knowing only how often each token comes costs about ln 7
    assert (result["n_train"], result["n_test"], result["classes"]) == (200, 14, ["tens", "fives"])


def test_the_loss_is_the_mean_over_all_tokens_of_the_test_windows(tmp_path):
    result, own = train(tmp_path), text()
    model = load_weights(build_model(MODEL, 2, 0, "Z"), stored_run(tmp_path).weights).eval()
    losses = []
    for place in np.concatenate([one.starts for one in own.test]):
        window = torch.from_numpy(own.tokens[place : place + 6].astype(np.int64))
        with torch.no_grad():
            chances = model.logits(model(window[None]))[0].log_softmax(-1)
        losses += [-chances[t, window[t + 1]].item() for t in range(5)]
    assert result["loss"] == pytest.approx(np.mean(losses), rel=1e-5)  # float32, one window at a time


# ---- early stopping


def test_the_best_weights_are_kept_and_training_stops_without_a_gain(tmp_path):
    recipe = RECIPE.model_copy(
        update={"steps": 60, "patience": 6, "lr": 30.0, "clip": None}
    )  # far too much: it gets worse
    result = train(tmp_path, recipe)
    log = pq.read_table(stored_run(tmp_path).log).to_pylist()
    losses = {row["step"]: row["validation_loss"] for row in log}
    assert result["best_step"] == min(losses, key=losses.get)
    assert result["steps"] == result["best_step"] + 6 == log[-1]["step"] < 60
    model = load_weights(build_model(MODEL, 2, 0, "Z"), stored_run(tmp_path).weights)
    assert task().validate(model) == pytest.approx(losses[result["best_step"]], rel=1e-6)


@pytest.mark.parametrize("step", [4, 7, 11])
def test_a_killed_run_keeps_its_best_weights_and_its_patience(tmp_path, step):
    recipe = RECIPE.model_copy(update={"steps": 60, "patience": 6, "lr": 30.0, "clip": None})
    train(tmp_path / "whole", recipe)
    code = end(start(train_and_die, tmp_path / "killed", ("after step", step), recipe))
    whole, killed = (stored_run(tmp_path / name) for name in ("whole", "killed"))
    assert code == (-9 if step <= whole.finished()["steps"] else 0)
    train(tmp_path / "killed", recipe)
    assert killed.weights.read_bytes() == whole.weights.read_bytes()
    assert killed.finished() == whole.finished()
    assert killed.log.read_bytes() == whole.log.read_bytes()


# ---- faults


def prepared(tokens, labels):
    return Prepared(tokens, labels, ("corpus",), "c" * 64)


def test_a_token_beyond_the_vocabulary_is_refused():
    data = prepared(np.array([3, 11], dtype=np.uint16), pd.DataFrame())
    with pytest.raises(ValueError, match="the text has the token 11, the model's vocabulary 11 tokens: raise `vocab"):
        Language.material(data, PARAMETERS, torch.device("cpu"), OPERATION)


def test_chunks_shorter_than_a_window_are_refused_before_training():
    own = text()
    short = RunText(own.tokens, own.chunks, [stretches((100, 6)), own.validation[1]], own.test, own.classes, own.sha256)
    with pytest.raises(ValueError, match="do not fit into a stretch of 6 tokens"):
        task(own=short)
