"""How many examples a second each recipe trains, interleaved so that the machine's mood cancels.

Run it with ``make bench`` on an otherwise idle machine; ratios are to be quoted, not seconds.
"""

import statistics

import ftlearn
from ftlearn import torch_setup
from ftlearn.training import Recipe, examples_per_second

ROUNDS = 3
EXAMPLES = 1024  # a round, for every recipe
RECIPES = {
    "Trainer's defaults": Recipe.plain(),
    "tuned": Recipe.tuned(),
    "tuned, bf16 off": Recipe.tuned(bf16=False),
}


def main():
    case = ftlearn.open_case("medical", pace="full")
    speeds = {name: [] for name in RECIPES}
    for number in range(1, ROUNDS + 1):
        for name, recipe in RECIPES.items():
            speeds[name].append(
                examples_per_second(case, recipe, steps=EXAMPLES // recipe.batch_size)
            )
        print(f"round {number} of {ROUNDS} done", flush=True)
    machine = torch_setup.machine()
    print(f"\n{machine['cpu']}, {machine['threads']} threads, bf16 {machine['bf16']}")
    print(f"{'recipe':20}{'examples/s':>12}{'ratio to defaults: min, median, max':>40}")
    for name, values in speeds.items():
        ratios = [a / b for a, b in zip(values, speeds["Trainer's defaults"], strict=True)]
        spread = f"{min(ratios):.2f}  {statistics.median(ratios):.2f}  {max(ratios):.2f}"
        print(f"{name:20}{statistics.median(values):12.0f}{spread:>40}")


if __name__ == "__main__":
    main()
