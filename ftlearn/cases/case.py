"""The shape that every case has."""

import weakref
from dataclasses import dataclass, field

import numpy as np

from .. import retrieval, torch_setup

PARTS = ("train", "validation", "test")


@dataclass(eq=False)
class Case:
    """One task on trial: a claim, its data, its labels, its generalist, its metric."""

    name: str  # key in the registry and in `results.json`
    title: str
    task: str  # "classification" or "retrieval"
    # Parts have the columns `item_id` (str), `input`, `label` (int), `group` (str), and what the
    # case adds. No group stands in two of them. For retrieval also `translation`, and `pool` where
    # a part holds several pools of candidates; `label` is then of no use.
    train: object
    validation: object
    test: object
    label_names: list
    claim: str  # the sentence on trial
    claimed: dict  # its size: "value" (float), "unit" (points or per cent)
    card: str  # Markdown: origin, licence, how the data were made, what to beware of
    data_name: str  # as verdicts name the data
    group_name: str  # in the plural, such as "code blocks"
    metric: str  # "accuracy", "macro_f1", "auc" or "accuracy_at_1"
    generalist: str  # `ftlearn.load_generalist` builds it
    track: str
    pace: str
    shifts: dict = field(default_factory=dict)  # parts from elsewhere, for the cross-examination
    fold: int | None = None  # which fold is the test part, where the case has folds
    generalist_label: str = ""  # as verdicts name it
    # By part, where it differs: what its groups are, and how a verdict names the part.
    group_names: dict = field(default_factory=dict)
    places: dict = field(default_factory=dict)
    templates: tuple = ("{}",)  # sentences around a label's name; zero-shot takes one on validation
    max_tokens: int = 64  # of a text that the models read; memory grows with the longest of a batch
    image_size: int = 96  # pixels, each way, to which the models see an image scaled
    caution: str = ""  # stands wherever systems answer to images
    languages: tuple = ()  # codes of input and translation, for screen readers
    intake: object = None  # `Intake` of the learner's own files
    # init=False: a case made of another (dataclasses.replace) must not inherit its predictions.
    _memory: object = field(default_factory=weakref.WeakKeyDictionary, init=False, repr=False)
    # What was computed from its record; see `ftlearn.evidence.recorded`.
    record_memory: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self):
        self.generalist_label = self.generalist_label or self.generalist

    def part(self, name):
        """Train, validation, test or a shift, by name."""
        if name in PARTS:
            return getattr(self, name)
        if name in self.shifts:
            return self.shifts[name]
        allowed = ", ".join((*PARTS, *self.shifts))
        raise ValueError(f"part {name!r} is not in case {self.name!r}; allowed: {allowed}.")

    def group_name_of(self, part):
        return self.group_names.get(part, self.group_name)

    def probabilities(self, system, part="test"):
        """What a system predicts for a part; asked once, then remembered.

        Parameters
        ----------
        system : object with ``predict``
        part : str

        Returns
        -------
        numpy.ndarray
            float32, shape (n, classes); rows sum to 1.
        """
        remembered = self._memory.setdefault(system, {})
        if part not in remembered:
            rows = np.asarray(system.predict(self.part(part)["input"]), dtype=np.float32)
            expected = (len(self.part(part)), len(self.label_names))
            if rows.shape != expected:
                raise ValueError(
                    f"system {system.name!r} predicted an array of shape {rows.shape} for part "
                    f"{part!r}; expected {expected} (items, classes)."
                )
            remembered[part] = rows
            torch_setup.return_free_blocks()  # hundreds of MB after a part of images
        return remembered[part]

    def labels(self, part="test"):
        # [:] reads a whole column at once; without it every row is looked up on its own
        return np.asarray(self.part(part)["label"][:], dtype=np.int64)

    def groups(self, part="test"):
        return np.asarray(self.part(part)["group"][:], dtype=str)

    def ranks(self, system, part="test"):
        """Where a retrieval system ranks the true translation of every item; asked once.

        Candidates are the translations of the part, or of the item's pool where it has pools. One
        that is as similar as the true one counts before it.

        Parameters
        ----------
        system : object with ``embed``, as `ftlearn.retrieval` says
        part : str

        Returns
        -------
        numpy.ndarray of int, shape (n,)
            From 1.
        """
        return self._searched(system, part)[0]

    def found(self, system, part="test"):
        """What a retrieval system finds first for every item; another where it is as similar."""
        translations = list(self.part(part)["translation"])
        return [translations[at] for at in self._searched(system, part)[1]]

    def _searched(self, system, part):
        """(rank of the true one, index of the first one) of every item; asked once."""
        remembered = self._memory.setdefault(system, {})
        if part not in remembered:
            rows = self.part(part)
            similarity = self._similarity(system, rows)
            pools = list(rows["pool"]) if "pool" in rows.column_names else None
            texts = list(rows["input"]), list(rows["translation"])
            right, first = retrieval.true_pairs(*texts, pools)
            ranks = retrieval.ranks_of_right(similarity, right, first)
            # What is shown as found: a right one where one comes first, else the best wrong one.
            missed = np.where(right, -np.inf, similarity).argmax(axis=1)
            remembered[part] = ranks, np.where(ranks == 1, np.arange(len(ranks)), missed)
            torch_setup.return_free_blocks()
        return remembered[part]

    def _similarity(self, system, rows):
        queries = np.asarray(system.embed(list(rows["input"]), side="query"))
        answers = np.asarray(system.embed(list(rows["translation"]), side="candidate"))
        similarity = (queries @ answers.T).astype(np.float64)
        if similarity.shape != (len(rows), len(rows)) or not np.isfinite(similarity).all():
            raise ValueError(
                f"system {system.name!r} gave similarities of shape {similarity.shape}; expected "
                f"finite ones of shape {(len(rows), len(rows))} (items, candidates)."
            )
        if "pool" in rows.column_names:
            pools = np.asarray(rows["pool"])
            similarity[pools[:, None] != pools[None, :]] = -np.inf
        return similarity

    def correct(self, system, part="test"):
        """Which items a system gets right (translations: finds first), and their groups."""
        if self.task == "retrieval":
            return self.ranks(system, part) == 1, self.groups(part)
        predicted = self.probabilities(system, part).argmax(axis=1)
        return predicted == self.labels(part), self.groups(part)
