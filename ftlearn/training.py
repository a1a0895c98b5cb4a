"""Fine-tuning in one call: a recipe in, a specialist out, on the transformers Trainer."""

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import filelock
import numpy as np
import psutil
import torch
import transformers
from transformers.trainer_callback import ExportableState

from . import files, settings, torch_setup
from .baselines import choice_score, linear_probe_of_features
from .cases.case import Case
from .models import model_folder, multilingual, sees_images, vision
from .models.text import quiet_transformers
from .retrieval import validation_score
from .specialists import PairSpecialist, Specialist, classifier_head, head_inputs

# Raised by hand when the same recipe on the same data can give another result.
PROCEDURE = 1
ATTENTIONS = ("sdpa", "eager")
_FOR_TEXTS = ("frozen_layers", "lora_rank", "mean_pooling")  # for text classifiers alone
# Fields that came later count in a recipe's hash only where they are set.
_LATER_FIELDS = ("probe_first", "augment", "prompt", "trained_stages", *_FOR_TEXTS)


@dataclass(frozen=True)
class Recipe:
    """The hyper-parameters of one fine-tuning run.

    Attributes
    ----------
    learning_rate, warmup : float
        Peak of a linear schedule, and the share of the steps over which it rises to that.
    epochs, batch_size : int
        Passes over the training part, at most; examples a step.
    weight_decay : float
    patience : int or None
        Stop after so many epochs without a better validation score, and return to the best epoch.
        None: train all epochs and keep the last.
    dropout : bool or float
        Whether the model's own dropout stays on; of a text classifier also a share of its own.
    attention : str
        ``"sdpa"`` or ``"eager"``: PyTorch's fused attention or the plain one.
    freeze_embeddings : bool
        Whether the token embeddings keep their pre-trained values.
    group_by_length : bool
        Whether a batch holds texts of similar length, padded to a multiple of 8, to save padding.
    fused_optimizer, bf16 : bool
        AdamW updates all weights in one kernel; bfloat16 where the machine has instructions for it.
    pretrained : bool
        False: the same architecture from random weights.
    probe_first : bool
        Start from a linear probe instead of a random head: fit it on the frozen features that the
        head sees, then fine-tune all (Kumar et al. 2022, https://doi.org/10.48550/arXiv.2202.10054).
    augment : bool
        Whether training images are changed as in `augmentation`, by chance, each time.
    prompt : str
        What is put before every text of a sentence pair, such as ``"query: "``.
    trained_stages : int or None
        Of an image network only so many of its last stages learn, and the layers after them.
    frozen_layers : int
        Of a text classifier so many of its first layers, and the embeddings, stay as pre-training
        left them. All of them: nothing learns but the new head.
    lora_rank : int or None
        Of a text classifier learn only the head and two narrow matrices beside each query and value
        matrix, so many columns wide (Hu et al. 2021, https://doi.org/10.48550/arXiv.2106.09685).
        They are added to the weights when training ends.
    mean_pooling : bool
        Of a text classifier, whether the new head reads the mean over all tokens instead of the
        pooler, a layer over the first one. No ordinary folder can say so, so it is for records.
    seed : int
        For the classifier's first weights, the order of the data, dropout and augmentation.
    """

    learning_rate: float = 5e-5
    epochs: int = 3
    batch_size: int = 8
    warmup: float = 0.0
    weight_decay: float = 0.0
    patience: int | None = None
    dropout: bool | float = True
    attention: str = "sdpa"
    freeze_embeddings: bool = False
    group_by_length: bool = False
    fused_optimizer: bool = True
    bf16: bool = False
    pretrained: bool = True
    probe_first: bool = False
    augment: bool = False
    prompt: str = ""
    trained_stages: int | None = None
    frozen_layers: int = 0
    lora_rank: int | None = None
    mean_pooling: bool = False
    seed: int = 0

    def __post_init__(self):
        def whole(number, least):
            return number >= least and int(number) == number

        count, maybe = "1, 2, 3, ...", "None or 1, 2, 3, ..."
        rules = {
            "learning_rate": (self.learning_rate > 0, "a number above 0"),
            "epochs": (whole(self.epochs, 1), count),
            "batch_size": (whole(self.batch_size, 1), count),
            "warmup": (0 <= self.warmup < 1, "a share from 0 to below 1"),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "patience": (self.patience is None or whole(self.patience, 1), maybe),
            "trained_stages": (self.trained_stages is None or whole(self.trained_stages, 1), maybe),
            "dropout": (0 <= self.dropout < 1 or self.dropout is True, "a share below 1, or True"),
            "frozen_layers": (whole(self.frozen_layers, 0), "0, 1, 2, ..."),
            "lora_rank": (self.lora_rank is None or whole(self.lora_rank, 1), maybe),
            "attention": (self.attention in ATTENTIONS, " or ".join(map(repr, ATTENTIONS))),
            "seed": (whole(self.seed, 0), "0, 1, 2, ..."),
        }
        for name, (holds, allowed) in rules.items():
            if not holds:
                raise ValueError(f"Recipe {name} is {getattr(self, name)!r}; allowed: {allowed}.")

    @classmethod
    def plain(cls, **changes):
        """What the transformers Trainer does when nothing is set.

        Parameters
        ----------
        **changes
            Fields to set otherwise; so in `tuned`, `images` and `pairs`.

        Returns
        -------
        Recipe
        """
        return cls(**changes)

    @classmethod
    def tuned(cls, **changes):
        """The default of the course, `plain` and `SWITCHES`: no worse a result for less computing.

        The learning rate follows the batch size by the square-root rule for Adam (Malladi et al.
        2022, https://doi.org/10.48550/arXiv.2205.10287): 5e-5 for 8 examples, 1e-4 for 32. It was
        not tuned on any case. The number of epochs is left to each run's validation part.
        """
        fields = {"learning_rate": 1e-4, "epochs": 4, "batch_size": 32, "warmup": 0.1}
        fields |= {"patience": 2, "dropout": False, "attention": "eager", "bf16": True}
        fields |= {"freeze_embeddings": True, "group_by_length": True}
        return cls(**fields | changes)

    @classmethod
    def images(cls, **changes):
        """The default of the course for images.

        Validation keeps the best of its epochs and stops none early: an image network may stay at a
        coin for the first third of a run. Its learning rate was chosen on the *validation* part of
        the X-ray case, among 3e-4, 1e-3, 3e-3 and 1e-2; `data/README.md` has the scores.
        """
        fields = {"learning_rate": 3e-3, "epochs": 10, "batch_size": 32, "warmup": 0.1}
        fields |= {"patience": 10, "dropout": False, "augment": True}
        return cls(**fields | changes)

    @classmethod
    def pairs(cls, **changes):
        """The default of the course for sentence pairs.

        As `tuned`, with a batch's other pairs as its wrong answers: 127 of them. Rate and epochs
        were chosen on the *validation* part of German-Upper Sorbian, among 120 settings;
        `data/README.md` has the scores.
        """
        fields = {"learning_rate": 2e-4, "epochs": 10, "batch_size": 128, "patience": 10}
        return cls.tuned(**fields | changes)

    def fields(self):
        fields = asdict(self)
        return {name: fields[name] for name in fields if fields[name] or name not in _LATER_FIELDS}

    def fingerprint(self):
        text = json.dumps(self.fields(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


# Each switch of `Recipe.tuned`, and the fields that turn it back. The fused optimiser is on in both
# recipes, because transformers 5 does so by itself; it is listed to be measured like the others.
SWITCHES = {
    "batches of 32": {"batch_size": 8, "learning_rate": 5e-5},
    "bf16": {"bf16": False},
    "no dropout": {"dropout": True},
    "eager attention": {"attention": "sdpa"},
    "frozen embeddings": {"freeze_embeddings": False},
    "length grouping": {"group_by_length": False},
    "fused optimiser": {"fused_optimizer": False},
    "early stopping": {"epochs": 3, "warmup": 0.0, "patience": None},
}


def data_fingerprint(case):
    """Hash over all items in order, and over how many tokens are read where that is unusual."""
    digest = hashlib.sha256()
    if case.max_tokens != Case.max_tokens:
        digest.update(json.dumps(["max_tokens", case.max_tokens]).encode())
    if sees_images(case):
        digest.update(json.dumps(["image_size", case.image_size]).encode())
    for name in ("train", "validation", "test", *case.shifts):
        part = case.part(name)
        inputs = map(vision.image_hash, part["input"]) if sees_images(case) else part["input"]
        columns = [part["item_id"], inputs, part["label"], part["group"]]
        if case.task == "retrieval":
            columns.append(part["translation"])
        for row in zip(*columns, strict=True):
            digest.update(json.dumps([name, *row], ensure_ascii=False).encode())
    return digest.hexdigest()[:16]


def _data_section(case):
    # Training does not even count the test part; its size stands with the scores.
    train, validation = (
        f"{len(part):,} items in {len(set(part['group'])):,} groups"
        for part in (case.train, case.validation)
    )
    return (
        f"{case.title}: trained on {train}; {validation} chose the epoch. The groups are "
        f"{case.group_name}, and none stands in two parts.\n\n{case.card.strip()}"
    )


class TrainingInterrupted(KeyboardInterrupt):
    """Training was stopped by hand; calling `fine_tune` again goes on from the last checkpoint."""


def fine_tune(case, recipe=None, callbacks=(), progress=True):
    """Fine-tune a case's generalist on its training part.

    Every epoch ends with a look at the validation part and a checkpoint. A run that was stopped
    or killed goes on from its last checkpoint when the same call is made again, and ends with the
    same weights. The test part is not touched.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    recipe : Recipe, optional
        When absent, as `default_recipe`.
    callbacks : sequence of transformers.TrainerCallback
        Such as `ftlearn.plots.live_curves`.
    progress : bool
        Whether to show how far training is.

    Returns
    -------
    Specialist or, of sentence pairs, PairSpecialist

    Raises
    ------
    TrainingInterrupted
        When stopped by hand.
    """
    recipe = recipe or default_recipe(case)
    torch_setup.release_memory()
    try:
        with _run_folder(case, recipe) as folder:
            return _fine_tuned(case, recipe, callbacks, progress, folder)
    finally:
        torch_setup.release_memory()  # the optimiser, and what the steps have left


def _fine_tuned(case, recipe, callbacks, progress, folder):
    began = time.perf_counter()
    arguments = _training_arguments(case, recipe, folder)
    trainer = _trainer(case, recipe, arguments, callbacks=[_Clock()])
    probe_seconds = time.perf_counter() - began if recipe.probe_first else 0.0
    if recipe.patience is not None:
        trainer.add_callback(transformers.EarlyStoppingCallback(recipe.patience))
    for callback in (*callbacks, *([_Progress(recipe, case.metric)] if progress else [])):
        trainer.add_callback(callback)
    checkpoint = _last_checkpoint(folder)
    if checkpoint and (epochs := _epochs_when_stopped(checkpoint)):
        trainer.args.num_train_epochs = epochs
    try:
        with _surroundings(case):
            trainer.train(resume_from_checkpoint=checkpoint)
    except KeyboardInterrupt:
        raise TrainingInterrupted(
            f"Training was stopped after {int(trainer.state.epoch or 0)} of {recipe.epochs} "
            "epochs. Nothing is lost: make the same call again to go on from there."
        ) from None
    specialist = _specialist(case, recipe, trainer)
    clock = _clock_of(trainer)
    specialist.seconds = clock.seconds + probe_seconds
    examples = trainer.state.epoch * len(case.train)
    specialist.examples_per_second = examples / max(clock.step_seconds, 1e-9)
    specialist.peak_memory_mb = clock.peak_memory_mb
    return specialist


@contextlib.contextmanager
def _surroundings(case):
    """Quiet; for batches of many pairs also with memory that does not fall to pieces."""
    pairs = case.task == "retrieval"
    apart = torch_setup.large_blocks_apart if pairs else contextlib.nullcontext
    with quiet_transformers(), apart():
        yield


def default_recipe(case):
    """The recipe that `fine_tune` takes when none is given; at quick pace of a single epoch."""
    if case.task == "retrieval":
        default = Recipe.pairs
    else:
        default = Recipe.images if sees_images(case) else Recipe.tuned
    return default(epochs=1) if case.pace == "quick" else default()


def plain_model(model):
    """A trained model without what training has put around it."""
    if vars(model).pop("_original_forward", None) is not None:
        del model.forward  # accelerate's, for bf16
    # What low-rank matrices have learned is added to the weights.
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def _specialist(case, recipe, trainer):
    model = plain_model(trainer.model)
    if sees_images(case):
        vision.unfreeze(model)
    if case.task == "retrieval":
        specialist = PairSpecialist(model, recipe)
    else:
        specialist = Specialist(model, trainer.processing_class, case.label_names, recipe)
    specialist.generalist = case.generalist_label
    specialist.title = case.title
    specialist.data = _data_section(case)
    specialist.history = history_rows(trainer.state.log_history)
    return specialist


def history_rows(log_history):
    rows, train_loss = [], float("nan")
    for entry in log_history:
        train_loss = entry.get("loss", train_loss)
        if "eval_loss" in entry:
            rows.append(
                {
                    "step": entry["step"],
                    "epoch": entry["epoch"],
                    "train_loss": train_loss,
                    "validation_loss": entry["eval_loss"],
                    "validation_score": entry.get("eval_score", float("nan")),
                }
            )
    return rows


def tokenize(part, tokenizer):
    from datasets import Dataset

    encoded = tokenizer(list(part["input"]), truncation=True)
    return Dataset.from_dict(
        {
            "input_ids": encoded["input_ids"],
            "attention_mask": encoded["attention_mask"],
            "labels": list(part["label"]),
            "length": [len(ids) for ids in encoded["input_ids"]],
        }
    )


def build_model(case, recipe):
    if sees_images(case):
        for name in _FOR_TEXTS:
            if getattr(recipe, name):
                raise ValueError(f"Recipe {name} is for texts; leave it out for images.")
        model = vision.classifier(case, recipe)
    else:
        model = _text_classifier(case, recipe)
    if recipe.probe_first:
        start_from_probe(model, case)
    return _with_adapters(model, recipe) if recipe.lora_rank else model


def _text_classifier(case, recipe):
    if recipe.augment:
        raise ValueError("Recipe augment is for images; leave it off for texts.")
    if recipe.trained_stages is not None:
        raise ValueError("Recipe trained_stages is for images; leave it out for texts.")
    folder = model_folder(case)
    config = transformers.AutoConfig.from_pretrained(
        folder,
        num_labels=len(case.label_names),
        id2label=dict(enumerate(case.label_names)),
        label2id={name: i for i, name in enumerate(case.label_names)},
    )
    if recipe.dropout is not True:
        for key, value in config.to_dict().items():
            if "dropout" in key and isinstance(value, float):
                setattr(config, key, float(recipe.dropout))
    automodel = transformers.AutoModelForSequenceClassification
    if recipe.mean_pooling:
        automodel = MeanPooledClassifier
    transformers.set_seed(recipe.seed)
    with quiet_transformers():
        if recipe.pretrained:
            options = {"config": config, "attn_implementation": recipe.attention}
            model = automodel.from_pretrained(folder, **options)
        else:
            model = automodel.from_config(config, attn_implementation=recipe.attention)
    model.base_model.embeddings.requires_grad_(not recipe.freeze_embeddings)
    if recipe.frozen_layers:
        _freeze_layers(model.base_model, recipe.frozen_layers)
    return model


class MeanPooledClassifier(transformers.BertPreTrainedModel):
    """A BERT whose head reads the mean over all tokens' last hidden states."""

    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = transformers.BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(config.hidden_dropout_prob)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, attention_mask, labels=None, **inputs):
        hidden = self.bert(input_ids, attention_mask, **inputs).last_hidden_state
        mask = attention_mask.unsqueeze(-1)
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        logits = self.classifier(self.dropout(mean))
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return transformers.modeling_outputs.SequenceClassifierOutput(loss=loss, logits=logits)


def _freeze_layers(encoder, frozen):
    """Freeze the embeddings and the first layers; all layers: the whole encoder."""
    layers = encoder.config.num_hidden_layers
    if frozen > layers:
        raise ValueError(
            f"Recipe frozen_layers is {frozen}; the model has {layers} layers. Name 0 to {layers}."
        )
    if frozen == layers:
        encoder.requires_grad_(False)
        return
    encoder.embeddings.requires_grad_(False)
    for name, layer in encoder.named_modules():  # such as encoder.layer.3, transformer.layer.3
        if name.rpartition(".")[0].endswith("layer") and int(name.rpartition(".")[2]) < frozen:
            layer.requires_grad_(False)


def _with_adapters(model, recipe):
    import peft

    layers = range(recipe.frozen_layers, model.config.num_hidden_layers)
    if not layers:
        return model  # nothing but the head learns
    config = peft.LoraConfig(
        task_type=peft.TaskType.SEQ_CLS,
        r=recipe.lora_rank,
        lora_alpha=2 * recipe.lora_rank,
        layers_to_transform=list(layers),
    )
    with warnings.catch_warnings():
        # peft asks transformers for an attribute by the name it had before.
        warnings.filterwarnings("ignore", category=FutureWarning)
        return peft.get_peft_model(model, config)


def layers(case):
    return transformers.AutoConfig.from_pretrained(model_folder(case)).num_hidden_layers


def trained_parameters(model):
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def start_from_probe(model, case):
    """Give a model the head of a linear probe: logistic regression on what its head sees."""
    head = classifier_head(model)
    processor = processor_of(case)
    train, validation = (
        head_inputs(model, processor, list(part["input"])) for part in (case.train, case.validation)
    )
    probe = linear_probe_of_features(case, train, validation)
    weight, bias = probe.coef_, probe.intercept_
    if len(case.label_names) == 2:  # scikit-learn keeps one row for two classes
        weight, bias = (np.concatenate([-half, half]) for half in (weight / 2, bias / 2))
    with torch.no_grad():
        head.weight.copy_(torch.tensor(weight))
        head.bias.copy_(torch.tensor(bias))


def averaged(case, specialist, share):
    """A specialist with the average of the weights before and after fine-tuning.

    Wortsman et al. 2022 (WiSE-FT, https://doi.org/10.48550/arXiv.2109.01903). `share` is that of
    the weights after, from 0 to 1. It makes sense where training started from a probe: a random
    head has nothing to keep.
    """
    model = build_model(case, specialist.recipe)
    after = specialist.model.state_dict()
    with torch.no_grad():
        for name, weight in model.state_dict().items():
            if weight.is_floating_point():
                weight.lerp_(after[name].to(weight), share)
    mixed = Specialist(model, specialist.processor, specialist.label_names, specialist.recipe)
    mixed.name = f"specialist_average_{100 * share:.0f}"
    for name in ("generalist", "title", "data", "history", "seconds"):
        setattr(mixed, name, getattr(specialist, name))
    return mixed


def processor_of(case):
    if sees_images(case):
        return vision.processor(case.generalist, case.image_size)
    # The limit travels with the tokenizer, also into the folder of a saved specialist.
    return transformers.AutoTokenizer.from_pretrained(
        model_folder(case), model_max_length=case.max_tokens
    )


def _trainer(case, recipe, arguments, train=None, model=None, **options):
    """The Trainer of a run: that of sentence-transformers for sentence pairs."""
    train = case.train if train is None else train
    if case.task == "retrieval":
        trainer = _pair_trainer(case, recipe, arguments, train, **options)
    else:
        processor = processor_of(case)
        trainer = transformers.Trainer(
            model=model or build_model(case, recipe),
            args=arguments,
            train_dataset=_examples(train, processor, recipe.augment),
            eval_dataset=_examples(case.validation, processor),
            processing_class=processor,
            data_collator=_collator(recipe, processor),
            compute_metrics=_validation_metric(case.metric),
            **options,
        )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _pair_trainer(case, recipe, arguments, train, **options):
    from sentence_transformers import SentenceTransformerTrainer

    model = build_encoder(case, recipe)
    # The trainer would draw examples for a model card of its own, with a progress bar.
    model.model_card_data.widget = [{"text": case.title}]
    return SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=sentence_pairs(train, recipe.prompt),
        eval_dataset=sentence_pairs(case.validation, recipe.prompt),
        loss=pair_loss(model),
        evaluator=_pair_evaluator(case, recipe),
        **options,
    )


def watched_trainer(case, recipe, folder, optimizers=(None, None), model=None):
    """The Trainer of a run that is watched: it notes every step and saves nothing."""
    arguments = _training_arguments(case, replace(recipe, patience=None), folder)
    arguments.save_strategy, arguments.logging_strategy = "no", "steps"
    arguments.logging_steps, arguments.logging_nan_inf_filter = 1, False
    return _trainer(case, recipe, arguments, model=model, optimizers=optimizers)


def pair_loss(model):
    """The loss for sentence pairs: of a batch's texts, which is the translation? Both ways.

    Multiple-negatives ranking (Henderson et al. 2017, https://doi.org/10.48550/arXiv.1705.00652).

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer

    Returns
    -------
    torch.nn.Module
    """
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    both_ways = ("query_to_doc", "doc_to_query")
    return MultipleNegativesRankingLoss(model, directions=both_ways, partition_mode="per_direction")


def _pair_evaluator(case, recipe):
    from sentence_transformers.base.evaluation import BaseEvaluator

    class ValidationScore(BaseEvaluator):
        def __call__(self, model, output_path=None, epoch=-1, steps=-1):
            encoder = multilingual.SentenceEncoder(case.generalist, model, recipe.prompt)
            return {"score": validation_score(case, encoder)}

    return ValidationScore()


def similar_lengths(dataset, batch_size, drop_last, generator, seed, **_):
    """A batch sampler for sentence pairs: texts of similar length together, none twice in a batch.

    Eight batches' worth of pairs, drawn by chance, are sorted by length and cut; so little is
    computed on padding. A pair with a text that is in its batch already, where it would be a wrong
    answer to itself, sits the epoch out. The order follows from the seed and the epoch's number.
    """
    from sentence_transformers.base.sampler import DefaultBatchSampler

    pairs = list(zip(dataset["anchor"], dataset["positive"], strict=True))
    lengths = np.array([max(map(len, pair)) for pair in pairs])

    class SimilarLengths(DefaultBatchSampler):
        def __iter__(self):
            self.generator.manual_seed(self.seed + self.epoch)
            order = torch.randperm(len(pairs), generator=self.generator).numpy()
            batches = [
                part[at : at + batch_size]
                for begin in range(0, len(order), 8 * batch_size)
                for part in [sorted(order[begin : begin + 8 * batch_size], key=lengths.__getitem__)]
                for at in range(0, len(part), batch_size)
            ]
            for number in torch.randperm(len(batches), generator=self.generator).tolist():
                yield _without_repeats(batches[number], pairs)

        def __len__(self):
            return -(-len(pairs) // batch_size)

    return SimilarLengths(dataset, batch_size, drop_last, generator=generator, seed=seed)


def _without_repeats(batch, pairs):
    kept, seen = [], set()
    for number in batch:
        if seen.isdisjoint(pairs[number]):
            kept.append(int(number))
            seen.update(pairs[number])
    return kept


def sentence_pairs(part, prompt=""):
    """A part of a retrieval case as sentence-transformers takes it.

    Parameters
    ----------
    part : datasets.Dataset
    prompt : str
        Put before every text.

    Returns
    -------
    datasets.Dataset
        ``anchor``, ``positive``.
    """
    from datasets import Dataset

    columns = {"anchor": "input", "positive": "translation"}
    return Dataset.from_dict(
        {new: [prompt + text for text in part[old]] for new, old in columns.items()}
    )


def build_encoder(case, recipe):
    for name in ("augment", "probe_first", "trained_stages", *_FOR_TEXTS):
        if getattr(recipe, name):
            raise ValueError(f"Recipe {name} is not for sentence pairs; leave it off.")
    if not recipe.pretrained:
        raise ValueError("Recipe pretrained=False is not for sentence pairs; leave it on.")
    transformers.set_seed(recipe.seed)
    model = multilingual.load_model(
        multilingual.case_folder(case), case.max_tokens, attn_implementation=recipe.attention
    )
    model.prompts, model.default_prompt_name = {"text": recipe.prompt}, "text"
    encoder = model[0].auto_model
    if not recipe.dropout:
        for module in encoder.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    encoder.embeddings.requires_grad_(not recipe.freeze_embeddings)
    # What a layer would keep for the backward pass is computed again. It changes no number and
    # lets 128 pairs stand in a batch; benchmarks/RESULTS.md has what it costs.
    encoder.activation_checkpointing_enable(every_n_layers=1)
    return model


def _examples(part, processor, augment=False):
    if isinstance(processor, transformers.ImageProcessingMixin):
        return ImageExamples(part, augment)
    return tokenize(part, processor)


class ImageExamples(torch.utils.data.Dataset):
    """Images with their labels, decoded, and where augmented changed, when they are asked for."""

    def __init__(self, part, augment=False):
        self._part = part
        self._change = augmentation() if augment else None

    def __len__(self):
        return len(self._part)

    def __getitem__(self, index):
        row = self._part[int(index)]
        image = vision.as_rgb(row["input"])
        return {"image": self._change(image) if self._change else image, "label": row["label"]}


def augmentation():
    """What may happen to a training image: mirrored, turned by 5°, shifted, scaled by 5 %.

    Returns
    -------
    torchvision.transforms.Compose
        From a PIL image to a PIL image; it draws from PyTorch's own random numbers.
    """
    from torchvision import transforms

    return transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(
                degrees=5,
                translate=(0.05, 0.05),
                scale=(0.95, 1.05),
                interpolation=transforms.InterpolationMode.BILINEAR,
            ),
        ]
    )


def _collator(recipe, processor):
    if isinstance(processor, transformers.ImageProcessingMixin):

        def collate(rows):
            pixels = vision.pixel_batch(processor, [row["image"] for row in rows])
            labels = torch.tensor([row["label"] for row in rows])
            return {"pixel_values": pixels, "labels": labels}

        return collate
    multiple = 8 if recipe.group_by_length else None
    return transformers.DataCollatorWithPadding(processor, pad_to_multiple_of=multiple)


def _training_arguments(case, recipe, folder):
    kind, more, group = transformers.TrainingArguments, {}, recipe.group_by_length
    if case.task == "retrieval":
        from sentence_transformers import SentenceTransformerTrainingArguments as kind

        more, group = {"batch_sampler": similar_lengths if group else "no_duplicates"}, False
    return kind(
        **more,
        output_dir=str(folder),
        learning_rate=recipe.learning_rate,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=64,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        optim="adamw_torch_fused" if recipe.fused_optimizer else "adamw_torch",
        use_cpu=torch_setup.device() == "cpu",
        bf16=recipe.bf16 and torch_setup.supports_bf16(),
        train_sampling_strategy="group_by_length" if group else "random",
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=recipe.patience is not None,
        metric_for_best_model="score",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        dataloader_pin_memory=torch_setup.device() == "cuda",
        seed=recipe.seed,
        remove_unused_columns=not sees_images(case),
        disable_tqdm=True,
        report_to="none",
    )


def _validation_metric(metric):
    def compute(prediction):
        guesses = prediction.predictions.argmax(axis=1)
        return {"score": choice_score(metric, prediction.label_ids, guesses)}

    return compute


@contextlib.contextmanager
def _run_folder(case, recipe):
    """The run's own folder, the same for the same run; removed when the run is complete.

    Where another process is at the same run, a temporary folder takes its place.
    """
    identity = json.dumps(
        [PROCEDURE, recipe.fingerprint(), data_fingerprint(case), case.generalist, case.track]
        + [torch.__version__, transformers.__version__, torch_setup.device()]
    )
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    folder = files.make_folder(settings.own_cache() / "runs" / f"{case.name}-{key}")
    try:
        lock = files.locked(folder.with_suffix(".lock"), timeout=0)
    except filelock.Timeout:
        with tempfile.TemporaryDirectory(prefix=folder.name, dir=folder.parent) as own:
            yield Path(own)
        return
    with lock:
        yield folder
        # First what makes a checkpoint complete: a removal that is cut short leaves none.
        for state in folder.glob("checkpoint-*/trainer_state.json"):
            state.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _last_checkpoint(folder):
    """Newest complete checkpoint, or None. The Trainer writes trainer_state.json last."""
    complete = []
    for state in folder.glob("checkpoint-*/trainer_state.json"):
        with contextlib.suppress(ValueError, KeyError, OSError):
            complete.append((json.loads(state.read_text())["global_step"], str(state.parent)))
    return max(complete)[1] if complete else None


def _epochs_when_stopped(checkpoint):
    """Epochs of a run that was killed after its last one, or None where there is more to do.

    The Trainer itself forgets that it had stopped early, and would train on.
    """
    state = json.loads((Path(checkpoint) / "trainer_state.json").read_text())
    control = state["stateful_callbacks"].get("TrainerControl", {"args": {}})
    return round(state["epoch"]) if control["args"].get("should_training_stop") else None


def _clock_of(trainer):
    # A resumed Trainer builds its callbacks anew from the checkpoint, so ask it.
    return next(c for c in trainer.callback_handler.callbacks if isinstance(c, _Clock))


class _Clock(transformers.TrainerCallback, ExportableState):
    """Time and memory of a run; its state travels with the checkpoints."""

    def __init__(self, seconds=0.0, step_seconds=0.0, peak_memory_mb=0.0):
        self.seconds = seconds
        self.step_seconds = step_seconds
        self.peak_memory_mb = peak_memory_mb
        self._before = seconds
        self._began = self._step_began = time.perf_counter()

    def state(self):
        names = ("seconds", "step_seconds", "peak_memory_mb")
        return {"args": {name: getattr(self, name) for name in names}, "attributes": {}}

    def on_train_begin(self, args, state, control, **kwargs):
        self._began = time.perf_counter()

    def on_step_begin(self, args, state, control, **kwargs):
        self._step_began = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        self.step_seconds += time.perf_counter() - self._step_began
        self._tick()

    def on_evaluate(self, args, state, control, **kwargs):
        self._tick()
        torch_setup.release_memory()

    def on_train_end(self, args, state, control, **kwargs):
        self._tick()

    def _tick(self):
        self.seconds = self._before + time.perf_counter() - self._began
        self.peak_memory_mb = max(self.peak_memory_mb, psutil.Process().memory_info().rss / 1e6)


class _Progress(transformers.TrainerCallback):
    """One line that says how far training is, rewritten in place at most twice a second.

    It is shown in a notebook and in a terminal, and nowhere else.
    """

    def __init__(self, recipe, metric):
        self._recipe = recipe
        self._metric = metric.replace("_", " ")
        self._best, self._score = 0.0, ""
        self._shown_at, self._handle = 0.0, None
        shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
        self._in_notebook = bool(shell) and hasattr(shell, "kernel")

    def on_train_begin(self, args, state, control, **kwargs):
        self._began = time.perf_counter()
        self._first_step = state.global_step
        if self._first_step:
            self._show(f"Going on from epoch {state.epoch:.0f} of an earlier run.", True)

    def on_step_end(self, args, state, control, **kwargs):
        spent = time.perf_counter() - self._began
        done = state.global_step - self._first_step
        left = spent / done * (state.max_steps - state.global_step)
        self._show(
            f"Epoch {state.epoch:.1f} of {self._recipe.epochs} · step {state.global_step} of "
            f"{state.max_steps} · {spent:.0f} s, about {left:.0f} s more{self._score}"
        )

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        self._best = max(self._best, metrics["eval_score"])
        self._score = f" · validation {self._metric} {metrics['eval_score']:.3f}"

    def on_train_end(self, args, state, control, **kwargs):
        spent = time.perf_counter() - self._began
        chosen = self._recipe.patience is not None and self._best
        kept = f" · kept: the epoch with {self._best:.3f}" if chosen else ""
        self._show(
            f"Trained {state.epoch:.0f} of {self._recipe.epochs} epochs in {spent:.0f} s"
            f"{self._score}{kept}",
            True,
        )
        if not self._in_notebook and sys.stderr.isatty():
            print(file=sys.stderr)

    def _show(self, text, at_once=False):
        now = time.perf_counter()
        if not at_once and now - self._shown_at < 0.5:
            return
        self._shown_at = now
        if not self._in_notebook:
            if sys.stderr.isatty():
                print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif self._handle is None:
            from IPython.display import display

            self._handle = display({"text/plain": text}, raw=True, display_id=True)
        else:
            self._handle.update({"text/plain": text}, raw=True)


@dataclass(frozen=True)
class Estimate:
    seconds: float
    steps: int
    examples_per_second: float

    def __str__(self):
        return (
            f"at most about {self.seconds:.0f} s for {self.steps} steps "
            f"({self.examples_per_second:.0f} examples a second on this machine)"
        )


def estimate(case, recipe=None, trial_steps=8):
    """Estimate how long `fine_tune` will take, from a few real steps on a throw-away model.

    Parameters
    ----------
    case, recipe
        As in `fine_tune`.
    trial_steps : int
        Timed steps, after as many that are not timed; of a short run at most a quarter, but 2.

    Returns
    -------
    Estimate
        ``seconds``, ``steps``, ``examples_per_second``.
    """
    recipe = recipe or default_recipe(case)
    steps = -(-len(case.train) // recipe.batch_size) * recipe.epochs
    rate = examples_per_second(case, recipe, min(trial_steps, max(2, steps // 4)))
    # Looking at the validation part costs about a third of training on it.
    examples = recipe.epochs * (len(case.train) + len(case.validation) / 3)
    return Estimate(seconds=examples / rate, steps=steps, examples_per_second=rate)


def examples_per_second(case, recipe, steps):
    """Training speed over so many steps of the Trainer, on a throw-away model.

    The same examples are seen twice and timed the second time: a shape's first step compiles.
    """
    chosen = np.random.default_rng(0).permutation(len(case.train))
    few = case.train.select(chosen[: steps * recipe.batch_size])
    twice, clock = replace(recipe, epochs=2, patience=None, probe_first=False), _EpochTime()
    with tempfile.TemporaryDirectory() as folder:
        arguments = _training_arguments(case, twice, folder)
        arguments.eval_strategy = arguments.save_strategy = arguments.logging_strategy = "no"
        trainer = _trainer(case, twice, arguments, few, callbacks=[clock])
        with _surroundings(case):
            trainer.train()
    del trainer
    torch_setup.release_memory()
    return len(few) / clock.seconds


class _EpochTime(transformers.TrainerCallback):
    """Seconds of the last epoch, with the reading of the examples."""

    def on_epoch_begin(self, args, state, control, **kwargs):
        self._began = time.perf_counter()

    def on_epoch_end(self, args, state, control, **kwargs):
        self.seconds = time.perf_counter() - self._began
