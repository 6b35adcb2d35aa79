"""The language model: transformers' GPT-2 is the oracle; dropout and initial weights are keyed."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

from whyalike.models.gpt import build
from whyalike.models.parameters import GptParameters
from whyalike.models.registry import MODELS

SMALL = {"vocabulary": 50, "layers": 3, "heads": 4, "width": 32, "context": 16, "dropout": 0.0}
DROPPING = SMALL | {"dropout": 0.5}
# ours -> transformers' name in a block; its maps are stored transposed
IN_A_BLOCK = {
    "attention_norm": "ln_1",
    "attention.queries_keys_values": "attn.c_attn",
    "attention.residual": "attn.c_proj",
    "perceptron_norm": "ln_2",
    "perceptron.inner": "mlp.c_fc",
    "perceptron.residual": "mlp.c_proj",
}


def theirs_of(name):
    """transformers' name of a weight of ours."""
    if name.startswith("blocks."):
        _, index, rest = name.split(".", 2)
        return f"transformer.h.{index}.{IN_A_BLOCK[rest.removesuffix('.weight')]}.weight"
    return {
        "embedding.weight": "transformer.wte.weight",
        "positions.weight": "transformer.wpe.weight",
        "norm.weight": "transformer.ln_f.weight",
    }[name]


def turned(name, value):
    """A map of theirs in our layout."""
    return value.T if ".attention." in name or ".perceptron." in name else value


@pytest.fixture
def model():
    """Weights ten times as wide as the initial ones, norms not 1: attention and GELU then matter."""
    made = build(SMALL, 1, seed=3, replica="A")
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2 + (weight.ndim == 1))
    return made.eval()


@pytest.fixture
def oracle(model):
    config = GPT2Config(
        vocab_size=50, n_positions=16, n_embd=32, n_layer=3, n_head=4, activation_function="gelu",
        attn_implementation="eager", resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        copy = GPT2LMHeadModel(config).eval()
    state = dict(copy.named_parameters())
    with torch.no_grad():
        for name in (name for name in state if name.endswith("bias")):
            state[name].zero_()
        for name, weight in model.named_parameters():
            turned(name, state[theirs_of(name)]).copy_(weight)
    return copy


def tokens(b=2, t=16, seed=1):
    return torch.randint(50, (b, t), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("t", [1, 7, 16])
def test_logits_are_those_of_transformers(model, oracle, t):
    ours, theirs = model.logits(model(tokens(t=t))), oracle(tokens(t=t)).logits
    assert theirs.std() > 0.5  # nothing trivial is compared
    # float32 in another order through 3 blocks; the tanh form of GELU would differ by 1e-3
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-5)


def test_gradients_are_those_of_transformers(model, oracle):
    x, y = tokens(seed=1), tokens(seed=2)
    cross_entropy(model.logits(model(x)).flatten(0, 1), y.flatten()).backward()
    cross_entropy(oracle(x).logits.flatten(0, 1), y.flatten()).backward()
    theirs = dict(oracle.named_parameters())
    for name, weight in model.named_parameters():
        expected = turned(name, theirs[theirs_of(name)].grad)
        # sums of 32 positions in another order: a few roundings of the largest
        torch.testing.assert_close(weight.grad, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_every_weight_has_its_counterpart_and_the_head_is_the_embedding(model, oracle):
    theirs = {name: weight for name, weight in oracle.named_parameters() if not name.endswith("bias")}
    assert {theirs_of(name) for name in model.state_dict()} == set(theirs)
    assert sum(w.numel() for w in model.parameters()) == sum(w.numel() for w in theirs.values())
    hidden = model(tokens())
    assert torch.equal(model.logits(hidden[:, -1]), hidden[:, -1] @ model.embedding.weight.T)


def test_the_module_norm_puts_out_the_hidden_states(model):
    caught = []
    model.get_submodule("norm").register_forward_hook(lambda _, __, output: caught.append(output))
    hidden = model(tokens())
    assert hidden.shape == (2, 16, 32)
    assert torch.equal(caught[0], hidden)


def test_a_position_does_not_see_what_follows(model):
    first = tokens()
    second = first.clone()
    second[:, 9:] = (second[:, 9:] + 1) % 50
    a, b = model(first), model(second)
    # the same sums: masked positions have a weight of 0
    torch.testing.assert_close(a[:, :9], b[:, :9], rtol=1e-6, atol=1e-6)
    assert (a[:, 9:] - b[:, 9:]).abs().amax(-1).min() > 0.01


def test_initial_weights_have_the_spread_of_gpt2():
    made = build(SMALL | {"width": 64, "layers": 8}, 1, 0, "A")
    for name, weight in made.named_parameters():
        if weight.ndim == 1:
            assert torch.equal(weight, torch.ones(64))
            continue
        expected = 0.02 / 4 if name.endswith("residual.weight") else 0.02  # sqrt(2 x 8 layers) = 4
        # the standard error of a standard deviation is s / sqrt(2 n), n >= 1024: below 2.3 %; 5 of them
        assert weight.std().item() == pytest.approx(expected, rel=0.115), name
        assert abs(weight.mean().item()) < 5 * expected / weight.numel() ** 0.5


def test_initial_weights_are_keyed_and_do_not_depend_on_classes():
    first, same = build(SMALL, 1, 5, "A").state_dict(), build(SMALL, 9, 5, "A").state_dict()
    assert all(torch.equal(first[name], same[name]) for name in first)
    for seed, replica in ((6, "A"), (5, "B")):
        other = build(SMALL, 1, seed, replica).state_dict()
        assert not any(torch.equal(first[name], other[name]) for name in first if first[name].ndim == 2)


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    build(SMALL, 1, 5, "A")
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_draws_from_the_default_generator_in_training_only():
    made = build(DROPPING, 1, 0, "A")
    with torch.random.fork_rng(devices=[]):
        hidden = []
        for seed in (7, 7, 8):
            torch.manual_seed(seed)
            hidden.append(made.train()(tokens()))
        before = torch.get_rng_state()
        quiet = made.eval()(tokens())
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(hidden[0], hidden[1])
    assert not torch.equal(hidden[0], hidden[2])
    assert torch.equal(quiet, build(SMALL, 1, 0, "A")(tokens()))


def test_without_dropout_training_draws_nothing():
    before = torch.get_rng_state()
    build(SMALL, 1, 0, "A").train()(tokens())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("shape", "words"), [((2, 17), r"context of 16, got \(2, 17\)"), ((5,), r"got \(5,\)")])
def test_more_tokens_than_the_context_are_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        build(SMALL, 1, 0, "A")(torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 100, "heads": 3}, "width 100 must be divisible by heads, got 3"),
        ({"vocabulary": 1}, "vocabulary"),
        ({"dropout": 1}, "dropout"),
    ],
)
def test_parameters_that_make_no_model_are_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        GptParameters.model_validate(values)


def drawn(model, prompt, steps, seed=0, **options):
    return model.sample(prompt, steps, torch.Generator().manual_seed(seed), **options)


def test_a_sample_begins_with_its_prompt_and_is_keyed(model):
    prompt = tokens(t=5)
    first, same, other = (drawn(model, prompt, 20, seed) for seed in (3, 3, 4))
    assert first.shape == (2, 25)
    assert torch.equal(first[:, :5], prompt)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_one_word_to_choose_from_is_the_most_likely_of_the_last_context(model, oracle):
    text = tokens(b=1, t=12)
    found = drawn(model, text, 10, top_k=1)
    for _ in range(10):  # from the fifth on the text is longer than the context of 16
        text = torch.cat([text, oracle(text[:, -16:]).logits[:, -1].argmax(-1, keepdim=True)], 1)
    assert torch.equal(found, text)


@pytest.mark.parametrize(("temperature", "top_k"), [(0.8, 200), (2.0, 5)])
def test_words_come_as_often_as_their_chances_say(model, oracle, temperature, top_k):
    n, prompt = 4000, tokens(b=1, t=4)
    found = drawn(model, prompt.expand(n, -1), 1, temperature=temperature, top_k=top_k)[:, -1]
    logits = oracle(prompt).logits[0, -1]
    logits[logits < logits.sort(descending=True).values[:top_k][-1]] = -torch.inf
    chances = torch.softmax(logits / temperature, 0)
    share = torch.bincount(found, minlength=50) / n
    # 5 standard errors of a share, at most .5 / sqrt(n) each
    assert (share - chances).abs().max() < 5 * 0.5 / n**0.5
    assert not share[chances == 0].any()


@pytest.mark.parametrize("training", [True, False])
def test_sampling_is_without_dropout_and_leaves_the_mode(training):
    made = build(DROPPING, 1, 0, "A").train(training)
    before = torch.get_rng_state()
    text = drawn(made, tokens(t=3), 4)
    assert torch.equal(before, torch.get_rng_state())
    assert made.training is training
    assert torch.equal(text, drawn(build(SMALL, 1, 0, "A"), tokens(t=3), 4))


@pytest.mark.parametrize(
    ("prompt", "options", "words"),
    [
        (torch.zeros((1, 0), dtype=torch.int64), {}, r"at least one token, got \(1, 0\)"),
        (torch.zeros((1, 2), dtype=torch.int64), {"temperature": 0}, "temperature must be above 0 .* got 0 and 200"),
        (torch.zeros((1, 2), dtype=torch.int64), {"top_k": 0}, r"top_k at least 1, got 0\.8 and 0"),
    ],
)
def test_what_cannot_be_sampled_is_refused(prompt, options, words):
    with pytest.raises(ValueError, match=words):
        drawn(build(SMALL, 1, 0, "A"), prompt, 1, **options)


def test_the_registry_finds_the_family_and_what_it_takes():
    assert MODELS["gpt"].load() is build
    assert MODELS["gpt"].facts.inputs == "tokens"
