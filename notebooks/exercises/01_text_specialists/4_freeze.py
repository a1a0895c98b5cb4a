# ---
# title: Freeze the encoder, really
# kind: repair
# answer: my_freeze
# hints:
# - >-
#   A weight is frozen when *its* `requires_grad` is False. A model is not a weight; it has many
#   of them, in `model.parameters()`.
# - >-
#   The encoder of any transformers classifier is `model.base_model`. Everything outside it is the
#   head.
# - >-
#   `module.requires_grad_(False)`, with the underscore, does it for all weights of a module.
# explanation: >-
#   `requires_grad_` reaches every weight of the module. Setting a plain attribute on a model
#   raises no error and freezes nothing: count what moves, do not trust what you wrote.
# ---

# %% solution
def my_freeze(model):
    model.base_model.requires_grad_(False)
    return model


# %% check
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from ftlearn.exercises.checks import Answers, Mistake, call

answers = Answers()


@answers.meets("only hangs a new attribute")
def attribute(model):
    model.requires_grad = False
    return model


answers.meets("only switches dropout off", lambda model: model.eval())
answers.meets("the head is frozen too", lambda model: model.requires_grad_(False))


@answers.meets("tensors still moved")
def embeddings(model):
    model.base_model.embeddings.requires_grad_(False)
    return model


@answers.meets("wrong way round")
def head(model):
    for name, weights in model.named_parameters():
        weights.requires_grad = name.startswith(model.base_model_prefix)
    return model


@answers.meets("part of the head stood still")
def half_of_the_head(model):
    for name, weights in model.named_parameters():
        weights.requires_grad = name.startswith("classifier")
    return model


@answers.meets("AttributeError", status="error")
def bert_by_name(model):
    model.bert.requires_grad_(False)
    return model


@answers.right
def in_place(model):
    for weights in model.base_model.parameters():
        weights.requires_grad = False


@answers.right
def detached(model):
    """What moves counts, not what the flags say."""
    model.base_model.register_forward_hook(
        lambda module, given, out: type(out)(
            {key: value.detach() for key, value in out.items() if value is not None}
        )
    )
    return model


def check(answer):
    for original in tiny_models():
        try:
            returned = call(answer, original)
        except Mistake:
            if not callable(answer):
                raise
            returned = original  # it changes the model in place and returns nothing: fine
        model = returned if hasattr(returned, "named_parameters") else original
        check_moved(*moved(model), type(original).__name__)
    return (
        "On two models, after two real training steps: the encoder stands still and the head has "
        "moved. This is a linear probe, trained by gradient descent instead of by scikit-learn."
    )


def tiny_models():
    """Two small random classifiers whose encoders have different names."""
    bert = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=3,
    )
    distilled = DistilBertConfig(
        vocab_size=50, dim=16, n_layers=2, n_heads=2, hidden_dim=32, num_labels=3
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return (
            BertForSequenceClassification(bert),
            DistilBertForSequenceClassification(distilled),
        )


def moved(model):
    """What two steps of training change: a share of the encoder, and which tensors of the head."""
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    before = {name: weights.detach().clone() for name, weights in model.named_parameters()}
    if trained:
        optimizer = torch.optim.AdamW(trained, lr=0.1, weight_decay=0.0)
        ids = torch.arange(1, 25).reshape(4, 6)
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(input_ids=ids, labels=torch.tensor([0, 1, 2, 0])).loss
            if loss.requires_grad:
                loss.backward()
                optimizer.step()
    changed = {
        name: not torch.equal(weights, before[name]) for name, weights in model.named_parameters()
    }
    prefix = model.base_model_prefix + "."
    encoder = [change for name, change in changed.items() if name.startswith(prefix)]
    head = {name: change for name, change in changed.items() if not name.startswith(prefix)}
    return sum(encoder) / max(len(encoder), 1), head


def check_moved(encoder, head, kind):
    if not any(head.values()) and encoder == 0:
        raise Mistake(
            f"Two training steps on a small {kind} moved nothing at all: the head is frozen too. "
            "Then the loss cannot fall. Leave the classifier its gradients."
        )
    if not any(head.values()):
        raise Mistake(
            f"On a small {kind} the encoder moved and the head did not: it is the wrong way round. "
            "The head is new and has everything to learn."
        )
    if encoder == 1:
        raise Mistake(
            f"Two training steps on a small {kind} moved every weight of the encoder. Nothing is "
            "frozen. `model.requires_grad = False` only hangs a new attribute on the model, and "
            "`model.eval()` only switches dropout off: ask the parameters themselves, or "
            "`requires_grad_`."
        )
    if encoder > 0:
        raise Mistake(
            f"On a small {kind}, {encoder:.0%} of the encoder's tensors still moved. Freeze all of "
            "it, embeddings and layers; `model.base_model` is the encoder, whatever it is called."
        )
    if not all(head.values()):
        still = ", ".join(f"`{name}`" for name, change in head.items() if not change)
        raise Mistake(
            f"On a small {kind}, a model of another make, part of the head stood still: {still}. "
            "Heads have different names; the encoder is always `model.base_model`. Freeze that, "
            "and leave the rest."
        )
