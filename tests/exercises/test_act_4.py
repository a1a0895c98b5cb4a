"""Act 4: solutions pass, blanks are not attempted, typical mistakes fail with their words.

The last exercise reads the record of the case; here that is a made-up table.
"""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ftlearn import evidence, notebooks, retrieval, training
from ftlearn.exercises import ACTS, act_4, load_act

SOURCE = notebooks.source_folder() / "04_multilingual.py"
N = {"cs": 50, "fr": 40}  # texts
# How many texts of a language a system gets right in the made-up record, by seed.
FOUND = {
    ("specialist", 0): {"cs": 33, "fr": 20},
    ("specialist", 1): {"cs": 36, "fr": 18},
    ("specialist", 2): {"cs": 36, "fr": 22},
    ("zero_shot", None): {"cs": 30, "fr": 28},
    ("linear_probe", None): {"cs": 31, "fr": 25},
    ("classical", None): {"cs": 20, "fr": 10},
}
RIGHT = {"cs": 10.0, "fr": -20.0}


def made_up_record():
    """Items as the record has them: the label is an item's place, the prediction that or -1."""
    rows = []
    for (system, seed), found in FOUND.items():
        place = 0
        for language, n in N.items():
            for number in range(n):
                kind = ("name", "interface")[number % 2]
                rows.append(
                    {
                        "item_id": f"{language}/{kind}-{number:016x}",
                        "system": system,
                        "seed": np.nan if seed is None else float(seed),
                        "label": place,
                        "prediction": place if number < found[language] else -1,
                    }
                )
                place += 1
    return pd.DataFrame(rows)


@pytest.fixture(autouse=True)
def record(monkeypatch):
    table = made_up_record()
    monkeypatch.setattr(act_4, "recorded_forgetting", lambda: table)
    return table


def answer_of(exercise, code, table):
    part = SimpleNamespace(predictions=table)
    namespace = {"ftlearn": SimpleNamespace(recorded=lambda case, name: part), "case": None}
    exec(code, namespace)
    return namespace[exercise.answer_name]


def solved(exercise):
    return answer_of(exercise, exercise.solution_code, made_up_record())


def said(exercise, answer, status="failed"):
    outcome = exercise.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


# --- every exercise ---------------------------------------------------------------------------


def test_an_act_has_three_to_five_exercises_from_easy_to_open_and_three_questions():
    kinds = [exercise.kind for exercise in act_4.EXERCISES]
    assert 3 <= len(kinds) <= 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act_4.QUIZ.questions) == 3
    assert len({exercise.key for exercise in act_4.EXERCISES}) == len(kinds)
    assert {exercise.act for exercise in act_4.EXERCISES} == {act_4.NOTEBOOK} <= set(ACTS)
    assert load_act(act_4.NOTEBOOK) is act_4
    assert all(len(exercise.hints) in (2, 3) for exercise in act_4.EXERCISES)


def test_the_right_answers_do_not_all_stand_in_one_place_and_are_not_always_the_longest():
    places = [[o.right for o in q.options].index(True) for q in act_4.QUIZ.questions]
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in act_4.QUIZ.questions]
    assert len(set(places)) > 1 and not all(longest)
    assert all(len(q.options) == 4 for q in act_4.QUIZ.questions)
    assert all(sum(o.right for o in q.options) == 1 for q in act_4.QUIZ.questions)


@pytest.mark.parametrize("exercise", act_4.EXERCISES, ids=lambda e: e.key)
def test_each_solution_passes(exercise):
    said(exercise, solved(exercise), "passed")


@pytest.mark.parametrize("exercise", act_4.EXERCISES, ids=lambda e: e.key)
def test_each_blank_is_not_attempted(exercise, record):
    said(exercise, answer_of(exercise, exercise.blank, record), "not attempted")


@pytest.mark.skipif(not SOURCE.exists(), reason=f"{SOURCE.name} is not written yet")
@pytest.mark.parametrize("exercise", act_4.EXERCISES, ids=lambda e: e.key)
def test_the_notebook_shows_each_blank_as_it_is_tested_and_checks_it(exercise):
    cells = [c.source for c in notebooks.read_source(SOURCE).cells if c.cell_type == "code"]
    call = f"act_4.{exercise.key}.check({exercise.answer_name})"
    (cell,) = [cell for cell in cells if call in cell]
    assert exercise.blank.strip() in cell


@pytest.mark.parametrize("exercise", act_4.EXERCISES, ids=lambda e: e.key)
@pytest.mark.parametrize(
    "answer", [None, 3, "text", [], {}, object(), np.zeros(4), lambda *given: 1, (1, 2)]
)
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise, answer):
    assert exercise.examine(answer).status in ("failed", "error")


# --- ranks_in_words ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accuracy", "mrr", "words"),
    [
        (0.57, 0.4, "they are swapped"),
        (40, 0.57, "`accuracy_at_1` is 40: right in per cent"),
        (0.4, 57, "`mrr` is 57: right in per cent"),
        (0.6, 0.57, "the share it gets *wrong*"),
        (0.8, 0.57, "among the first four"),
        (1, 0.57, "sooner or later"),
        (0.2, 0.57, "not one"),
        (2, 0.57, "That is a count"),
        (0.9, 0.57, "stand first?"),
        (0.4, 3.6, "That is the mean rank"),
        (0.4, 1 / 3.6, "That is 1 / mean rank"),
        (0.4, 0.28, "That is 1 / mean rank"),
        (0.4, 0.4, "accuracy at 1 again"),
        (0.4, 2.85, "the sum of 1 / rank"),
        (0.4, 2, "the median rank"),
        (0.4, 0.5, "1 / median rank"),
        (0.4, 0.55, "left out the tenth place"),
        (0.4, 0.325, "Ranks start at 1"),
        (0.4, 0.7, "`accuracy_at_1` is right, `mrr` is 0.7. Write down"),
        ("0.4", 0.57, "expected a number"),
    ],
)
def test_mistakes_about_five_ranks(accuracy, mrr, words):
    assert words in said(act_4.ranks_in_words, {"accuracy_at_1": accuracy, "mrr": mrr})


# --- ranking ----------------------------------------------------------------------------------


def test_the_check_of_ranks_agrees_with_the_course_s_own():
    for similarity in act_4._similarities():
        places = act_4._places(similarity)
        right, every = np.eye(len(similarity), dtype=bool), np.ones(len(similarity), dtype=bool)
        assert (places == retrieval.ranks_of_right(similarity, right, every)).all()


def test_the_arrays_tell_every_mistake_from_the_right_rule_and_from_each_other():
    arrays = list(act_4._similarities())
    rules = [act_4._places, *(rule for rule, _ in act_4._RANK_MISTAKES)]
    given = [tuple(np.concatenate([rule(s) for s in arrays]).tolist()) for rule in rules]
    assert len(set(given)) == len(given)


def test_three_of_the_arrays_have_ties_and_the_first_has_none():
    ties = [len(np.unique(s)) < s.size for s in act_4._similarities()]
    assert not ties[0] and sum(ties) >= 3


def by_rankdata(method):
    from scipy.stats import rankdata

    return lambda s: rankdata(-s, axis=1, method=method).diagonal()


def own(s):
    return s.diagonal()[:, None]


def in_place(s):
    s -= own(s)
    return [int(count) for count in (s >= 0).sum(axis=1)]


def by_two_sorts(s):
    return (-s).argsort(axis=1, kind="stable").argsort(axis=1).diagonal()


@pytest.mark.parametrize("ranks", [by_rankdata("max"), in_place])
def test_every_way_to_the_same_ranks_passes(ranks):
    said(act_4.ranking, ranks, "passed")


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        (lambda s: (s >= own(s)).sum(axis=1) - 1, "start at 0"),
        (lambda s: (s > own(s)).sum(axis=1) + 1, "only those that are *more* similar"),
        (by_rankdata("min"), "only those that are *more* similar"),
        (lambda s: (s > own(s)).sum(axis=1), "start at 0"),
        (lambda s: (s > own(s)).sum(axis=1), "only those that are *more* similar"),
        (by_rankdata("average"), "share a place"),
        (by_rankdata("ordinal"), "the number of a column"),
        (lambda s: by_two_sorts(s) + 1, "the number of a column"),
        (by_two_sorts, "start at 0"),
        (lambda s: (s <= own(s)).sum(axis=1), "no distance"),
        (lambda s: (s >= s.diagonal()).sum(axis=0), "went down the columns"),
        (lambda s: (s >= s.diagonal()).sum(axis=1), "stands it upright"),
        (lambda s: s.argmax(axis=1), "*which* candidate comes first"),
        (lambda s: (-s).argsort(axis=1, kind="stable").diagonal() + 1, "*who* stands in place i"),
        (lambda s: (-s).argsort(axis=1, kind="stable").diagonal(), "*who* stands in place i"),
        (lambda s: 1 / (s >= own(s)).sum(axis=1), "That is 1 / rank"),
        (lambda s: np.ones(len(s)), "How many of the row"),
        (lambda s: (s >= own(s) - 0.05).sum(axis=1), "How many of the row"),
        (lambda s: (s >= own(s)).sum(axis=1) == 1, "yes or no"),
        (lambda s: s >= own(s), "a whole square"),
        (lambda s: (s >= own(s)).sum(axis=1).mean(), "expected 3 ranks"),
        (lambda s: ["first"] * len(s), "expected 3 ranks"),
        (lambda s: [[1], [1, 2], []], "expected 3 ranks"),
        (lambda s: np.full(len(s), np.nan), "no finite number"),
    ],
)
def test_mistakes_about_ranks(ranks, words):
    assert words in said(act_4.ranking, ranks)


def test_a_wrong_rank_is_shown_with_its_row():
    message = said(act_4.ranking, lambda s: (s > own(s)).sum(axis=1) + 1)
    assert "Row 1 is [0.3, 0.5, 0.7, 0.5]; its own candidate, in column 1, has 0.5." in message
    assert "`my_ranks` says 2, expected 3." in message


# --- both_sides -------------------------------------------------------------------------------


def components(pairs):
    """Group of every pair: from each in turn, all that can be reached."""
    group = [None] * len(pairs)
    for start in range(len(pairs)):
        waiting = [start]
        while waiting:
            at = waiting.pop()
            if group[at] is None:
                group[at] = start
                waiting += [
                    other
                    for other, pair in enumerate(pairs)
                    if pair[0] == pairs[at][0] or pair[1] == pairs[at][1]
                ]
    return group


def dealt(group, seed, share=0.2):
    names = np.random.default_rng(seed).permutation(np.unique(group))
    tested = np.isin(group, names[: round(share * len(names))])
    return np.flatnonzero(~tested), np.flatnonzero(tested)


def by_group(pairs, seed, share=0.2):
    return dealt(components(pairs), seed, share)


def by_scikit_learn(pairs, seed):
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=seed)
    return next(splitter.split(pairs, groups=components(pairs)))


def by_pair(pairs, seed):
    return dealt(list(range(len(pairs))), seed)


def by_german(pairs, seed):
    return dealt([german for german, _ in pairs], seed)


def by_sorbian(pairs, seed):
    return dealt([sorbian for _, sorbian in pairs], seed)


def joined_once(pairs, seed):
    """German strings first, then each Sorbian string; nobody goes back."""
    group = list(range(len(pairs)))
    for language in (0, 1):
        first = {}
        group = [first.setdefault(p[language], g) for p, g in zip(pairs, group, strict=True)]
    return dealt(group, seed)


def pulled_over_once(pairs, seed):
    """Shuffled; then training pairs that share a string with a test pair are pulled over."""
    tested = set(np.random.default_rng(seed).permutation(len(pairs))[: len(pairs) // 10].tolist())
    seen = {text for at in tested for text in pairs[at]}
    tested |= {at for at, pair in enumerate(pairs) if seen & set(pair)}
    return sorted(set(range(len(pairs))) - tested), sorted(tested)


def leaks_thrown_away(pairs, seed):
    train, test = by_pair(pairs, seed)
    seen = {text for at in test for text in pairs[at]}
    return [at for at in train if not seen & set(pairs[at])], test


def test_the_dictionary_has_strings_in_several_pairs_of_both_languages_and_chains():
    pairs, chained = act_4._dictionary()
    assert len(set(pairs)) == len(pairs)
    assert not {german for german, _ in pairs} & {sorbian for _, sorbian in pairs}
    group = components(pairs)
    sizes = {name: group.count(name) for name in group}
    assert max(sizes.values()) <= len(pairs) // 50
    assert {size: list(sizes.values()).count(size) for size in sizes.values()} == {
        1: 100,
        3: 52,
        6: 12,
    }
    assert chained == [sizes[name] == 6 for name in group]
    stars = [pair for pair, in_chain in zip(pairs, chained, strict=True) if not in_chain]
    for language in (0, 1):
        texts = [pair[language] for pair in stars]
        assert sum(texts.count(text) == 3 for text in set(texts)) == 26


@pytest.mark.parametrize("split", [by_group, by_scikit_learn], ids=lambda split: split.__name__)
def test_every_split_by_group_passes(split):
    said(act_4.both_sides, split, "passed")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (by_pair, "Deal out groups, not pairs"),
        (by_german, "every German string in one part"),
        (by_sorbian, "every Sorbian string in one part"),
        (joined_once, "Only chains are torn"),
        (pulled_over_once, "Only chains are torn"),
        (leaks_thrown_away, "in neither part"),
        (lambda p, seed: by_group(p, 0), "`seed` is not used"),
        (lambda p, seed: by_group(p, None), "seed 0 again another"),
        (lambda p, seed: by_group(p, seed, 0.5), "about a fifth"),
        (lambda p, seed: by_group(p, seed)[::-1], "the wrong way round"),
        (lambda p, seed: (np.arange(len(p)), []), "The test part is empty"),
        (lambda p, seed: ([], np.arange(len(p))), "The training part is empty"),
        (lambda p, seed: (np.arange(len(p)), by_group(p, seed)[1]), "are in both parts"),
        (lambda p, seed: [np.repeat(side, 2) for side in by_group(p, seed)], "stand twice"),
        (lambda p, seed: [[p[at] for at in side] for side in by_group(p, seed)], "not the pairs"),
        (
            lambda p, seed: [np.isin(np.arange(len(p)), side) for side in by_group(p, seed)],
            "`np.flatnonzero(...)`",
        ),
        (lambda p, seed: ([0, 1], [len(p)]), "Indices run from 0"),
        (lambda p, seed: by_group(p, seed)[0], "Expected two arrays"),
    ],
)
def test_mistakes_about_the_split(split, words):
    assert words in said(act_4.both_sides, split)


def test_a_leak_is_shown_with_its_size_and_a_string():
    message = said(act_4.both_sides, by_german)
    assert "0 German and" in message and "such as 'słowo " in message


# --- contrastive_loss -------------------------------------------------------------------------


def plain_loss(queries, candidates, scale=20.0):
    """In plain Python, text by text."""
    scores = [
        [scale * sum(a * b for a, b in zip(q, c, strict=True)) for c in candidates] for q in queries
    ]
    losses = []
    for table in (scores, list(zip(*scores, strict=True))):
        for at, row in enumerate(table):
            top = max(row)
            losses.append(top + math.log(sum(math.exp(s - top) for s in row)) - row[at])
    return sum(losses) / len(losses)


def test_the_check_of_the_loss_agrees_with_plain_python_and_with_what_trains_the_specialist():
    import torch

    trained_with = training.pair_loss(None)
    assert trained_with.scale == 20
    for queries, candidates, scale in act_4._batches():
        expected = act_4._loss(queries, candidates, scale)
        assert plain_loss(queries, candidates, scale) == pytest.approx(expected)
        trained_with.scale = scale
        tensors = [torch.tensor(rows) for rows in (queries, candidates)]
        loss = trained_with.compute_loss_from_embeddings(tensors, None)
        assert float(loss) == pytest.approx(expected)


def test_rows_of_the_batches_have_length_1_and_the_two_directions_differ():
    for queries, candidates, scale in act_4._batches():
        assert np.linalg.norm([*queries, *candidates], axis=1) == pytest.approx(1)
        forward, backward = act_4._losses(queries, candidates, scale)
        assert abs(forward.mean() - backward.mean()) > 0.01


def test_every_batch_tells_every_mistake_from_the_right_loss_and_all_tell_them_apart():
    batches = list(act_4._batches())
    rules = [act_4._loss, *(rule for rule, _ in act_4._LOSS_MISTAKES)]
    given = [tuple(round(float(rule(*b)), 4) for b in batches) for rule in rules]
    assert len(set(given)) == len(given)
    one_scale = [values for values in given[1:] if values[0] == given[0][0]]
    assert len(one_scale) == 1  # right for a scale of 20 only


def by_softmax(queries, candidates, scale=20.0, save=lambda share: share):
    """Exp and log one after the other."""
    scores = np.exp(scale * queries @ candidates.T)
    shares = [scores.diagonal() / scores.sum(axis=axis) for axis in (1, 0)]
    return -np.mean([np.log(save(share)).mean() for share in shares])


def by_shifted_softmax(queries, candidates, scale=20.0, save=lambda share: share):
    """The same, safe from what is too large; what is too small is 0 still."""
    scores = scale * queries @ candidates.T
    losses = []
    for table in (scores, scores.T):
        shares = np.exp(table - table.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        losses.append(-np.log(save(shares.diagonal())).mean())
    return np.mean(losses)


def by_torch(queries, candidates, scale=20.0):
    import torch
    from torch.nn.functional import cross_entropy

    scores = scale * torch.tensor(queries, dtype=torch.float32) @ torch.tensor(candidates).float().T
    at = torch.arange(len(scores))
    return (cross_entropy(scores, at) + cross_entropy(scores.T, at)) / 2


@pytest.mark.parametrize("loss", [plain_loss, by_torch], ids=lambda loss: loss.__name__)
def test_every_way_to_the_same_loss_passes(loss):
    said(act_4.contrastive_loss, loss, "passed")


def directions(q, c, scale=20.0):
    """Loss of every row in both directions, safely."""
    return act_4._losses(q, c, scale)


def mean_of(function):
    return lambda q, c, scale=20.0: np.mean([function(one) for one in directions(q, c, scale)])


def others_only(q, c, scale=20.0):
    scores = np.exp(scale * q @ c.T)
    right = scores.diagonal()
    return np.mean([-np.log(right / (scores.sum(axis=axis) - right)).mean() for axis in (0, 1)])


def whole_square(q, c, scale=20.0):
    scores = np.exp(scale * q @ c.T)
    return -np.log(scores / scores.sum()).diagonal().mean()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda q, c, scale=20.0: directions(q, c, scale)[0].mean(), "for each query"),
        (lambda q, c, scale=20.0: directions(q, c, scale)[1].mean(), "for each *candidate*"),
        (lambda q, c, scale=20.0: 2 * plain_loss(q, c, scale), "add the two directions"),
        (mean_of(np.sum), "add up over the batch"),
        (lambda q, c, scale=20.0: np.sum(directions(q, c, scale)), "add everything up"),
        (lambda q, c, scale=20.0: plain_loss(q, c, 1), "The scale is missing"),
        (lambda q, c, scale=20.0: plain_loss(q, c, 1 / scale), "You divide by `scale`"),
        (lambda q, c, scale=20.0: plain_loss(q, c), "right for a scale of 20 only"),
        (lambda q, c, scale=20.0: -plain_loss(q, c, scale), "The sign is turned"),
        (lambda q, c, scale=20.0: plain_loss(q, c, scale) / math.log(2), "has base 2"),
        (mean_of(lambda losses: np.exp(-losses).mean()), "the mean probability of the right"),
        (mean_of(lambda losses: 1 - np.exp(-losses).mean()), "1 minus the mean probability"),
        (others_only, "left the right answer out"),
        (whole_square, "over the whole square"),
        (by_softmax, "`scipy.special.logsumexp` does both safely"),
        (by_shifted_softmax, "`scipy.special.logsumexp` does both safely"),
        (
            lambda q, c, scale=20.0: by_shifted_softmax(q, c, scale, lambda share: share + 1e-12),
            "what you add or clip",
        ),
        (
            lambda q, c, scale=20.0: by_shifted_softmax(
                q, c, scale, lambda share: np.maximum(share, 1e-30)
            ),
            "what you add or clip",
        ),
        (lambda q, c, scale=1.0: plain_loss(q, c, scale), "Keep the default"),
        (lambda q, c, scale=20.0: 0.5, "logarithm of the sum"),
        (lambda q, c, scale=20.0: directions(q, c, scale)[0], "an array of shape (3,)"),
        (lambda q, c, scale=20.0: "low", "expected a number"),
        (lambda q, c, scale=20.0: float("nan"), "gives nan, expected"),
    ],
)
def test_mistakes_about_the_loss(loss, words):
    assert words in said(act_4.contrastive_loss, loss)


def test_a_wrong_loss_of_the_small_batch_can_be_worked_out_again():
    message = said(act_4.contrastive_loss, lambda q, c, scale=20.0: 2 * plain_loss(q, c, scale))
    assert "For queries [[1, 0], [0, 1], [0.6, 0.8]], candidates [[1, 0], " in message
    assert "and scale 20, `my_loss` gives" in message


def test_a_loss_without_a_default_scale_is_an_error_that_is_told():
    needs_scale = lambda q, c, scale: plain_loss(q, c, scale)  # noqa: E731
    assert "scale" in said(act_4.contrastive_loss, needs_scale, "error")


# --- forgetting -------------------------------------------------------------------------------


def test_shares_are_of_each_language_and_the_mean_of_all_seeds(record):
    after = act_4.shares_right(record, "specialist")
    assert after == pytest.approx({"cs": 35 / 50, "fr": 20 / 40, "all": 55 / 90})
    assert act_4.shares_right(record, "specialist", 1)["cs"] == pytest.approx(36 / 50)
    before = act_4.shares_right(record, "zero_shot")
    assert act_4.change_of(before, after) == pytest.approx(RIGHT)


def change(record, before, after, seed=None):
    return act_4.change_of(
        act_4.shares_right(record, before), act_4.shares_right(record, after, seed)
    )


def test_mistakes_about_what_was_forgotten(record):
    message = said(act_4.forgetting, {"cs": 10, "fr": -20.0}, "passed")
    assert "On Czech the specialist gained 10.0 points, on French it lost 20.0 points" in message
    assert "3 seeds" in message and "50 texts in Czech a single one is worth 2.0 points" in message
    both = 100 * (55 - 58) / 90
    for wrong, words in (
        ({"cs": 0.1, "fr": -0.2}, "Expected points"),
        ({"cs": -10, "fr": 20}, "The wrong way round"),
        ({"cs": -20, "fr": 10}, "You swapped the languages"),
        ({"cs": both, "fr": both}, "thrown together"),
        ({"cs": 70, "fr": 50}, "the specialist's own scores"),
        ({"cs": 60, "fr": 70}, "the scores of `zero_shot`"),
        ({"cs": 100 * 5 / 30, "fr": -100 * 8 / 28}, "per cent of the score before"),
        ({"cs": 150, "fr": 80}, "added the specialist's seeds up"),
        (change(record, "linear_probe", "specialist"), "compared the specialist with `linear_pro"),
        (change(record, "classical", "specialist"), "compared the specialist with `classical`"),
        (change(record, "zero_shot", "linear_probe"), "how far `linear_probe` is"),
        (change(record, "zero_shot", "specialist", 1), "seed 1 alone"),
        ({"cs": 10, "fr": -3}, "`cs` is right, `fr` is -3"),
        ({"cs": 4, "fr": -20}, "`fr` is right, `cs` is 4"),
        ({"cs": 4, "fr": -3}, "`cs` is 4, `fr` is -3"),
        ({"cs": "ten", "fr": -20}, "expected a number"),
        ({"cs": 10}, "Expected a dict with two numbers"),
    ):
        assert words in said(act_4.forgetting, wrong)


def test_a_change_of_nothing_is_called_neither_gain_nor_loss(record, monkeypatch):
    level = record.assign(prediction=record["label"])
    monkeypatch.setattr(act_4, "recorded_forgetting", lambda: level)
    message = said(act_4.forgetting, {"cs": 0, "fr": 0.1}, "passed")
    assert message.count("neither gained nor lost") == 2


def test_a_finding_without_a_record_is_told_and_does_not_pass(monkeypatch):
    def absent():
        raise FileNotFoundError("there is no record of case 'multilingual'")

    monkeypatch.setattr(act_4, "recorded_forgetting", absent)
    assert "no record" in said(act_4.forgetting, RIGHT, "error")


def test_the_solution_passes_on_what_is_read_from_a_record(monkeypatch, tmp_path, record):
    monkeypatch.undo()
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    table = record.assign(part="forgetting", group="a group", key="a run")
    elsewhere = table.assign(part="test", prediction=table["label"])
    pd.concat([elsewhere, table]).to_parquet(tmp_path / "multilingual.parquet", index=False)
    (tmp_path / "multilingual.json").write_text(json.dumps({"case": "multilingual", "runs": []}))
    read = act_4.recorded_forgetting()
    assert len(read) == len(table) and set(read["part"]) == {"forgetting"}
    solution = answer_of(act_4.forgetting, act_4.forgetting.solution_code, read)
    assert solution == pytest.approx(RIGHT)
    said(act_4.forgetting, solution, "passed")
