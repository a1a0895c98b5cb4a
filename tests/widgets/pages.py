"""How the tests of the widgets read a page."""

import html
import re

MEAN = (
    "😀😀 fever 🦠",
    "حمى شديدة في الركبة اليسرى",
    "<script>alert('x')</script> fever <b>&amp;</b>",
    "fever " * 1700,
    "\u202efever\u0000 knee",
    "x",
)


class Failing:
    """A system that gives no answer."""

    name, seconds, seed = "failing", 0.0, 0

    def predict(self, inputs):
        raise RuntimeError("no <memory> left")


def as_text(page):
    """The words that a reader sees, with single spaces."""
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(words))


def is_a_sentence(page, words):
    """Whether an error is told in plain words, its traceback folded away."""
    sentence = page.split("<details>")[0]
    return words in sentence and "Traceback" not in sentence


def answered(page):
    """Whether there are two answers, and nothing of what was typed stands there as markup."""
    return page.count('class="ftl-one"') == 2 and "<script" not in page and "<b>" not in page


def descriptions(*controls):
    """The names that stand before controls."""
    return [control.description for control in controls]
