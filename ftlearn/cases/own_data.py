"""A case from the learner's own tables: texts with labels, or sentence pairs.

Files are only read. What is noticed on the way, and every row that is left out, stands in the
case's `Intake`.
"""

import difflib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .. import settings
from ..models import multilingual
from ..models import text as text_models
from . import split, tables
from .case import Case
from .intake import Intake, LeftOut, Reading, Refused, short

N_FOLDS = 5
LEAST_GROUPS = N_FOLDS  # of a class: one for each fold
MOST_CLASSES = 100
NEAR_DUPLICATE = 0.5  # cosine of counts of word triples, as in the legal case
VALIDATION_ONE_IN = 8  # of the groups, where the test part has a file of its own
QUICK_ITEMS = 400
COMMON_CLASS = 0.6  # a share above which accuracy flatters
RARE_CLASS = 10  # times rarer than the commonest
TOKEN_LIMITS = (64, 128, 256)
SHARE_THAT_FITS = 0.95
TOKEN_SAMPLE = 1000
FOREIGN_LETTERS = 0.2


# --- a table of texts -------------------------------------------------------------------------


def case_from_csv(path, text="text", label="label", group=None, test=None, pace=None, track=None):
    """Make a case from a table with a text and a label in each row.

    Encoding and delimiter are found out. Rows with the same words, or nearly the same, stand on
    one side of the split, and so do rows with the same value in the group column. Read
    ``case.intake`` before you train: it lists what was left out, and what looks odd.

    Parameters
    ----------
    path : str or pathlib.Path
        A delimited file whose first line names the columns.
    text, label : str
        Names of the columns with the text and with its class.
    group : str, optional
        Name of a column whose equal values must not be torn apart: a customer, a document.
    test : str or pathlib.Path, optional
        A file of the same form that is the test part. Training rows that resemble one of its rows
        are left out.
    pace, track : str, optional
        As in `ftlearn.open_case`.

    Returns
    -------
    ftlearn.cases.case.Case

    Raises
    ------
    FileNotFoundError
        When a file is not there.
    ValueError
        When a column is not there or of the wrong kind, or too little is left to learn from.
    """
    pace, track = settings.pace(pace), settings.track(track)
    reading = _read_texts(path, text, label, group, "row")
    held_out = _read_texts(test, text, label, group, "test row") if test is not None else None
    name = Path(path).name
    _check_classes(reading.items, name, label)
    _join_alike(reading, held_out, [_words_of("input")])
    if held_out is None:
        _leave_out_small_classes(reading, name)
    else:
        _keep_apart(reading, held_out, name)
    _note_labels(reading)
    if pace == "quick":
        reading.items = _few_groups(reading.items, QUICK_ITEMS)
    label_names = sorted({item["label_name"] for item in reading.items})
    parts = _parts(reading, held_out, label_names, name)
    generalist = text_models.known(None, track)
    limit = _token_limit(generalist, track, parts["train"]["input"], reading.notes)
    metric = _metric(parts["train"], label_names, reading.notes)
    group_name = f"values of '{group}', and texts alike" if group else "groups of alike texts"
    return Case(
        name=_case_name(path),
        title=f"{name}: {text} to {label}",
        task="classification",
        label_names=label_names,
        claim=f"A fine-tuned model beats the best frozen baseline on {name}.",
        claimed={"value": None, "unit": "points"},
        card=_text_card(name, text, label, group, test, reading, parts, label_names, metric),
        data_name=name,
        group_name=group_name,
        metric=metric,
        generalist=generalist,
        generalist_label=text_models.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        fold=None if held_out else 0,
        max_tokens=limit,
        intake=_intake(name, reading, held_out, parts),
        **parts,
    )


def _read_texts(path, text, label, group, kind):
    """The rows of a table that have a text and a label."""
    table = tables.read_table(path)
    _check_columns(table, text, label, group)
    reading = _reading_of(table, kind)
    for number, row in zip(table.numbers, table.rows, strict=True):
        item = {
            "item_id": f"{kind.replace(' ', '-')}-{number}",
            "where": f"{kind} {number}",
            "shown": row[text].strip() or row[label].strip(),
            "input": row[text].strip(),
            "label_name": " ".join(row[label].split()),
            "row": number,
        }
        if group:
            item["own_group"] = row[group].strip()
        reading.items.append(item)
    reading.drop(lambda item: not item["input"], f"nothing in column '{text}'")
    reading.drop(lambda item: not item["label_name"], f"nothing in column '{label}'")
    if not reading.items:
        raise Refused(f"{table.name}: no row has both a text and a label.")
    if group:
        blank = sum(not item["own_group"] for item in reading.items)
        if blank:
            reading.notes.append(
                f"Rows with nothing in column '{group}': {blank:,}. Each is a group of its own."
            )
    return reading


def _reading_of(table, kind):
    left_out = [LeftOut(f"{kind} {n}", why, content) for n, why, content in table.broken]
    return Reading([], len(table.rows) + len(left_out), table.read_as, left_out)


def _check_columns(table, text, label, group):
    wanted = {"text": text, "label": label, **({"group": group} if group else {})}
    for argument, column in wanted.items():
        if column not in table.columns:
            raise Refused(_unknown_column(table, argument, column))
    if len(set(wanted.values())) < len(wanted):
        raise Refused(f"text, label and group must be different columns; they are {wanted}.")


def _unknown_column(table, argument, column):
    close = {name.casefold(): name for name in table.columns}
    found = difflib.get_close_matches(str(column).casefold(), close, n=1)
    message = (
        f"{argument}={column!r}: {table.name} has no such column. Its columns are "
        f"{', '.join(map(repr, table.columns))}."
    )
    if found:
        message += f" Did you mean {close[found[0]]!r}?"
    likely_text, likely_label = _likely_columns(table)
    if likely_text and likely_label:
        message += (
            f" {likely_text!r} looks like the text and {likely_label!r} like the label: "
            f"case_from_csv({table.name!r}, text={likely_text!r}, label={likely_label!r})."
        )
    return message


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
    labels = {
        column: different
        for column, (_, different, filled) in about.items()
        if column != text and 2 <= different <= max(2, min(MOST_CLASSES, filled / 3))
    }
    # Of several the fullest one; of equally full ones that with the fewest values.
    label = min(labels, key=lambda c: (-about[c][2], labels[c])) if labels else None
    return text, label


def _check_classes(items, name, label):
    classes = Counter(item["label_name"] for item in items)
    if len(classes) == 1:
        raise Refused(
            f"{name}: every row has the label {next(iter(classes))!r}. There is nothing to tell "
            "apart; a case needs two classes or more."
        )
    if len(classes) > MOST_CLASSES or len(classes) > max(2, len(items) / 3):
        some = ", ".join(repr(short(value, 30)) for value in list(classes)[:3])
        raise Refused(
            f"{name}: column {label!r} has {len(classes):,} different values in {len(items):,} "
            f"rows, such as {some}. That looks like a text or an id, not like a class. At most "
            f"{MOST_CLASSES} classes, with three rows each on average, please."
        )


# --- groups -----------------------------------------------------------------------------------


def _words_of(column):
    """A function that brings an item's text into the form in which repeats are equal."""

    def words(item):
        plain = re.sub(r"\d+", "0", item[column].casefold())
        return " ".join(re.findall(r"\w+", plain)) or plain

    return words


def _join_alike(reading, held_out, ways):
    """Give every item its group: equal and nearly equal texts, and equal values of the column.

    `ways` are functions from an item to the words that are compared.
    """
    items = [*reading.items, *(held_out.items if held_out else ())]
    pairs, repeats, near = [], 0, 0
    for words_of in ways:
        words = [words_of(item) for item in items]
        equal, of_equal = _first_of_equal(words)
        pairs.append(equal)
        repeats += len(words) - len(of_equal)
        different = [{"item_id": str(at), "input": words[at]} for at in of_equal]
        clusters = split.near_duplicates(different, NEAR_DUPLICATE)
        pairs.append((of_equal, [int(first) for first in clusters]))
        near += sum(int(first) != at for at, first in zip(of_equal, clusters, strict=True))
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
            f"Nearly the same as another item: {near:,}. They stay together as well."
        )
    _note_conflicts(reading, ways[0])


def _first_of_equal(values):
    """Pairs of each index with the first of an equal value, and those first indices."""
    first = {}
    firsts = [first.setdefault(value, at) for at, value in enumerate(values)]
    return (list(range(len(values))), firsts), list(first.values())


def _note_conflicts(reading, words_of):
    """Equal texts with different labels: one of the labels must be wrong."""
    if "label_name" not in reading.items[0]:
        return
    by_words = {}
    for item in reading.items:
        by_words.setdefault(words_of(item), []).append(item)
    conflicts = [
        same for same in by_words.values() if len({item["label_name"] for item in same}) > 1
    ]
    if conflicts:
        examples = "; ".join(
            f"{short(same[0]['shown'], 50)!r} is "
            + " and ".join(f"{item['label_name']!r} in {item['where']}" for item in same[:2])
            for same in (sorted(c, key=lambda i: i["label_name"])[:: len(c) - 1] for c in conflicts)
        )
        reading.notes.append(
            f"Texts that stand there with different labels: {len(conflicts):,}. Some of the labels "
            f"must be wrong; nothing was changed. {_first_few(examples)}"
        )


def _first_few(examples, most=3):
    few = examples.split("; ")
    return "For example: " + "; ".join(few[:most]) + "."


def _leave_out_small_classes(reading, name):
    groups = {}
    for item in reading.items:
        groups.setdefault(item["label_name"], set()).add(item["group"])
    small = {label for label, members in groups.items() if len(members) < LEAST_GROUPS}
    for label in sorted(small):
        reading.drop(
            lambda item, label=label: item["label_name"] == label,
            f"class '{label}' has fewer than {LEAST_GROUPS} groups, too few to learn and to test",
        )
    if len(groups) - len(small) < 2:
        counts = ", ".join(f"{label!r} {len(members)}" for label, members in groups.items())
        raise Refused(
            f"{name}: fewer than two classes have {LEAST_GROUPS} groups or more ({counts}), and "
            "that is the least for training, validation and test. Collect more, or join classes."
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


def _note_labels(reading):
    names = sorted({item["label_name"] for item in reading.items})
    alike = {}
    for name in names:
        alike.setdefault(re.sub(r"[\W_]+", "", name.casefold()) or name, []).append(name)
    for variants in alike.values():
        if len(variants) > 1:
            reading.notes.append(
                f"The labels {', '.join(map(repr, variants))} differ only in capitals, spaces or "
                "marks. They count as different classes; make them one in your file if they are."
            )
    if not any(re.search(r"[^\W\d_]{2}", name) for name in names):
        reading.notes.append(
            f"The labels ({', '.join(map(repr, names[:5]))}) are no words. The zero-shot baseline "
            "reads label names, so do not expect anything of it here."
        )


def _few_groups(items, most):
    """Whole groups by the hash of their name, class by class in turn, up to so many items."""
    by_class = {}
    for item in items:
        by_class.setdefault(item["label_name"], {}).setdefault(item["group"], []).append(item)
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
    return [item for item in items if item["group"] in chosen]


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
    return parts


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


def _intake(name, reading, held_out, parts):
    read_as, found = reading.read_as, reading.found
    left_out, notes = list(reading.left_out), list(reading.notes)
    if held_out is not None:
        read_as += f"; test file: {held_out.read_as}"
        found += held_out.found
        left_out += held_out.left_out
        notes += [f"Test file: {note}" for note in held_out.notes]
    kept = sum(len(part) for part in parts.values())
    return Intake(name, read_as, found, kept, left_out, notes)


def _text_card(name, text, label, group, test, reading, parts, label_names, metric):
    counts = Counter(parts["train"]["label"])
    classes = ", ".join(f"{label_name} {counts[at]:,}" for at, label_name in enumerate(label_names))
    together = "Texts with the same or nearly the same words form a group"
    together += f", and so do equal values of the column '{group}'." if group else "."
    dealt = (
        f"The test part is the file {Path(test).name}; training rows that resemble one of its rows "
        "are left out, and one group in eight is for validation."
        if test is not None
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


def _case_name(path):
    slug = re.sub(r"[^a-z0-9]+", "_", Path(path).stem.casefold()).strip("_")
    return f"own_{slug[:40] or 'data'}"


# --- sentence pairs ---------------------------------------------------------------------------


def case_from_pairs(
    path, source="source", target="target", group=None, test=None, pace=None, track=None
):
    """Make a retrieval case from a table with a sentence and its translation in each row.

    Parameters
    ----------
    path : str or pathlib.Path
        A delimited file whose first line names the columns.
    source, target : str
        Names of the columns with the sentence and with its translation.
    group, test, pace, track
        As in `case_from_csv`. Pairs that are alike on either side stay together.

    Returns
    -------
    ftlearn.cases.case.Case
        With a column ``translation``.

    Raises
    ------
    FileNotFoundError, ValueError
        As in `case_from_csv`.
    """
    pace, track = settings.pace(pace), settings.track(track)
    reading = _read_pairs(path, source, target, group, "row")
    held_out = _read_pairs(test, source, target, group, "test row") if test is not None else None
    name = Path(path).name
    _join_alike(reading, held_out, [_words_of("input"), _words_of("translation")])
    if held_out is not None:
        tested = {item["group"] for item in held_out.items}
        reading.drop(
            lambda item: item["group"] in tested,
            "the test file has the same, nearly the same, or the same group: it would leak",
        )
        if not reading.items:
            raise Refused(f"{name}: every pair resembles one of the test file.")
    if pace == "quick":
        reading.items = _few_groups(
            [{**item, "label_name": ""} for item in reading.items], QUICK_ITEMS
        )
    parts = _parts(
        replace(reading, items=[{**item, "label": 0} for item in reading.items]),
        held_out,
        [],
        name,
    )
    return Case(
        name=_case_name(path),
        title=f"{name}: {source} to {target}",
        task="retrieval",
        label_names=[],
        claim=f"A fine-tuned model finds translations better than the generalist on {name}.",
        claimed={"value": None, "unit": "points"},
        card=_card(
            name,
            f"For each sentence of column '{source}', find its translation in column '{target}'.",
            "Pairs that are alike on either side form a group. No group stands in two parts.",
            reading,
            parts,
        ),
        data_name=name,
        places={"test": f", 1 of {len(parts['test'])} to be found"},
        group_name="groups of alike sentences",
        metric="accuracy_at_1",
        generalist=multilingual.known(None, track),
        generalist_label=multilingual.MULTILINGUAL_MODELS[multilingual.known(None, track)].label,
        track=track,
        pace=pace,
        fold=None if held_out else 0,
        intake=_intake(name, reading, held_out, parts),
        **parts,
    )


def _read_pairs(path, source, target, group, kind):
    table = tables.read_table(path)
    for argument, column in (("source", source), ("target", target), ("group", group)):
        if column is not None and column not in table.columns:
            close = difflib.get_close_matches(str(column), table.columns, n=1)
            raise Refused(
                f"{argument}={column!r}: {table.name} has no such column. Its columns are "
                f"{', '.join(map(repr, table.columns))}."
                + (f" Did you mean {close[0]!r}?" if close else "")
            )
    if source == target:
        raise Refused(f"source and target are both {source!r}; name two columns.")
    reading = _reading_of(table, kind)
    for number, row in zip(table.numbers, table.rows, strict=True):
        item = {
            "item_id": f"{kind.replace(' ', '-')}-{number}",
            "where": f"{kind} {number}",
            "shown": f"{row[source].strip()} | {row[target].strip()}",
            "input": row[source].strip(),
            "translation": row[target].strip(),
            "label": 0,
            "row": number,
        }
        if group:
            item["own_group"] = row[group].strip()
        reading.items.append(item)
    reading.drop(lambda item: not item["input"], f"nothing in column '{source}'")
    reading.drop(lambda item: not item["translation"], f"nothing in column '{target}'")
    if not reading.items:
        raise Refused(f"{table.name}: no row has both sentences.")
    same = sum(item["input"] == item["translation"] for item in reading.items)
    if same:
        reading.notes.append(
            f"Pairs with the same text on both sides: {same:,}. Finding those is no translation."
        )
    return reading
