"""A case from the learner's own tables: texts with labels, or sentence pairs.

Files are only read. What is noticed on the way, and every row that is left out, stands in the
case's `Intake`.
"""

import difflib
import re
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np

from .. import settings
from ..models import multilingual
from ..models import text as text_models
from . import labels, split, tables
from .case import Case
from .intake import Intake, LeftOut, Reading, Refused, short

N_FOLDS = 5
LEAST_GROUPS = N_FOLDS  # of a class: one for each fold
NEAR_DUPLICATE = 0.5  # cosine of counts of word triples, as in the legal case
RUN = 6  # letters; about three words where words have no spaces between them
LEAST_TEXTS = 10  # fewer cannot say what most of them share
LARGE_GROUP = 0.1  # of all items, above which a group is named
FAR_FROM_AIM = 0.05  # of all items, that a part may differ from 70/10/20 unsaid
VALIDATION_ONE_IN = 8  # of the groups, where the test part has a file of its own
QUICK_ITEMS = 400
COMMON_CLASS = 0.6  # a share above which accuracy flatters
RARE_CLASS = 10  # times rarer than the commonest
TOKEN_LIMITS = (64, 128, 256)
SHARE_THAT_FITS = 0.95
TOKEN_SAMPLE = 1000
FOREIGN_LETTERS = 0.2


# --- a table of texts -------------------------------------------------------------------------


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

    Encoding and delimiter are found out. Rows with the same words, or nearly the same, stand on
    one side of the split, and so do rows with the same value in the group column. Read
    ``case.intake`` before you train: it lists what was left out, and what looks odd.

    Parameters
    ----------
    path : str, pathlib.Path or pandas.DataFrame
        A delimited file whose first line names the columns, JSON lines, or a table in memory.
    text, label : str
        Names of the columns with the text and with its class.
    group : str, optional
        Name of a column whose equal values must not be torn apart: a customer, a document.
    test : as `path`, optional
        A table of the same form that is the test part. Training rows that resemble one of its rows
        are left out.
    near_repeats : bool
        Whether texts that are nearly the same are looked for and kept together. Equal ones always
        are.
    pace, track : str, optional
        As in `ftlearn.open_case`.

    Returns
    -------
    ftlearn.cases.case.Case

    Raises
    ------
    ftlearn.cases.intake.Refused
        A ValueError in one sentence: a file is not there (then also a FileNotFoundError), a column
        is not there or of the wrong kind, or too little is left to learn from.
    """
    pace, track = settings.pace(pace), settings.track(track)
    columns = {"input": ("text", text), "label_name": ("label", label)}
    reading = _read_rows(path, columns, group, "row")
    held_out = _read_rows(test, columns, group, "test row") if test is not None else None
    name = reading.name
    labels.check_classes(reading.items, f"{name}, column {label!r}")
    _join_alike(reading, held_out, ["input"], near_repeats)
    if held_out is None:
        _leave_out_small_classes(reading, name)
    else:
        _keep_apart(reading, held_out, name)
    labels.note_labels(reading)
    labels.note_wordless(reading)
    if pace == "quick":
        _leave_out_most_groups(reading, QUICK_ITEMS)
    label_names = labels.in_order(item["label_name"] for item in reading.items)
    parts = _parts(reading, held_out, label_names, name)
    generalist = text_models.known(None, track)
    limit = _token_limit(generalist, track, parts["train"]["input"], reading.notes)
    metric = _metric(parts["train"], label_names, reading.notes)
    group_name = f"values of '{group}', and texts alike" if group else "groups of alike texts"
    return _own_case(
        reading,
        held_out,
        parts,
        title=f"{name}: {text} to {label}",
        task="classification",
        label_names=label_names,
        claim=f"A fine-tuned model beats the best frozen baseline on {name}.",
        card=_text_card(name, text, label, group, held_out, reading, parts, label_names, metric),
        group_name=group_name,
        metric=metric,
        generalist=generalist,
        generalist_label=text_models.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        max_tokens=limit,
    )


# --- rows of a table --------------------------------------------------------------------------


def _read_rows(source, columns, group, kind):
    """The rows of a table in which every column has something.

    `columns` maps a key of an item to the argument that names its column, and the column.
    """
    table = tables.read_table(source)
    wanted = dict(columns.values())
    _check_columns(table, wanted | ({"group": group} if group else {}))
    left_out = [LeftOut(f"{kind} {n}", why, content) for n, why, content in table.broken]
    found = len(table.rows) + len(left_out)
    reading = Reading([], found, table.read_as, left_out, list(table.notes), table.name)
    for number, row in zip(table.numbers, table.rows, strict=True):
        item = {"item_id": f"{kind.replace(' ', '-')}-{number}", "row": number}
        item |= {key: row[column].strip() for key, (_, column) in columns.items()}
        if "label_name" in item:
            item["label_name"] = " ".join(item["label_name"].split())
        item["where"] = f"{kind} {number}"
        item["shown"] = " | ".join(filter(None, (item[key] for key in columns)))
        if group:
            item["own_group"] = row[group].strip()
        reading.items.append(item)
    for key, (argument, column) in columns.items():
        reading.drop(lambda item, key=key: not item[key], f"nothing in column '{column}'")
        what = "labels" if argument == "label" else f"texts in column '{column}'"
        labels.note_missing(reading, key, what)
    if not reading.items:
        raise Refused(f"{table.name}: no row has both {' and '.join(map(repr, wanted.values()))}.")
    blank = sum(not item["own_group"] for item in reading.items) if group else 0
    if blank:
        reading.notes.append(
            f"Rows with nothing in column '{group}': {blank:,}. Each is a group of its own."
        )
    return reading


def _check_columns(table, wanted):
    for argument, column in wanted.items():
        if column not in table.columns:
            raise Refused(_unknown_column(table, argument, column, wanted))
    if len(set(wanted.values())) < len(wanted):
        raise Refused(f"{', '.join(wanted)} must be different columns; they are {wanted}.")


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
    rows = table.rows[:2000]
    about = {}
    for column in table.columns:
        values = [row[column].strip() for row in rows if row[column].strip()]
        if values:
            words = sum(len(value.split()) for value in values) / len(values)
            about[column] = (words, len(set(values)), len(values))
    if not about:
        return None, None
    text = max(about, key=lambda column: about[column][0])
    likely = {
        column: different
        for column, (_, different, filled) in about.items()
        if column != text and 2 <= different <= max(2, filled / labels.LEAST_ROWS)
    }
    # Of several the fullest one; of equally full ones that with the fewest values.
    label = min(likely, key=lambda c: (-about[c][2], likely[c])) if likely else None
    return text, label


# --- groups -----------------------------------------------------------------------------------


class _WordsOnly(dict):
    """For `str.translate`: letters with their marks and digits stay, other signs part words."""

    def __missing__(self, code):
        self[code] = code if unicodedata.category(chr(code))[0] in "LMN" else " "
        return self[code]


_WORDS_ONLY = _WordsOnly()


def _words(text):
    """A text in the form in which repeats are equal."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"\d+", "0", folded.translate(_WORDS_ONLY))
    return " ".join(plain.split()) or folded


def _shingles(words):
    """What two texts are compared by: triples of words (Broder 1997), or runs of letters.

    The runs are for scripts that put no spaces between words.
    """
    if 2 * len(labels.UNSPACED.findall(words)) > len(words):
        letters = words.replace(" ", "")
        return [letters[at : at + RUN] for at in range(len(letters) - RUN + 1)]
    triple = words.split()
    return [" ".join(triple[at : at + 3]) for at in range(len(triple) - 2)]


def _join_alike(reading, held_out, keys, near_repeats):
    """Give every item its group: equal and nearly equal texts, and equal values of the column."""
    items = [*reading.items, *(held_out.items if held_out else ())]
    pairs, repeats, near = [], 0, 0
    for key in keys:
        words = [_words(item[key]) for item in items]
        equal, of_equal = _first_of_equal(words)
        pairs.append(equal)
        repeats += len(words) - len(of_equal)
        if near_repeats:
            first = _near_repeats([words[at] for at in of_equal], reading.notes)
            pairs.append((of_equal, [of_equal[at] for at in first]))
            near += sum(at != chain for at, chain in enumerate(first))
    if "own_group" in items[0]:
        named = [item["own_group"] or f"\0{at}" for at, item in enumerate(items)]
        pairs.append(_first_of_equal(named)[0])
    for item, first in zip(items, split.chains(len(items), pairs), strict=True):
        item["group"] = items[first]["item_id"]
    if repeats:
        reading.notes.append(
            f"Repeats (equal but for capitals, marks and digits): {repeats:,}. They stay on one "
            "side of the split."
        )
    if near:
        reading.notes.append(
            f"Nearly the same as another item: {near:,}. They stay together as well; "
            "near_repeats=False turns the search off."
        )
    if "label_name" in items[0]:
        _note_conflicts(reading)


def _near_repeats(texts, notes):
    """For every text the first one of its chain of near-repeats: list of int."""
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


def _first_of_equal(values):
    """Pairs of each index with the first of an equal value, and those first indices."""
    first = {}
    firsts = [first.setdefault(value, at) for at, value in enumerate(values)]
    return (list(range(len(values))), firsts), list(first.values())


def _note_conflicts(reading):
    """Texts that are equal, sign by sign or in their words alone, and have different labels."""
    said = (
        (lambda text: " ".join(text.split()), "Texts that stand there with different labels: {}. "
         "Some of the labels must be wrong; nothing was changed. {}"),
        (_words, "Texts with different labels that differ in capitals, smileys, digits or marks "
         "alone: {}. They stay on one side of the split; the models may not see the difference. "
         "{}"),
    )  # fmt: skip
    told = set()
    for plain, sentence in said:
        same = {}
        for item in reading.items:
            same.setdefault(plain(item["input"]), {}).setdefault(item["label_name"], item)
        torn = [
            [by_label[name] for name in sorted(by_label)][:2]
            for by_label in same.values()
            if len(by_label) > 1 and not told & {item["item_id"] for item in by_label.values()}
        ]
        told |= {item["item_id"] for pair in torn for item in pair}
        if torn:
            examples = "; ".join(
                f"{short(pair[0]['input'], 50)!r} is "
                + " and ".join(f"{item['label_name']!r} in {item['where']}" for item in pair)
                for pair in torn[:3]
            )
            reading.notes.append(sentence.format(f"{len(torn):,}", f"For example: {examples}."))


def _leave_out_small_classes(reading, name):
    groups, rows = {}, Counter()
    for item in reading.items:
        groups.setdefault(item["label_name"], set()).add(item["group"])
        rows[item["label_name"]] += 1
    small = {label for label, members in groups.items() if len(members) < LEAST_GROUPS}
    for label in sorted(small):
        reading.drop(
            lambda item, label=label: item["label_name"] == label,
            f"class '{label}' has fewer than {LEAST_GROUPS} groups, too few to learn and to test",
        )
    if len(groups) - len(small) < 2:
        counts = ", ".join(f"{label!r} {len(members)}" for label, members in groups.items())
        joined = [label for label in small if rows[label] >= LEAST_GROUPS]
        what_now = (
            f"Most of its {rows.total():,} items count as alike, and alike ones are one group; the "
            f"notes say by what: {' '.join(reading.notes)}"
            if joined
            else "Collect more, or join classes."
        )
        raise Refused(
            f"{name}: fewer than two classes have {LEAST_GROUPS} groups or more ({counts}), and "
            f"that is the least for training, validation and test. {what_now}"
        )


def _keep_apart(reading, held_out, name):
    """Leave out training items that share a group with a test item."""
    tested = {item["group"] for item in held_out.items}
    reading.drop(
        lambda item: item["group"] in tested,
        "the test file has the same, nearly the same, or the same group: it would leak",
    )
    if not reading.items:
        raise Refused(
            f"{name}: every row resembles a row of the test file, so nothing is left to learn "
            "from. Are the two files the same?"
        )
    if "label_name" not in reading.items[0]:
        return
    known = Counter(item["label_name"] for item in reading.items)
    missing = Counter(
        item["label_name"] for item in held_out.items if item["label_name"] not in known
    )
    if missing:
        counts = ", ".join(f"{label!r} ({n} rows)" for label, n in sorted(missing.items()))
        raise Refused(
            f"the test file has labels that training lacks: {counts}. A model cannot learn them; "
            "add training rows, mend the spelling, or take those rows out of the test file."
        )
    if len(known) < 2:
        raise Refused(
            f"{name}: once the rows that the test file repeats are left out, only the class "
            f"{next(iter(known))!r} remains."
        )


def _leave_out_most_groups(reading, most):
    """Keep whole groups by the hash of their name, class by class in turn, up to so many items."""
    by_class = {}
    for item in reading.items:
        groups = by_class.setdefault(item.get("label_name", ""), {})
        groups.setdefault(item["group"], []).append(item)
    queues = [
        sorted(groups.values(), key=lambda members: split.short_hash(members[0]["group"]))
        for _, groups in sorted(by_class.items())
    ]
    chosen, taken = set(), 0
    for turn in range(max(map(len, queues))):
        for queue in queues:
            if turn < len(queue) and (taken < most or turn < LEAST_GROUPS):
                group = queue[turn][0]["group"]
                taken += 0 if group in chosen else len(queue[turn])
                chosen.add(group)
    reading.drop(lambda item: item["group"] not in chosen, f"quick pace takes about {most} items")


# --- parts ------------------------------------------------------------------------------------


def _parts(reading, held_out, label_names, name):
    """Train, validation and test, as datasets."""
    from datasets import Dataset

    items = [_for_dataset(item, label_names) for item in reading.items]
    if held_out is None:
        n_groups = len({item["group"] for item in items})
        if n_groups < 2 * N_FOLDS:
            raise Refused(
                f"{name}: the items form {n_groups} groups (alike ones, or equal values of the "
                f"group column, count as one); at least {2 * N_FOLDS} are needed for training, "
                "validation and test."
            )
        parts = split.fold_by_group(items, n_folds=N_FOLDS, fold=0)
    else:
        position = split.assign_folds(items, VALIDATION_ONE_IN)
        sides = {True: [], False: []}
        for item in items:
            sides[position[item["group"]] % VALIDATION_ONE_IN == 0].append(item)
        tested = [_for_dataset(item, label_names) for item in held_out.items]
        parts = {
            "train": Dataset.from_list(sides[False]) if sides[False] else [],
            "validation": Dataset.from_list(sides[True]),
            "test": Dataset.from_list(tested),
        }
    _check_parts(parts, label_names, name)
    _note_sizes_of_groups(parts, reading.notes)
    if held_out is None:
        _note_shares(parts, reading.notes)
    return parts


def _note_sizes_of_groups(parts, notes):
    """Name a group so large that it bends the parts."""
    n = sum(map(len, parts.values()))
    for part, rows in parts.items():
        for group, size in Counter(rows["group"]).most_common(1):
            if size >= max(LARGE_GROUP * n, 3):
                shown = "file" if "file" in rows.column_names else "input"
                first = rows[shown][list(rows["group"]).index(group)]
                notes.append(
                    f"One group holds {size:,} of {n:,} items ({size / n:.0%}), such as "
                    f"{short(first, 60)!r}. It cannot be divided, so all of it is in the {part} "
                    "part."
                )


def _note_shares(parts, notes):
    n = sum(map(len, parts.values()))
    shares = {part: len(rows) / n for part, rows in parts.items()}
    aims = {"train": 0.7, "validation": 0.1, "test": 0.2}
    if any(abs(shares[part] - aim) > FAR_FROM_AIM for part, aim in aims.items()):
        notes.append(
            "Training, validation and test have "
            + ", ".join(f"{shares[part]:.0%}" for part in aims)
            + " of the items, where 70 %, 10 % and 20 % were aimed at: groups are not divided."
        )


def _for_dataset(item, label_names):
    hidden = {"where", "shown", "label_name", "own_group"}
    label = label_names.index(item["label_name"]) if label_names else 0
    kept = {key: value for key, value in item.items() if key not in hidden}
    return {**kept, "label": label}


def _check_parts(parts, label_names, name):
    for part, members in parts.items():
        if not len(members):
            raise Refused(
                f"{name}: too few groups for a {part} part. Some twenty groups a class are a "
                "sensible least."
            )
    learned = set(parts["train"]["label"])
    missing = [label for at, label in enumerate(label_names) if at not in learned]
    if missing:
        raise Refused(
            f"{name}: no training item has the label {missing[0]!r}; its items are so alike, or so "
            "few, that all went to other parts. Collect more of it, or leave it out."
        )


def _metric(train, label_names, notes):
    """The case's metric; accuracy flatters where one class is very common."""
    counts = Counter(train["label"])
    common, most = counts.most_common(1)[0]
    rare, least = counts.most_common()[-1]
    if most / len(train) <= COMMON_CLASS and most < RARE_CLASS * least:
        return "accuracy"
    notes.append(
        f"The classes are unequal: {label_names[common]!r} has {most:,} of {len(train):,} training "
        f"items ({most / len(train):.0%}), {label_names[rare]!r} has {least:,}. Always saying "
        "the commonest would look good in accuracy, so the case is judged by macro-F1, which "
        "counts every class alike."
    )
    return "macro_f1"


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


# --- words ------------------------------------------------------------------------------------


def _own_case(reading, held_out, parts, **more):
    return Case(
        name=_case_name(reading.name),
        claimed={"value": None, "unit": "points"},
        data_name=reading.name,
        fold=None if held_out else 0,
        intake=_intake(reading.name, reading, held_out, parts),
        **parts,
        **more,
    )


def _intake(name, reading, held_out, parts):
    read_as, found = reading.read_as, reading.found
    left_out, notes = list(reading.left_out), list(reading.notes)
    if held_out is not None:
        read_as += f"; test file: {held_out.read_as}"
        found += held_out.found
        left_out += held_out.left_out
        notes += [f"Test file: {note}" for note in held_out.notes]
    kept = sum(len(part) for part in parts.values())
    if kept + len(left_out) != found:
        raise RuntimeError(
            f"{name}: {found:,} rows were found, {kept:,} are in the case and {len(left_out):,} "
            "are listed as left out. That is an error of the course; please report it."
        )
    return Intake(name, read_as, found, kept, left_out, notes)


def _text_card(name, text, label, group, held_out, reading, parts, label_names, metric):
    counts = Counter(parts["train"]["label"])
    classes = ", ".join(f"{label_name} {counts[at]:,}" for at, label_name in enumerate(label_names))
    together = "Texts with the same or nearly the same words form a group"
    together += f", and so do equal values of the column '{group}'." if group else "."
    dealt = (
        f"The test part is the file {held_out.name}; training rows that resemble one of its rows "
        "are left out, and one group in eight is for validation."
        if held_out is not None
        else "Of five folds of groups, dealt by a hash and stratified by class, one is the test "
        "part and half of another the validation part."
    )
    return _card(
        name,
        f"From column '{text}' to column '{label}': {len(label_names)} classes, judged by "
        f"{metric.replace('_', '-')}. Training items: {classes}.",
        f"{together} {dealt} No group stands in two parts.",
        reading,
        parts,
    )


def _card(name, task, dealing, reading, parts):
    sizes = ", ".join(
        f"{part} {len(members):,} in {len(set(members['group'])):,} groups"
        for part, members in parts.items()
    )
    left_out = len(reading.left_out)
    return f"""
**{name}.** The learner's own data ({reading.read_as}). Who made them, and under which terms they
may be used, is for the learner to say.

- **Task.** {task}
- **Items.** {sizes}. {left_out:,} left out; `case.intake` lists each with its reason.
- **Split.** {dealing}
- **Beware.** The labels are taken as they stand. Nobody has checked them.
"""


def _case_name(name):
    slug = re.sub(r"[^a-z0-9]+", "_", Path(name).stem.casefold()).strip("_")
    return f"own_{slug[:40] or 'data'}"


# --- sentence pairs ---------------------------------------------------------------------------


def case_from_pairs(
    path,
    source="source",
    target="target",
    group=None,
    test=None,
    near_repeats=True,
    pace=None,
    track=None,
):
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

    Raises
    ------
    ftlearn.cases.intake.Refused
        As in `case_from_csv`.
    """
    pace, track = settings.pace(pace), settings.track(track)
    columns = {"input": ("source", source), "translation": ("target", target)}
    reading = _read_rows(path, columns, group, "row")
    held_out = _read_rows(test, columns, group, "test row") if test is not None else None
    name = reading.name
    same = sum(item["input"] == item["translation"] for item in reading.items)
    if same:
        reading.notes.append(
            f"Pairs with the same text on both sides: {same:,}. Finding those is no translation."
        )
    _join_alike(reading, held_out, ["input", "translation"], near_repeats)
    if held_out is not None:
        _keep_apart(reading, held_out, name)
    if pace == "quick":
        _leave_out_most_groups(reading, QUICK_ITEMS)
    parts = _parts(reading, held_out, [], name)
    generalist = multilingual.known(None, track)
    return _own_case(
        reading,
        held_out,
        parts,
        title=f"{name}: {source} to {target}",
        task="retrieval",
        label_names=[],
        claim=f"A fine-tuned model finds translations better than the generalist on {name}.",
        card=_card(
            name,
            f"For each sentence of column '{source}', find its translation in column '{target}'.",
            "Pairs that are alike on either side form a group. No group stands in two parts.",
            reading,
            parts,
        ),
        places={"test": f", 1 of {len(set(parts['test']['translation']))} to be found"},
        group_name="groups of alike sentences",
        metric="accuracy_at_1",
        generalist=generalist,
        generalist_label=multilingual.MULTILINGUAL_MODELS[generalist].label,
        track=track,
        pace=pace,
    )
