# ---
# title: Keep each string in one part
# kind: repair
# answer: my_split
# hints:
# - >-
#   What is dealt out must be groups: pairs that share a string, German or Sorbian, and pairs that
#   hang together through others.
# - >-
#   Give each pair its own number as its group. For each German string, give all its pairs the
#   lowest group among them; then do the same for each Sorbian string. Repeat until nothing
#   changes.
# - >-
#   Then shuffle the different groups with `np.random.default_rng(seed).permutation(...)`, give a
#   fifth of them to the test part, and let `np.isin` and `np.flatnonzero` find their pairs.
# explanation: >-
#   A model that has met a Sorbian string in training has met half of the answer, whatever German
#   string it stood beside. Chains are why grouping by one language is not enough. Such groups are
#   the connected components of a graph; for many pairs, scipy has `connected_components`.
# ---

# %% solution
import numpy as np


def my_split(pairs, seed):
    """Indices of pairs for training and for testing, about four to one."""
    groups, before = list(range(len(pairs))), None
    while groups != before:  # until every chain is joined
        before = groups
        for language in (0, 1):
            lowest = {}
            for pair, group in zip(pairs, groups):
                text = pair[language]
                lowest[text] = min(group, lowest.get(text, group))
            groups = [lowest[pair[language]] for pair in pairs]
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    tested = np.isin(groups, names[: len(names) // 5])
    return np.flatnonzero(~tested), np.flatnonzero(tested)


# %% check
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ftlearn.exercises.checks import Answers, Mistake, check_shares, sides

answers = Answers()
SEEDS = (0, 1, 2, 3)
SHARE_OF_TEST = (0.1, 0.3)


def dictionary():
    """(pairs, which of them are in a chain), in mixed order.

    Some strings stand in one pair, some in three. A chain goes from language to language: two
    pairs share a German string, one of them a Sorbian string with a third, and so on. No string is
    in both languages, no pair stands twice.
    """
    drawn, chained, words = [], [], [0, 0]

    def new(language):
        words[language] += 1
        return f"{('Wort', 'słowo')[language]} {words[language]:03d}"

    for _ in range(100):
        drawn.append((new(0), new(1)))
    for _ in range(26):
        german, sorbian = new(0), new(1)
        drawn += [(german, new(1)) for _ in range(3)]
        drawn += [(new(0), sorbian) for _ in range(3)]
    chained += [False] * len(drawn)
    for _ in range(12):
        german, sorbian = new(0), new(1)
        for step in range(6):
            drawn.append((german, sorbian))
            german, sorbian = (german, new(1)) if step % 2 else (new(0), sorbian)
        chained += [True] * 6
    order = np.random.default_rng(8).permutation(len(drawn))
    return [drawn[at] for at in order], [chained[at] for at in order]


def dealt(groups, seed, share=0.2):
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    tested = np.isin(groups, names[: round(share * len(names))])
    return np.flatnonzero(~tested), np.flatnonzero(tested)


@answers.right
def by_components(pairs, seed, share=0.2):
    german, sorbian = (np.unique(side, return_inverse=True)[1] for side in zip(*pairs, strict=True))
    nodes = german, sorbian + len(pairs)
    size = 2 * len(pairs)
    _, group = connected_components(coo_array((np.ones(len(pairs)), nodes), shape=(size, size)))
    return dealt(group[german], seed, share)


@answers.meets("Deal out groups, not pairs")
def by_pair(pairs, seed):
    return dealt(range(len(pairs)), seed)


@answers.meets("every German string in one part")
def by_german(pairs, seed):
    return dealt([german for german, _ in pairs], seed)


@answers.meets("every Sorbian string in one part")
def by_sorbian(pairs, seed):
    return dealt([sorbian for _, sorbian in pairs], seed)


@answers.meets("Only chains are torn")
def joined_once(pairs, seed):
    """German strings first, then each Sorbian string; nobody goes back."""
    group = list(range(len(pairs)))
    for language in (0, 1):
        first = {}
        group = [first.setdefault(p[language], g) for p, g in zip(pairs, group, strict=True)]
    return dealt(group, seed)


@answers.meets("are on neither side")
def leaks_thrown_away(pairs, seed):
    train, test = by_pair(pairs, seed)
    seen = {text for at in test for text in pairs[at]}
    return [at for at in train if not seen & set(pairs[at])], test


answers.meets("`seed` is not used", lambda pairs, seed: by_components(pairs, 0))
answers.meets("seed 0 again another", lambda pairs, seed: by_components(pairs, None))
answers.meets("about a fifth", lambda pairs, seed: by_components(pairs, seed, 0.5))
answers.meets("the wrong way round", lambda pairs, seed: by_components(pairs, seed)[::-1])
answers.meets("The training part is empty", lambda pairs, seed: ([], range(len(pairs))))
answers.meets("are in both parts", lambda pairs, seed: (range(len(pairs)), range(50)))
answers.meets("not the pairs themselves", lambda pairs, seed: (pairs[9:], pairs[:9]))


def check(answer):
    pairs, chained = dictionary()
    found = {seed: sides(answer, pairs, seed, n=len(pairs), items="pairs") for seed in SEEDS}
    for seed, (train, test) in found.items():
        both = len(set(train) & set(test))
        if both:
            raise Mistake(
                f"With seed {seed}, {both} of {len(pairs)} pairs are in both parts. Every pair "
                "belongs to one."
            )
    check_leaks(pairs, chained, found)
    for train, test in found.values():
        check_shares(train, test, n=len(pairs), items="pairs", share=SHARE_OF_TEST)
    again = sides(answer, pairs, SEEDS[0], n=len(pairs), items="pairs")
    if [set(side) for side in again] != [set(side) for side in found[SEEDS[0]]]:
        raise Mistake(
            "Seed 0 gives one split, and seed 0 again another. Then nobody can repeat your work: "
            "draw all chance from `seed`."
        )
    if any(set(found[seed][1]) == set(found[0][1]) for seed in SEEDS[1:]):
        raise Mistake(
            "Two seeds give the same split: `seed` is not used. Shuffle the groups with it before "
            "you deal them out."
        )
    return (
        f"Over {len(SEEDS)} seeds: no string of the test part stands in training, in either "
        "language, and no pair is lost. Now a high score cannot come from a translation that was "
        "learned by heart."
    )


def check_leaks(pairs, chained, found):
    """Judge over all seeds at once: which language leaks, and whether only chains do."""
    leaks = {seed: strings_in_both(pairs, *parts) for seed, parts in found.items()}
    seed = next((seed for seed, by_language in leaks.items() if any(by_language)), None)
    if seed is None:
        return
    german, sorbian = leaks[seed]
    shown = (
        f"Your split leaks. With seed {seed}, {len(german)} German and {len(sorbian)} Sorbian "
        f"strings of the test part also stand in training, such as {min(german | sorbian)!r}."
    )
    leaking = [set().union(*(by[language] for by in leaks.values())) for language in (0, 1)]
    torn = [
        in_chain
        for pair, in_chain in zip(pairs, chained, strict=True)
        if pair[0] in leaking[0] or pair[1] in leaking[1]
    ]
    if all(torn):
        raise Mistake(
            f"{shown} Only chains are torn: a–b and a–c share a German string, a–c and d–c a "
            "Sorbian one, so a–b and d–c belong together, though they share none. Go on joining "
            "until nothing changes."
        )
    if not leaking[0]:
        raise Mistake(
            f"{shown} You keep every German string in one part, and look no further. One Sorbian "
            "string may translate several German ones: join those pairs as well."
        )
    if not leaking[1]:
        raise Mistake(
            f"{shown} You keep every Sorbian string in one part, and look no further. One German "
            "string may have several translations: join those pairs as well."
        )
    raise Mistake(
        f"{shown} The model may have learned them by heart. Deal out groups, not pairs: pairs that "
        "share a string are one group."
    )


def strings_in_both(pairs, train, test):
    """Strings that stand in both parts: (German ones, Sorbian ones)."""
    return tuple(
        {pairs[at][language] for at in train} & {pairs[at][language] for at in test}
        for language in (0, 1)
    )
