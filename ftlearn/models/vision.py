"""Image models, from packages (starter track) or the hub, through timm and transformers."""

import functools
import hashlib
import json

import numpy as np

from .. import assets, settings, torch_setup
from ..files import folder_made_whole
from . import registry
from .text import hub_folder, quiet_transformers, remembered

VISION_MODELS = registry.models("image")
known = functools.partial(registry.known, VISION_MODELS)
_FOLDER_VERSION = 2  # raised when what is written below the cache changes


def model_folder(name, track="starter"):
    """An ordinary transformers folder; on the starter track made once from the asset."""
    model = VISION_MODELS[known(name, track)]
    if track == "hub":
        return hub_folder(model)
    folder = settings.cached(f"models/{name}-{_FOLDER_VERSION}")
    if not (folder / "config.json").exists():
        _write_folder(model, folder)
    return folder


def _write_folder(model, folder):
    """Convert an asset's weights to a transformers folder, whole or not at all."""
    import torch
    from timm.data import ImageNetInfo
    from transformers import TimmWrapperConfig, TimmWrapperForImageClassification

    (asset,) = model.assets
    (file,) = assets.ASSETS[asset].files
    checkpoint = assets.locate(asset) / file.name
    # weights_only: a pickle that would run code is refused, not run.
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)
    names = ImageNetInfo("imagenet-1k").label_descriptions()
    config = TimmWrapperConfig(
        architecture=model.architecture,
        pretrained_cfg=pretrained_cfg(model, 224),
        id2label=dict(enumerate(names)),
        label2id={name: at for at, name in enumerate(names)},
    )
    whole = TimmWrapperForImageClassification(config)
    whole.timm_model.load_state_dict({timm_key(key): value for key, value in weights.items()})
    with folder_made_whole(folder) as work, quiet_transformers():
        whole.save_pretrained(work)


def timm_key(key):
    outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    outside["_fc"] = "classifier"
    head, _, rest = key.partition(".")
    if head in outside:
        return f"{outside[head]}.{rest}"
    number, layer, rest = rest.split(".", 2)
    stage, block = _STAGE_OF[int(number)]
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    later = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
    later |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    return f"blocks.{stage}.{block}.{(first if stage == 0 else later)[layer]}.{rest}"


# Position in timm's stages of each of the 16 blocks, which the checkpoint numbers through.
_STAGE_OF = [
    (stage, block) for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1)) for block in range(blocks)
]


def pretrained_cfg(model, size):
    """What an image is turned into before the model sees it, in timm's words."""
    return {
        "architecture": model.architecture,
        "input_size": [3, size, size],
        "interpolation": "bicubic",
        "crop_pct": 1.0,
        "crop_mode": "squash",
        "mean": np.broadcast_to(model.mean, 3).tolist(),
        "std": np.broadcast_to(model.std, 3).tolist(),
    }


def processor(name, size):
    from transformers import TimmWrapperImageProcessor

    model = VISION_MODELS[name]
    return TimmWrapperImageProcessor(pretrained_cfg(model, size), architecture=model.architecture)


def classifier(case, recipe):
    import torch
    from transformers import TimmWrapperConfig, TimmWrapperForImageClassification, set_seed

    if recipe.freeze_embeddings or recipe.group_by_length:
        raise ValueError(
            "Recipe freeze_embeddings and group_by_length are for texts; an image model has "
            "neither tokens nor lengths. Start from Recipe.images()."
        )
    model = VISION_MODELS[case.generalist]
    config = TimmWrapperConfig(
        architecture=model.architecture,
        pretrained_cfg=pretrained_cfg(model, case.image_size),
        model_args={"drop_rate": 0.2} if recipe.dropout else None,
        num_labels=len(case.label_names),
        id2label=dict(enumerate(case.label_names)),
        label2id={name: i for i, name in enumerate(case.label_names)},
    )
    set_seed(recipe.seed)
    with quiet_transformers():
        if recipe.pretrained:
            network = TimmWrapperForImageClassification.from_pretrained(
                model_folder(case.generalist, case.track),
                config=config,
                ignore_mismatched_sizes=True,
            )
            head(network).reset_parameters()  # drawn as PyTorch draws a linear layer's
        else:
            network = TimmWrapperForImageClassification(config)
    freeze_stages(network, recipe.trained_stages)
    return network.to(memory_format=torch.channels_last)


def freeze_stages(network, trained):
    """Freeze the first stages of an image classifier, batch norm's running statistics with them."""
    import timm.utils

    if trained is None:
        return
    frozen = _stages(network)[:-trained]
    if not frozen:
        raise ValueError(
            f"Recipe trained_stages is {trained}; the network has {len(_stages(network))} stages, "
            "and at least the first is to be frozen. Leave trained_stages out to train all."
        )
    timm.utils.freeze(network.timm_model, [*_stem(network), *frozen])


def unfreeze(network):
    """Make a network with frozen stages an ordinary one again, its weights as they are."""
    import timm.utils

    if not all(weight.requires_grad for weight in network.parameters()):
        timm.utils.unfreeze(network.timm_model, [*_stem(network), *_stages(network)])


def _stages(network):
    """Names of an image network's stages, in order; of EfficientNet and ResNet."""
    children = dict(network.timm_model.named_children())
    if "blocks" in children:
        return [f"blocks.{number}" for number in range(len(children["blocks"]))]
    return [name for name in children if name.startswith("layer")]


def _stem(network):
    """Names of what comes before the first stage."""
    names = list(dict(network.timm_model.named_children()))
    before = names[: names.index(_stages(network)[0].split(".")[0])]
    return [name for name in before if getattr(network.timm_model, name).state_dict()]


def head(network):
    return network.timm_model.get_classifier()


def pixel_batch(processor, images):
    import torch

    pixels = processor([as_rgb(image) for image in images])["pixel_values"]
    return pixels.contiguous(memory_format=torch.channels_last)


def as_rgb(image):
    """An image in colour, 8 bits a channel, as every model of the course sees it.

    Greys of more than 8 bits are scaled from the darkest to the brightest: Pillow by itself cuts
    them off at 255. Transparency is laid over white: Pillow by itself leaves it out.
    """
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_scaled_to_8_bits(np.asarray(image, dtype=np.float64)))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _scaled_to_8_bits(values):
    finite = values[np.isfinite(values)]  # a float TIFF may say "no value here"
    low, high = (finite.min(), finite.max()) if len(finite) else (0, 0)
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    scaled = (values - low) * (255 / (high - low) if high > low else 0)
    return scaled.round().astype(np.uint8)


class VisionGeneralist:
    def __init__(self, name, folder, image_size=96):
        import torch
        from transformers import TimmWrapperModel

        self.name = name
        self.processor = processor(name, image_size)
        with quiet_transformers():
            model = TimmWrapperModel.from_pretrained(folder)
        self.model = model.to(torch_setup.device(), memory_format=torch.channels_last).eval()
        self._remembered = {}

    def embed(self, images, batch_size=32):
        """The mean over all places of the last layer before the head."""
        import torch

        def compute(new):
            width = self.model.timm_model.num_features
            rows = np.zeros((len(new), width), dtype=np.float32)
            for start in range(0, len(new), batch_size):
                pixels = pixel_batch(self.processor, new[start : start + batch_size])
                with torch.inference_mode():
                    found = self.model(pixels.to(self.model.device)).pooler_output
                rows[start : start + batch_size] = found.float().cpu().numpy()
            return rows

        return remembered(self._remembered, images, compute, key=image_hash)

    def embed_stages(self, images, batch_size=32):
        """What every stage sees in images, as means and as maxima over all places."""
        import torch

        network, maps, found = self.model.timm_model, {}, {}
        hooks = [
            network.get_submodule(stage).register_forward_hook(
                lambda _, __, seen, stage=stage: maps.update({stage: seen})
            )
            for stage in _stages(self.model)
        ]
        try:
            for start in range(0, len(images), batch_size):
                pixels = pixel_batch(self.processor, images[start : start + batch_size])
                with torch.inference_mode():
                    maps["last"] = network.forward_features(pixels.to(self.model.device))
                for stage, seen in maps.items():
                    flat = seen.flatten(2).float().cpu()
                    found.setdefault((stage, "mean"), []).append(flat.mean(2).numpy())
                    found.setdefault((stage, "max"), []).append(flat.amax(2).numpy())
        finally:
            for hook in hooks:
                hook.remove()
        return {key: np.concatenate(rows) for key, rows in found.items()}


def image_hash(image):
    about = json.dumps([image.mode, image.size]).encode()
    return hashlib.sha256(about + image.tobytes()).hexdigest()[:32]


def load(name, track, image_size=96):
    return VisionGeneralist(name, model_folder(name, track), image_size)
