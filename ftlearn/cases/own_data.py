"""A case from the learner's own tables, which are only read: texts with labels, sentence pairs."""

import difflib
import re
import unicodedata
from collections import Counter

import numpy as np

from .. import settings
from ..models import multilingual
from ..models import text as text_models
from . import labels, own_case, split, tables
from .intake import LeftOut, Reading, Refused, short

NEAR_DUPLICATE = 0.5  # cosine of counts of word triples, as in the legal case
RUN = 6  # letters; about three words where words have no spaces between them
LEAST_TEXTS = 10  # fewer cannot say what most of them share
TOKEN_LIMITS = (64, 128, 256)
SHARE_THAT_FITS = 0.95
TOKEN_SAMPLE = 1000
FOREIGN_LETTERS = 0.2


def case_from_csv(
    path,
    text="text",
    label="label",
    group=None,
    test=None,
    near_repeats=True,
    pace=None,
    track=None,
):
    """Make a case from a table with a text and a label in each row.

    Rows with the same words, or nearly the same, stand on one side of the split, and so do rows
    with the same value in the group column. Read ``case.intake`` before you train: it lists what
    was left out, and what looks odd.

    Parameters
    ----------
    path : str, pathlib.Path or pandas.DataFrame
        A delimited file whose first line names the columns, JSON lines, or a table in memory.
    text, label : str
        Names of the columns with the text and with its class.
    group : str, optional
        Name of a column whose equal values must not be torn apart: a customer, a document.
    test : as `path`, optional
        A table of the same form that is the test part; training rows that resemble it are left out.
    near_repeats : bool
        Whether texts that are nearly the same are kept together. Equal ones always are.
    pace, track : str, optional
        As in `ftlearn.open_case`.

    Returns
    -------
    ftlearn.cases.case.Case

    Raises
    ------
    ftlearn.cases.intake.Refused
        A ValueError in one sentence, such as that a file or a column is not there.
    """
    pace, track = settings.pace(pace), settings.track(track)
    columns = {"input": ("text", text), "label_name": ("label", label)}
    readings, read_as = _read_both(path, test, columns, group)
    train = readings["train"]
    labels.check_classes(train.items, f"{train.name}, column {label!r}")
    _join_alike(readings, ["input"], near_repeats)
    if test is None:
        own_case.leave_out_small_classes(train)
        dealt = (
            "Of five folds of groups, dealt by a hash and stratified by class, one is the test "
            "part and half of another the validation part."
        )
    else:
        _keep_apart(readings)
        _check_labels(train, readings["test"])
        dealt = (
            f"The test part is the file {readings['test'].name}; training rows that resemble one "
            "of its rows are left out, and one group in eight is for validation."
        )
    labels.note_labels(train)
    labels.note_wordless(train)
    label_names = labels.in_order(item["label_name"] for item in train.items)
    parts = own_case.parts_of(readings, label_names, pace)
    generalist = text_models.known(None, track)
    limit = _token_limit(generalist, track, parts["train"]["input"], train.notes)
    metric = own_case.metric_of(parts["train"], label_names, train.notes)
    counts = np.bincount(parts["train"]["label"])
    classes = ", ".join(f"{name} {n:,}" for name, n in zip(label_names, counts, strict=True))
    also = f", and so do equal values of the column '{group}'" if group else ""
    return own_case.make(
        readings,
        parts,
        read_as,
        f"From column '{text}' to column '{label}': {len(label_names)} classes, judged by "
        f"{metric.replace('_', '-')}. Training items: {classes}.",
        f"Texts with the same or nearly the same words form a group{also}. {dealt} No group stands "
        "in two parts.",
        title=f"{train.name}: {text} to {label}",
        label_names=label_names,
        claim=f"A fine-tuned model beats the best frozen baseline on {train.name}.",
        group_name=f"values of '{group}', and texts alike" if group else "groups of alike texts",
        metric=metric,
        generalist=generalist,
        generalist_label=text_models.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        max_tokens=limit,
    )


# --- rows of a table --------------------------------------------------------------------------


def _read_both(path, test, columns, group):
    readings = {"train": _read_rows(path, columns, group, "row")}
    read_as = readings["train"].read_as
    if test is not None:
        held_out = readings["test"] = _read_rows(test, columns, group, "test row")
        held_out.notes = [f"Test file: {note}" for note in held_out.notes]
        read_as += f"; test file: {held_out.read_as}"
    return readings, read_as


def _read_rows(source, columns, group, kind):
    """The rows of a table in which every column has something.

    `columns` maps a key of an item to the argument that names its column, and the column.
    """
    table = tables.read_table(source)
    wanted = dict(columns.values()) | ({"group": group} if group else {})
    for argument, column in wanted.items():
        if column not in table.columns:
            raise Refused(_unknown_column(table, argument, column, wanted))
    if len(set(wanted.values())) < len(wanted):
        raise Refused(f"{', '.join(wanted)} must be different columns; they are {wanted}.")
    items = []
    for number, row in zip(table.numbers, table.rows, strict=True):
        item = {"item_id": f"{kind.replace(' ', '-')}-{number}", "row": number}
        item |= {key: row[column].strip() for key, (_, column) in columns.items()}
        if "label_name" in item:
            item["label_name"] = " ".join(item["label_name"].split())
        item["where"] = f"{kind} {number}"
        item["shown"] = " | ".join(filter(None, (item[key] for key in columns)))
        if group:
            item["own_group"] = row[group].strip()
        items.append(item)
    reading = Reading(table.name, table.read_as, items, list(table.notes))
    reading.leave_out([LeftOut(f"{kind} {n}", why, content) for n, why, content in table.broken])
    for key, (argument, column) in columns.items():
        reading.drop(lambda item, key=key: not item[key], f"nothing in column '{column}'")
        what = "labels" if argument == "label" else f"texts in column '{column}'"
        labels.note_missing(reading, key, what)
    if not reading.items:
        both = " and ".join(repr(column) for _, column in columns.values())
        raise Refused(f"{table.name}: no row has both {both}.")
    blank = sum(not item["own_group"] for item in reading.items) if group else 0
    if blank:
        reading.notes.append(
            f"Rows with nothing in column '{group}': {blank:,}. Each is a group of its own."
        )
    return reading


def _unknown_column(table, argument, column, wanted):
    if _first_line_is_data(table):
        line = short(" | ".join(table.columns), 80)
        return (
            f"{table.name}: its first line ({line}) looks like a row, not like names. Put a line "
            f"above it that names the columns, such as {','.join(wanted.values())}."
        )
    close = {name.casefold(): name for name in table.columns}
    found = difflib.get_close_matches(str(column).casefold(), close, n=1)
    message = (
        f"{argument}={column!r}: {table.name} has no such column. Its columns are "
        f"{', '.join(map(repr, table.columns))}."
    )
    if found:
        message += f" Did you mean {close[found[0]]!r}?"
    likely_text, likely_label = _likely_columns(table)
    if "label" in wanted and likely_text and likely_label:
        message += (
            f" {likely_text!r} looks like the text and {likely_label!r} like the label: "
            f"case_from_csv({table.name!r}, text={likely_text!r}, label={likely_label!r})."
        )
    return message


def _first_line_is_data(table):
    """Whether a header looks like the rows below it: a class of theirs, a number, a sentence."""
    for column in table.columns:
        values = [row[column] for row in table.rows if row[column]]
        different = set(values)
        if column in different and len(different) <= max(2, len(values) / labels.LEAST_ROWS):
            return True
        is_number = labels.number(column) is not None
        if is_number and all(labels.number(value) is not None for value in values[:100]):
            return True
        if len(column.split()) > 4 and len(different) > len(values) / 2:
            return True
    return False


def _likely_columns(table):
    """The columns that look like text and label by what stands in them; None where none does."""
    values_of = {}
    for column in table.columns:
        values = [row[column].strip() for row in table.rows[:2000] if row[column].strip()]
        if values:
            values_of[column] = values

    def words(column):
        return sum(len(value.split()) for value in values_of[column]) / len(values_of[column])

    text = max(values_of, key=words, default=None)
    likely = {}
    for column, values in values_of.items():
        different = len(set(values))
        if column != text and 2 <= different <= max(2, len(values) / labels.LEAST_ROWS):
            # Of several the fullest one; of equally full ones that with the fewest values.
            likely[column] = (-len(values), different)
    return text, min(likely, key=likely.get, default=None)


# --- groups -----------------------------------------------------------------------------------


def _words(text):
    """A text in the form in which repeats are equal: letters with their marks, and 0 for digits."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    signs = (sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in folded)
    plain = re.sub(r"\d+", "0", "".join(signs))
    return " ".join(plain.split()) or folded


def _shingles(words):
    """Triples of words (Broder 1997); runs of letters in scripts without spaces between words."""
    if 2 * len(labels.UNSPACED.findall(words)) > len(words):
        letters = words.replace(" ", "")
        return [letters[at : at + RUN] for at in range(len(letters) - RUN + 1)]
    triple = words.split()
    return [" ".join(triple[at : at + 3]) for at in range(len(triple) - 2)]


def _join_alike(readings, keys, near_repeats):
    """Give every item its group: equal and nearly equal texts, and equal values of the column."""
    items = [item for reading in readings.values() for item in reading.items]
    notes = readings["train"].notes
    alike, repeats, near = [], 0, 0
    for key in keys:
        words = [_words(item[key]) for item in items]
        equal = split.first_of_equal(words)
        different = sorted(set(equal))
        alike.append((range(len(items)), equal))
        repeats += len(items) - len(different)
        if near_repeats:
            first = _near_repeats([words[at] for at in different], notes)
            alike.append((different, [different[at] for at in first]))
            near += sum(at != chain for at, chain in enumerate(first))
    own_case.join_groups(items, alike)
    if repeats:
        notes.append(
            f"Repeats (equal but for capitals, marks and digits): {repeats:,}. They stay on one "
            "side of the split."
        )
    if near:
        notes.append(
            f"Nearly the same as another item: {near:,}. They stay together as well; "
            "near_repeats=False turns the search off."
        )
    if "label_name" in items[0]:
        _note_conflicts(readings["train"])


def _near_repeats(texts, notes):
    """For every text the first one of its chain of near-repeats."""
    counts, shingles = split.shingle_counts(texts, _shingles)
    rows_with = np.asarray((counts > 0).sum(axis=0)).ravel()
    shared = rows_with > len(texts) / 2
    if len(texts) >= LEAST_TEXTS and shared.any():
        common = set(shingles[shared])
        such = next(one for text in texts for one in _shingles(text) if one in common)
        notes.append(
            f"More than half of the texts share some words, such as '{such}'. Such words do not "
            "make texts alike."
        )
        counts = counts[:, ~shared]
    return split.near_clusters(counts, NEAR_DUPLICATE)


_CONFLICTS = (
    "Texts that stand there with different labels: {n:,}. Some of the labels must be wrong; "
    "nothing was changed. For example: {examples}.",
    "Texts with different labels that differ in capitals, smileys, digits or marks alone: {n:,}. "
    "They stay on one side of the split; the models may not see the difference. For example: "
    "{examples}.",
)


def _note_conflicts(reading):
    """Texts that are equal, sign by sign or in their words alone, and have different labels."""
    told = set()
    ways = (lambda text: " ".join(text.split()), _words)
    for plain, sentence in zip(ways, _CONFLICTS, strict=True):
        torn = []
        texts = [plain(item["input"]) for item in reading.items]
        for by_label in own_case.in_two_classes(reading.items, texts):
            if not told & {item["item_id"] for item in by_label.values()}:
                torn.append([by_label[name] for name in sorted(by_label)][:2])
        told |= {item["item_id"] for pair in torn for item in pair}
        examples = "; ".join(
            f"{short(pair[0]['input'], 50)!r} is "
            + " and ".join(f"{item['label_name']!r} in {item['where']}" for item in pair)
            for pair in torn[:3]
        )
        if torn:
            reading.notes.append(sentence.format(n=len(torn), examples=examples))


def _keep_apart(readings):
    own_case.keep_apart(
        readings,
        "the test file has the same, nearly the same, or the same group: it would leak",
        "every row resembles a row of the test file, so nothing is left to learn from. Are the two "
        "files the same?",
    )


def _check_labels(reading, held_out):
    """What the test file shows must stand in training."""
    known = {item["label_name"] for item in reading.items}
    missing = Counter(i["label_name"] for i in held_out.items if i["label_name"] not in known)
    if missing:
        counts = ", ".join(f"{label!r} ({n} rows)" for label, n in sorted(missing.items()))
        raise Refused(
            f"the test file has labels that training lacks: {counts}. A model cannot learn them; "
            "add training rows, mend the spelling, or take those rows out of the test file."
        )
    if len(known) < 2:
        raise Refused(
            f"{reading.name}: once the rows that the test file repeats are left out, only the "
            f"class {known.pop()!r} remains."
        )


def _token_limit(generalist, track, inputs, notes):
    """The smallest of `TOKEN_LIMITS` that holds nearly all training texts."""
    from transformers import AutoTokenizer

    sample = sorted(inputs, key=split.short_hash)[:TOKEN_SAMPLE]
    tokenizer = AutoTokenizer.from_pretrained(
        text_models.model_folder(generalist, track), model_max_length=10 * TOKEN_LIMITS[-1]
    )
    encoded = tokenizer(sample, truncation=True)["input_ids"]
    lengths = [len(ids) for ids in encoded]

    def share(limit):
        return sum(length <= limit for length in lengths) / len(lengths)

    limit = next((n for n in TOKEN_LIMITS if share(n) >= SHARE_THAT_FITS), TOKEN_LIMITS[-1])
    if share(limit) < 1:
        notes.append(
            f"{1 - share(limit):.1%} of the texts have more than {limit} tokens; the models read "
            "their beginning only."
        )
    letters = "".join(character for text in sample for character in text if character.isalpha())
    foreign = sum(not letter.isascii() for letter in letters)
    if letters and foreign / len(letters) > FOREIGN_LETTERS:
        notes.append(
            f"{foreign / len(letters):.0%} of the letters are not of the English alphabet. The "
            "generalist has learned English; expect little of it in another language."
        )
    return limit


# --- sentence pairs ---------------------------------------------------------------------------


def case_from_pairs(
    path, source="source", target="target", group=None, test=None, near_repeats=True, pace=None,
    track=None,
):  # fmt: skip
    """Make a retrieval case from a table with a sentence and its translation in each row.

    Parameters
    ----------
    path : str, pathlib.Path or pandas.DataFrame
        As in `case_from_csv`.
    source, target : str
        Names of the columns with the sentence and with its translation.
    group, test, near_repeats, pace, track
        As in `case_from_csv`. Pairs that are alike on either side stay together.

    Returns
    -------
    ftlearn.cases.case.Case
        With a column ``translation``.
    """
    pace, track = settings.pace(pace), settings.track(track)
    columns = {"input": ("source", source), "translation": ("target", target)}
    readings, read_as = _read_both(path, test, columns, group)
    train = readings["train"]
    same = sum(item["input"] == item["translation"] for item in train.items)
    if same:
        train.notes.append(
            f"Pairs with the same text on both sides: {same:,}. Finding those is no translation."
        )
    _join_alike(readings, ["input", "translation"], near_repeats)
    _keep_apart(readings)
    parts = own_case.parts_of(readings, [], pace)
    generalist = multilingual.known(None, track)
    return own_case.make(
        readings,
        parts,
        read_as,
        f"For each sentence of column '{source}', find its translation in column '{target}'.",
        "Pairs that are alike on either side form a group. No group stands in two parts.",
        title=f"{train.name}: {source} to {target}",
        label_names=[],
        claim=f"A fine-tuned model finds translations better than the generalist on {train.name}.",
        places={"test": f", 1 of {len(set(parts['test']['translation']))} to be found"},
        group_name="groups of alike sentences",
        metric="accuracy_at_1",
        generalist=generalist,
        generalist_label=multilingual.MULTILINGUAL_MODELS[generalist].label,
        track=track,
        pace=pace,
    )
