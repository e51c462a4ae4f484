"""Upper tails of sums of Savage scores, for tests/golden/rank_tails.json.

    python3 build/oracle/make_rank_golden.py > tests/golden/rank_tails.json

Two ways that share nothing with the product's recurrence: small cases by listing every assignment of ranks, the others by scipy.signal.convolve of
probabilities, direct, in float64 (relative error of a tail about 1e-13 per step; the file keeps 12 digits).
"""
import itertools
import json

import numpy as np
import scipy
from scipy.signal import convolve


def savage(n, scale=100):
    sums = np.cumsum([1.0 / rank for rank in range(n, 0, -1)])[::-1]
    return [int(round(scale * s)) for s in sums]


def listed(n, trials, threshold):
    scores = savage(n)
    sums = [sum(scores[r] for r in ranks) for ranks in itertools.product(range(n), repeat=trials)]
    return sum(s >= threshold for s in sums) / n**trials


def convolved(n, trials, threshold):
    scores = savage(n)
    one = np.zeros(scores[0] + 1)
    for s in scores:
        one[s] += 1 / n
    law = np.ones(1)
    for _ in range(trials):
        law = convolve(law, one, method="direct")
    return float(law[threshold:].sum())


rng = np.random.default_rng(20261128)
cases = []
for n in (2, 3, 4):
    for trials in range(1, 7):
        scores = savage(n)
        threshold = sum(scores[r] for r in rng.integers(0, n, trials))
        cases.append(dict(ranks=n, trials=trials, sum=threshold, tail=listed(n, trials, threshold), by="listing"))
for n, trials in [(5, 42), (10, 20), (10, 100), (20, 12), (20, 64), (20, 100), (7, 33), (13, 50)]:
    scores = savage(n)
    for skew in (1.0, 1.5, 3.0):
        ranks = np.floor(n * rng.random(trials) ** skew).astype(int)
        threshold = sum(scores[r] for r in ranks)
        cases.append(dict(ranks=n, trials=trials, sum=threshold, tail=float(f"{convolved(n, trials, threshold):.12g}"), by="scipy"))
print(json.dumps(dict(scipy=scipy.__version__, scores={n: savage(n) for n in (2, 5, 10, 20)}, cases=cases), indent=1))
