"""Files of the learner's that are called like a library: Python takes ``datasets.py`` for it.

The standard library may be hidden as well, so next to nothing is imported here.
"""

import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

from .errors import OneSentence

_USED = (
    "PIL accelerate babel captum charset_normalizer cleanlab datasets filelock huggingface_hub "
    "imagehash IPython ipywidgets jinja2 joblib jupytext matplotlib nbclient nbconvert nbformat "
    "numpy packaging pandas peft psutil pyarrow requests safetensors scipy sentence_transformers "
    "skimage sklearn sympy threadpoolctl tifffile timm tokenizers torch torchvision tqdm "
    "transformers unearth yaml"
)
# Of the standard library, what nothing imports: a learner's test.py does no harm.
_UNUSED = "antigravity ensurepip idlelib lib2to3 test this tkinter turtle turtledemo venv"
LIBRARIES = {*_USED.split(), *sys.stdlib_module_names} - {*_UNUSED.split()}


class HiddenLibrary(OneSentence, ImportError):
    """A file of the learner's is in the way of a library; the message says which."""


def in_folder(folder):
    """Files that hide a library from a notebook in the same folder: library to path."""
    found = {}
    try:
        names = os.listdir(folder)
    except OSError:
        return found
    for name in names:
        module, ending = os.path.splitext(name)
        path = os.path.join(folder, name)
        code = {".py": path, "": os.path.join(path, "__init__.py")}.get(ending, "")
        if module in LIBRARIES and os.path.isfile(code) and _is_installed_elsewhere(module, folder):
            found[module] = os.path.abspath(path)
    return found


def _is_installed_elsewhere(module, folder):
    """Whether Python has a module of that name but for what lies in the folder."""
    if BuiltinImporter.find_spec(module) or FrozenImporter.find_spec(module):
        return False  # these come first, whatever lies where
    places = [place for place in sys.path if not _is_in(place or os.curdir, folder)]
    spec = PathFinder.find_spec(module, places)
    return spec is not None and spec.has_location


def _is_in(place, folder):
    return os.path.realpath(place) == os.path.realpath(folder)


def here():
    """As `in_folder`, beside the notebook or the script, without what is loaded already."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    found = {}
    for folder in {os.curdir, os.path.dirname(script or "") or os.curdir}:
        if any(_is_in(place or os.curdir, folder) for place in sys.path):
            found |= in_folder(folder)
    for module, path in list(found.items()):
        loaded = getattr(sys.modules.get(module), "__file__", None)
        if loaded and not os.path.realpath(loaded).startswith(os.path.realpath(path)):
            del found[module]
    return found


def sentence(found):
    """What `here` or `in_folder` found, in words: str."""
    return " ".join(
        f"{module} is not the library but {path}: rename it, and restart the kernel."
        for module, path in sorted(found.items())
    )
