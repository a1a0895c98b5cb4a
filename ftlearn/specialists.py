"""Fine-tuned models: what they answer, and the ordinary folder they are saved as."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import transformers

from . import files
from .errors import OneSentence
from .models import vision
from .models.multilingual import SentenceEncoder
from .models.text import batches_by_length, embedded, quiet_transformers


class FolderInUse(OneSentence, FileExistsError):
    """A folder to save into already holds files; the message says what to do."""


class FineTuned:
    """What every fine-tuned model carries."""

    def __init__(self, model, recipe):
        self.name = "specialist"
        self.model = model.eval()
        self.recipe = recipe
        self.seed = recipe.seed
        self.generalist = ""
        self.title = ""
        self.data = ""
        self.scores = {}
        self.verdicts = []
        self.history = []
        self.seconds = 0.0
        self.examples_per_second = 0.0
        self.peak_memory_mb = 0.0

    def _card(self, template, **more):
        """Its model card: data, split, recipe, limits, and scores where there are any."""
        judged = [str(verdict.wording) for verdict in self.verdicts]
        scores = [f"{name}: {score}" for name, score in self.scores.items()]
        return template.format(
            title=self.title or "A specialist",
            generalist=self.generalist,
            scores=_bullets([*scores, *judged]) or _NOT_JUDGED,
            best=max(row["validation_score"] for row in self.history),
            data=self.data or "Not described.",
            recipe=_bullets(f"{key}: {value}" for key, value in asdict(self.recipe).items()),
            **more,
        )


class Specialist(FineTuned):
    """A fine-tuned classifier; model and processor are ordinary transformers objects."""

    def __init__(self, model, processor, label_names, recipe):
        super().__init__(model, recipe)
        self.processor = processor
        self.label_names = list(label_names)

    @property
    def tokenizer(self):
        return self.processor

    @property
    def sees_images(self):
        return isinstance(self.processor, transformers.ImageProcessingMixin)

    def predict(self, inputs, batch_size=64):
        """Class probabilities, computed in float32.

        Parameters
        ----------
        inputs : sequence of str or PIL.Image.Image

        Returns
        -------
        numpy.ndarray
            float32, one row an input; rows sum to 1.
        """
        inputs = list(inputs)
        rows = np.zeros((len(inputs), len(self.label_names)), dtype=np.float32)
        with torch.inference_mode():
            for batch, encoded in model_inputs(self.processor, inputs, batch_size):
                logits = self.model(**encoded.to(self.model.device)).logits.float()
                rows[batch] = torch.softmax(logits, dim=1).cpu().numpy()
        return rows

    def embed(self, inputs, batch_size=64):
        inputs = list(inputs)
        if self.sees_images:
            return head_inputs(self.model, self.processor, inputs)
        return embedded(self.model.base_model, self.processor, inputs, batch_size)

    def save(self, folder):
        """Write an ordinary folder with safetensors and a model card (``README.md``).

        Parameters
        ----------
        folder : str or pathlib.Path
            Made when absent.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        FileExistsError
            When the folder already holds files: nothing is overwritten.
        ValueError
            When its head reads the mean of all tokens, which no ordinary folder can say.
        """
        if self.recipe.mean_pooling:
            raise ValueError(
                "Recipe mean_pooling is True: transformers would load the folder with another head "
                "and answer something else. Train again without mean_pooling to save a specialist."
            )
        folder = new_folder(folder)
        with quiet_transformers():
            self.model.save_pretrained(folder)
        if not self.sees_images:  # an image model's configuration says how images are read
            self.processor.save_pretrained(folder)
        (folder / "README.md").write_text(self._classifier_card(), encoding="utf-8")
        return folder

    def _classifier_card(self):
        if self.sees_images:
            task, inputs = "image-classification", "images"
            size = self.model.config.pretrained_cfg["input_size"][-1]
            usage = _USAGE["images"].format(size=size)
        else:
            task, inputs = "text-classification", "texts"
            usage = _USAGE["texts"].format(max_tokens=self.processor.model_max_length)
        labels = _bullets(self.label_names)
        more = {"labels": labels, "n_labels": len(self.label_names), "usage": usage}
        return self._card(_CARD, task=task, inputs=inputs, **more)


class PairSpecialist(FineTuned):
    """A fine-tuned sentence encoder; its model puts the recipe's prompt before texts by itself."""

    def __init__(self, model, recipe):
        super().__init__(model, recipe)
        self._encoder = SentenceEncoder(self.name, self.model, recipe.prompt)

    @property
    def tokenizer(self):
        return self.model.tokenizer

    def embed(self, texts, side="query", batch_size=64):
        return self._encoder.embed(texts, side, batch_size)

    def save(self, folder):
        folder = new_folder(folder)
        with quiet_transformers():
            self.model.save_pretrained(str(folder), create_model_card=False)
        card = self._card(_PAIR_CARD, max_tokens=self.model.max_seq_length)
        (folder / "README.md").write_text(card, encoding="utf-8")
        return folder


def new_folder(folder):
    """The folder (``~`` is the home folder), refused where it holds files already or is a file."""
    folder = Path(folder).expanduser()
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise FolderInUse(
            f"folder {str(folder)!r} already holds files, and nothing is overwritten; "
            "name a new or an empty folder."
        )
    return folder


_CARD = files.packaged("templates/classifier_card.md")
_USAGE = {kind: files.packaged(f"templates/use_{kind}.md") for kind in ("texts", "images")}
_PAIR_CARD = files.packaged("templates/pair_card.md")
_NOT_JUDGED = "Not judged on a test part yet: compare it with a baseline before you rely on it."


def _bullets(lines):
    return "\n".join(f"- {line}" for line in lines)


def classifier_head(model):
    return vision.head(model) if hasattr(model, "timm_model") else model.classifier


def head_inputs(model, processor, inputs):
    """What a classifier's last layer is given for every input."""
    head, seen = classifier_head(model), []
    rows = np.zeros((len(inputs), head.in_features), dtype=np.float32)
    hook = head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    was_training = model.training
    model.eval()
    try:
        for batch, encoded in model_inputs(processor, inputs, 64):
            with torch.inference_mode():
                model(**encoded.to(model.device))
            rows[batch] = seen.pop().float().cpu().numpy()
    finally:
        hook.remove()
        model.train(was_training)
    return rows


def model_inputs(processor, inputs, batch_size):
    """Batches of what a model takes: the indices of the inputs, and their tensors.

    Texts of similar length are together.
    """
    if isinstance(processor, transformers.ImageProcessingMixin):
        for start in range(0, len(inputs), batch_size):
            chosen = inputs[start : start + batch_size]
            pixels = vision.pixel_batch(processor, chosen)
            batch = np.arange(start, start + len(chosen))
            yield batch, transformers.BatchFeature({"pixel_values": pixels})
        return
    for batch in batches_by_length([len(text) for text in inputs], batch_size):
        chosen = [inputs[i] for i in batch]
        yield batch, processor(chosen, padding=True, truncation=True, return_tensors="pt")
