"""What a prediction rests on: words by integrated gradients, places in images by Grad-CAM."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import torch

from . import torch_setup
from .baselines import Probe
from .models import vision
from .training import Specialist

STEPS = 24  # the values then add up to within 1 % of what they share out, measured on films


# A piece of a text and how much it speaks for the predicted class; None where it was not read.
Span = namedtuple("Span", "text value")


@dataclass(frozen=True)
class Attribution:
    """A text cut into pieces, each with its share of a prediction."""

    spans: list
    target: int
    log_odds: float
    blank_log_odds: float
    cut: bool
    unknown: list


def can_attribute(system):
    """Whether `token_attributions` can look into a system."""
    return _is_open(system, sees_images=False)


def can_explain_image(system):
    """Whether `grad_cam` can look into a system."""
    return _is_open(system, sees_images=True)


def _is_open(system, sees_images):
    """Whether a system is a specialist or a linear probe, of the wanted kind."""
    if isinstance(system, Specialist):
        return system.sees_images == sees_images
    is_probe = isinstance(system, Probe) and hasattr(system.classifier, "coef_")
    return is_probe and hasattr(system.generalist, "processor" if sees_images else "tokenizer")


def token_attributions(system, text, target=None, steps=STEPS):
    """Share out a prediction among the words of a text by integrated gradients.

    The gradient of the predicted class's log-odds is averaged on the way from a blank text (every
    piece replaced by padding) to the text, and multiplied by the way (Sundararajan, Taly & Yan
    2017, https://doi.org/10.48550/arXiv.1703.01365; captum's implementation).
    """
    if not can_attribute(system):
        raise ValueError(
            f"system {getattr(system, 'name', system)!r} has no tokens to look at; allowed: a "
            "specialist, or a linear probe on frozen embeddings."
        )
    from captum.attr import LayerIntegratedGradients

    source = system if isinstance(system, Specialist) else system.generalist
    encoded = source.tokenizer(
        text, truncation=True, return_offsets_mapping=True, return_tensors="pt"
    )
    offsets = encoded.pop("offset_mapping")[0].tolist()
    is_special = [begin == end for begin, end in offsets]
    if all(is_special):
        raise ValueError("the text has nothing to read; give at least one word.")
    device = source.model.device
    ids, mask = (encoded[key].to(device) for key in ("input_ids", "attention_mask"))
    special = torch.tensor(is_special, device=device)
    blank = torch.where(special, ids, source.tokenizer.pad_token_id)
    score, layer = _log_odds_of(system)
    with torch.no_grad():
        found = score(ids, mask)
        target = int(found.argmax(dim=1)) if target is None else int(target)
        before = score(blank, mask)
    explainer = LayerIntegratedGradients(lambda *given: score(*given)[:, target], layer)
    values = explainer.attribute(
        ids, baselines=blank, additional_forward_args=(mask,), n_steps=steps, internal_batch_size=16
    )
    values = values.detach().sum(dim=2)[0].cpu().numpy()
    unknown = [
        text[begin:end]
        for number, (begin, end) in zip(ids[0].tolist(), offsets, strict=True)
        if number == source.tokenizer.unk_token_id and begin < end
    ]
    spans = _by_word(text, offsets, values)
    return Attribution(
        spans=spans,
        target=target,
        log_odds=float(found[0, target]),
        blank_log_odds=float(before[0, target]),
        cut=spans[-1].value is None and bool(spans[-1].text.strip()),
        unknown=list(dict.fromkeys(unknown)),
    )


def _log_odds_of(system):
    """(function from ids and mask to log-odds of every class, layer of the word embeddings)."""
    if isinstance(system, Specialist):
        model = system.model

        def logits(ids, mask):
            return model(input_ids=ids, attention_mask=mask).logits.float()

    else:
        model = system.generalist.model
        head = _linear_head(system.classifier, model.device)

        def logits(ids, mask):
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            seen = mask.unsqueeze(-1)
            mean = (hidden * seen).sum(dim=1) / seen.sum(dim=1)
            return head(torch.nn.functional.normalize(mean, dim=1))

    def log_odds(ids, mask):
        scores = logits(ids, mask.expand(len(ids), -1))
        each = torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
        others = scores.unsqueeze(1).masked_fill(each, -torch.inf).logsumexp(dim=2)
        return scores - others

    return log_odds, model.get_input_embeddings()


def _linear_head(classifier, device):
    """A function from features to a score a class, as a linear probe's classifier gives it."""
    weight, bias = (torch.tensor(x).float() for x in (classifier.coef_, classifier.intercept_))
    if len(weight) == 1:  # scikit-learn keeps one row for two classes
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    weight, bias = weight.to(device), bias.to(device)
    return lambda features: features @ weight.T + bias


def _by_word(text, offsets, values):
    """Join the pieces of each word; what is behind the last piece was not read."""
    spans, begin, total = [], 0, 0.0
    read = [(b, e, v) for (b, e), v in zip(offsets, values, strict=True) if b < e]
    for number, (_, end, value) in enumerate(read):
        total += float(value)
        following = read[number + 1][0] if number + 1 < len(read) else None
        if following is None or following > end:  # a gap: the word ends here
            spans.append(Span(text[begin:end], total))
            begin, total = end, 0.0
    if begin < len(text):
        spans.append(Span(text[begin:], None))
    return spans


def strongest(attribution):
    """The three words that speak most for the predicted class."""
    spans = [span for span in attribution.spans if span.value is not None and span.value > 0]
    ranked = sorted(spans, key=lambda span: -span.value)
    return [span.text.strip() for span in ranked[:3]]


def scaled(spans):
    """Values of spans from -1 to 1, for colours."""
    values = np.array([span.value or 0.0 for span in spans])
    largest = np.abs(values).max() if len(values) else 0.0
    return list(values / largest) if largest > 0 else [0.0] * len(values)


# --- images -----------------------------------------------------------------------------------

# Stages of EfficientNet-Lite0 that Grad-CAM can look at, and their places in an image of 96 pixels:
# 12 x 12, 6 x 6, 6 x 6, 3 x 3. Validation chooses.
STAGES = ("blocks.2", "blocks.3", "blocks.4", "blocks.6")
DEFAULT_STAGE = "blocks.4"


def grad_cam(system, image, target=None, stage=DEFAULT_STAGE):
    """Where in an image a class's score comes from.

    Grad-CAM (Selvaraju et al. 2017, https://doi.org/10.1109/ICCV.2017.74; captum's
    implementation): the maps of one stage, weighted by how much each speaks for the class,
    summed, and what speaks against left out.
    """
    if target is None:
        target = int(np.asarray(system.predict([image]))[0].argmax())
    return grad_cams(system, [image], target, stage)[0]


def grad_cams(system, images, target, stage=DEFAULT_STAGE, batch_size=8):
    """`grad_cam` of many images and one class.

    Parameters
    ----------
    system, target, stage
        As in `grad_cam`.
    images : sequence of PIL.Image.Image
    batch_size : int
        Every layer's values are kept for the gradient, some 30 MB an image of 96 pixels.

    Returns
    -------
    list of numpy.ndarray
    """
    if not can_explain_image(system):
        raise ValueError(
            f"system {getattr(system, 'name', system)!r} has no maps to look at; allowed: a "
            "specialist for images, or a linear probe on a frozen image model."
        )
    from captum.attr import LayerGradCam

    processor, network, score = _image_score(system)
    layer = network.timm_model.get_submodule(stage)
    explainer = LayerGradCam(score, layer)
    heats, images = [], list(images)
    for start in range(0, len(images), batch_size):
        chosen = images[start : start + batch_size]
        pixels = vision.pixel_batch(processor, chosen).to(network.device).requires_grad_()
        maps = explainer.attribute(pixels, target=target, relu_attributions=True)
        # captum sums over nothing but the channel, so one map is left for each image
        for heat, image in zip(maps.detach().float().cpu(), chosen, strict=True):
            heats.append(_upscaled(heat[None], image.size))
    torch_setup.return_free_blocks()
    return heats


def _image_score(system):
    """(processor, network with a ``timm_model``, function from pixels to a score a class)."""
    if isinstance(system, Specialist):
        network = system.model
        return system.processor, network, lambda pixels: network(pixel_values=pixels).logits
    network = system.generalist.model
    head = _linear_head(system.classifier, network.device)
    processor = system.generalist.processor
    return processor, network, lambda pixels: head(network(pixel_values=pixels).pooler_output)


def _upscaled(heat, size):
    """A small map at an image's size, from 0 to 1."""
    width, height = size
    heat = torch.nn.functional.interpolate(
        heat, size=(height, width), mode="bilinear", align_corners=False
    )[0, 0]
    top = float(heat.max())
    return (heat / top if top > 0 else torch.zeros_like(heat)).numpy()


# Whether the hottest place of each map lies where the truth is, beside two baselines.
Pointing = namedtuple("Pointing", "item_ids hits random centre")


def pointing_game(case, system, part="test", stage=DEFAULT_STAGE):
    """Score explanations: does the hottest place lie in the box of the truth?

    The pointing game of Zhang et al. 2018 (https://doi.org/10.1007/s11263-017-1059-x), without
    their margin, beside two baselines that look at nothing.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        With a column ``box``: left, top, right, bottom in pixels, or empty.
    system, stage
        As in `grad_cam`.
    part : str

    Returns
    -------
    Pointing
    """
    rows = [row for row in case.part(part) if row["box"]]
    heats = grad_cams(system, [row["input"] for row in rows], 1, stage)
    hits = [points_into(heat, row["box"]) for heat, row in zip(heats, rows, strict=True)]
    areas, centres = [], []
    for row in rows:
        left, top, right, bottom = row["box"]
        width, height = row["input"].size
        areas.append((right - left) * (bottom - top) / (width * height))
        centres.append(left <= width / 2 < right and top <= height / 2 < bottom)
    return Pointing(
        item_ids=[row["item_id"] for row in rows],
        hits=np.array(hits, dtype=bool),
        random=float(np.mean(areas)),
        centre=float(np.mean(centres)),
    )


def points_into(heat, box):
    """Whether the hottest place of a map lies in a box; a map without any heat points nowhere.

    Parameters
    ----------
    heat : numpy.ndarray, shape (height, width)
    box : sequence of float
        Left, top, right, bottom in pixels; the last two are outside.
    """
    if not heat.max() > 0:
        return False
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    left, top, right, bottom = box
    return bool(left <= x < right and top <= y < bottom)
