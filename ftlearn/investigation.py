"""A whole trial in one call: baselines, a sensible recipe, a specialist, a verdict."""

import html
import json
import math
import time
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from . import baselines, files, plots, settings, torch_setup, training
from .evaluation import best_on_validation, judge, score
from .models import load_generalist, sees_images
from .training import Estimate, Recipe
from .words import system_label

# About what the course's own medical case takes: 4 epochs of 147 steps.
STEPS_AIMED_AT = 600
EPOCHS = range(4, 21)
FEWEST_EPOCHS = 2
MOST_SUSPECTS = 20
_FROZEN = ("zero_shot", "linear_probe", "mlp_probe")


@dataclass(frozen=True)
class Plan:
    recipe: Recipe
    estimate: Estimate
    reason: str


@dataclass(frozen=True)
class Suspect:
    """An item whose label may be wrong."""

    item_id: str
    input: str
    label: str
    suggested: str
    probability: float


@dataclass(frozen=True)
class Investigation:
    """What came out of `investigate`; shown as figures and text in a notebook."""

    case: object
    systems: dict
    specialist: object
    verdict: object
    others: list
    scores: dict
    plan: Plan
    suspects: list = field(repr=False)
    seconds: float

    def advice(self):
        """What the verdict means for what to do next: a list of one sentence or two each."""
        if self.case.pace == "quick":
            return ["Quick pace is for trying things out. Run it at full pace before you decide."]
        lines = [_what_won(self.verdict, self.others, self.case)]
        if self.verdict.n_groups < 200:
            lines.append(
                f"The test part has {self.verdict.n_groups:,} {self.case.group_name}: few for a "
                "fine difference. To halve the interval takes about four times as many."
            )
        lines.append(
            "Read the items it breaks: ftlearn.compare(found.case, found.systems). A number never "
            "says which mistakes hurt."
        )
        return lines

    def __str__(self):
        lines = [self.verdict.wording, *(verdict.wording for verdict in self.others)]
        for name, value in self.scores.items():
            lines.append(f"{system_label(name, value.case)}: {value}")
        lines += _suspects_text(self.suspects)
        return "\n".join([*lines, *self.advice(), self._took()])

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))

    def _repr_html_(self):
        others = "".join(f"<li>{html.escape(verdict.wording)}</li>" for verdict in self.others)
        advice = "".join(f"<li>{html.escape(line)}</li>" for line in self.advice())
        # the two *ignore* classes keep MathJax from reading dollar signs in the items as formulas
        return (
            '<section class="mathjax_ignore tex2jax_ignore" aria-label="Investigation">'
            f"{plots.verdict_figure(self.verdict)._repr_html_()}"
            f"{plots.score_bars(self.scores)._repr_html_()}"
            f"<p><strong>Against the other baselines</strong></p><ul>{others}</ul>"
            f"<p><strong>What now?</strong></p><ul>{advice}</ul>"
            f"{_suspects_html(self.suspects)}<p>{html.escape(self._took())}</p></section>"
        )

    def _took(self):
        return (
            f"The investigation took {self.seconds:.0f} s, of which training "
            f"{self.specialist.seconds:.0f} s; training took at most "
            f"{self.specialist.peak_memory_mb:,.0f} MB of memory."
        )


def investigate(case, recipe=None, minutes=2.0, progress=print):
    """Measure every baseline, fine-tune a specialist, and judge it, in one call.

    Every decision is made on training and validation; the test part is read once, for the verdict.
    An investigation that was stopped by hand (`ftlearn.training.TrainingInterrupted`) goes on where
    it was when the same call is made again.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    recipe : ftlearn.training.Recipe, optional
        When absent, `plan_training` chooses.
    minutes : float
        As in `plan_training`.
    progress : callable
        Gets one line at each step.

    Returns
    -------
    Investigation
    """
    began = time.perf_counter()
    if case.intake is not None:
        progress(str(case.intake))
    generalist = load_generalist(case)
    progress("Measuring the baselines ...")
    systems = baselines.fit_baselines(case, generalist)
    for name, system in systems.items():
        measured = score(case, system, part="validation").score
        progress(f"  {system_label(name, case.name)}: {measured:.3f} on validation")
    opponent = best_on_validation(case, [systems[name] for name in _FROZEN if name in systems])
    progress(f"The specialist has to beat the {system_label(opponent.name, case.name)}.")
    is_search = case.task == "retrieval"
    suspects = [] if is_search else suspected_labels(case, generalist)
    if suspects:
        progress(f"{len(suspects)} labels look most doubtful; they are listed at the end.")
    chosen = plan_training(
        case, recipe, minutes, prompt=systems["zero_shot"].prompt if is_search else ""
    )
    progress(f"{chosen.reason}\nExpect {chosen.estimate}.")
    specialist = training.fine_tune(case, chosen.recipe)
    if case.pace != "quick":
        _plan_file(case, minutes).unlink(missing_ok=True)
    systems["specialist"] = specialist
    scores = {name: score(case, system) for name, system in systems.items()}
    verdict = judge(case, opponent, specialist, primary=True)
    others = [
        judge(case, system, specialist)
        for name, system in systems.items()
        if name not in ("specialist", "majority", opponent.name)
    ]
    specialist.scores = {system_label(name, case.name): value for name, value in scores.items()}
    specialist.verdicts = [verdict, *others]
    return Investigation(
        case=case,
        systems=systems,
        specialist=specialist,
        verdict=verdict,
        others=others,
        scores=scores,
        plan=chosen,
        suspects=suspects,
        seconds=time.perf_counter() - began,
    )


# --- the recipe -------------------------------------------------------------------------------


def plan_training(case, recipe=None, minutes=2.0, prompt=""):
    """Choose a recipe from the size of the data and the speed of this machine.

    `Recipe.tuned`, `Recipe.images` or `Recipe.pairs`, with as many epochs as make about
    `STEPS_AIMED_AT` steps (half as many for images and pairs), from 4 to 20, for small data starve
    on the usual few (Mosbach et al. 2021, https://doi.org/10.48550/arXiv.2006.04884). Fewer, but at
    least 2, where so many would take longer than `minutes`, as measured by a few real steps. The
    choice is kept until the investigation is complete: one that was stopped goes on with it.
    """
    if not minutes > 0:
        raise ValueError(f"minutes is {minutes!r}; allowed: a number above 0.")
    if recipe is not None:
        return Plan(recipe, training.estimate(case, recipe), "The recipe is yours.")
    if case.pace == "quick":
        recipe = replace(training.default_recipe(case), prompt=prompt)
        return Plan(recipe, training.estimate(case, recipe), "Quick pace: a single epoch.")
    kept = _plan_file(case, minutes)
    if kept.exists():
        content = json.loads(kept.read_text(encoding="utf-8"))
        reason = "Going on with the recipe that was chosen when this investigation was begun."
        return Plan(Recipe(**content["recipe"]), Estimate(**content["estimate"]), reason)
    chosen = _choose(case, minutes, prompt)
    files.make_folder(kept.parent)
    files.write_whole(kept, json.dumps(asdict(chosen)))
    return chosen


def _choose(case, minutes, prompt):
    what, default, aim = "texts", Recipe.tuned, STEPS_AIMED_AT
    if case.task == "retrieval":
        what, default, aim = "pairs", Recipe.pairs, STEPS_AIMED_AT / 2
    elif sees_images(case):
        what, default, aim = "images", Recipe.images, STEPS_AIMED_AT / 2
    tuned = default(prompt=prompt)
    steps = math.ceil(len(case.train) / tuned.batch_size)
    wanted = min(max(round(aim / steps), EPOCHS[0]), EPOCHS[-1])
    measured = training.estimate(case, tuned)
    affordable = int(60 * minutes / (measured.seconds / tuned.epochs))
    epochs = max(min(wanted, affordable), FEWEST_EPOCHS)
    # With many short epochs a better one may follow several that are none; an image network may
    # stay at a coin for a third of them.
    patience = epochs if sees_images(case) else max(2, epochs // 4)
    recipe = replace(tuned, epochs=epochs, patience=patience)
    reason = (
        f"{len(case.train):,} training {what} make {steps:,} steps an epoch, so {wanted} epochs "
        "are wanted"
    )
    if epochs < wanted:
        reason += (
            f"; this machine does {epochs} in about {minutes:g} minutes. More time, more epochs: "
            f"investigate(case, minutes={math.ceil(minutes * wanted / epochs)})."
        )
    else:
        reason += ". Validation decides which is the last."
    speed = measured.examples_per_second
    return Plan(
        recipe, Estimate(measured.seconds * epochs / tuned.epochs, steps * epochs, speed), reason
    )


def _plan_file(case, minutes):
    key = f"{training.data_fingerprint(case)}-{torch_setup.device()}-{minutes:g}"
    return settings.own_cache() / "runs" / f"{case.name}-{key}.plan.json"


# --- doubtful labels --------------------------------------------------------------------------


def suspected_labels(case, generalist, most=MOST_SUSPECTS):
    """Items of train and validation whose label a model trained without them does not believe.

    Confident learning (Northcutt et al. 2021, https://doi.org/10.1613/jair.1.12125) as cleanlab
    does it, on the cross-validated answers of a linear probe. A suspect may as well be a hard item.
    """
    from cleanlab.filter import find_label_issues

    rows = [row for name in ("train", "validation") for row in case.part(name)]
    labels = np.array([row["label"] for row in rows])
    groups = np.array([row["group"] for row in rows])
    if min(len(set(labels)), len(set(groups))) < 2:
        return []  # there is no other label to expect, or nothing to learn it from
    features = generalist.embed([row["input"] for row in rows])
    probabilities = _out_of_fold(features, labels, groups, len(case.label_names))
    doubtful = find_label_issues(
        labels,
        probabilities,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        n_jobs=1,
    )
    suspects = []
    for at in map(int, doubtful[:most]):
        row, suggested = rows[at], int(probabilities[at].argmax())
        # Of an image the name of its file stands for it.
        shown = row["input"] if isinstance(row["input"], str) else row.get("file", row["item_id"])
        names = case.label_names[labels[at]], case.label_names[suggested]
        suspects.append(Suspect(row["item_id"], shown, *names, float(probabilities[at, suggested])))
    return suspects


def _out_of_fold(features, labels, groups, n_classes):
    """Class probabilities of every item from a probe that never saw its group."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    probabilities = np.zeros((len(labels), n_classes))
    folds = GroupKFold(min(5, len(set(groups))))
    for train, held_out in folds.split(features, labels, groups):
        if len(set(labels[train])) < 2:
            probabilities[held_out, labels[train][0]] = 1.0
            continue
        probe = LogisticRegression(C=10.0, max_iter=1000).fit(features[train], labels[train])
        columns = np.ix_(held_out, probe.classes_)
        probabilities[columns] = probe.predict_proba(features[held_out])
    return probabilities


_SUSPECTS_TITLE = "Labels worth a second look"
_SUSPECTS_NOTE = (
    "A probe that never saw them expects another label. Some are mistakes, some are just hard; "
    "nothing was changed."
)


def _suspects_text(suspects):
    lines = [f"{_SUSPECTS_TITLE}. {_SUSPECTS_NOTE}"] if suspects else []
    for s in suspects:
        expected = f"{s.label!r}, or {s.suggested!r} ({s.probability:.0%})?"
        lines.append(f"  {s.item_id}: {expected} {_short(s.input)}")
    return lines


def _suspects_html(suspects):
    if not suspects:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Item", "Text", "Label", "Expected"))
    body = "".join(
        f'<tr><th scope="row">{html.escape(s.item_id)}</th>'
        f'<td style="text-align:left">{html.escape(_short(s.input))}</td>'
        f"<td>{html.escape(s.label)}</td>"
        f"<td>{html.escape(s.suggested)} ({s.probability:.0%})</td></tr>"
        for s in suspects
    )
    return (
        f"<details><summary><strong>{_SUSPECTS_TITLE}</strong> ({len(suspects)})</summary>"
        f"<p>{_SUSPECTS_NOTE}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></details>"
    )


def _short(text):
    return text if len(text) <= 160 else text[:160].rstrip() + " ..."


# --- words ------------------------------------------------------------------------------------


def _what_won(verdict, others, case):
    opponent = system_label(verdict.baseline, verdict.case)
    if verdict.low is None:
        return "All test items are in one group, so nothing can be said about other data."
    if verdict.high < 0:
        return f"Here fine-tuning hurts. Use the {opponent}: it is better, and trains in seconds."
    if verdict.low <= 0:
        return (
            f"These data cannot tell the specialist from the {opponent}. The simpler one trains in "
            "seconds: take it, unless more data change the verdict."
        )
    classical = next(other for other in others if other.baseline == "classical")
    craft = "sees edges" if sees_images(case) else "counts words"
    if case.task == "retrieval":
        craft = "compares letters"
    if classical.low is None or classical.low <= 0:
        return (
            f"The specialist beats the {opponent}, but not, as far as these data show, a "
            f"baseline that only {craft}. That one is faster and can be read: try it first."
        )
    return (
        f"The specialist beats the {opponent} and the baseline that {craft}. Weigh "
        f"{100 * verdict.difference:.1f} points against its price in time and memory."
    )
