"""Figures of docs/method.md "Indications" for tests/golden/indications.json, with nothing but Python's standard library.

    python3 build/oracle/make_indication_golden.py > tests/golden/indications.json

published: binomial tails in exact fractions. model_based: smallest and largest beta-binomial tail of a count over the families' plausible
concentrations, where the likelihood is a sum of lgamma and its maximum over the mean is found by golden section, not by a derivative.
"""
import json
from fractions import Fraction
from math import comb, exp, lgamma, log, sqrt

RATE = Fraction(43, 1000)


def published(hits, trials, alpha):
    tails = [sum(comb(trials, k) * RATE**k * (1 - RATE) ** (trials - k) for k in range(h, trials + 1)) for h in range(trials + 1)]
    needed = next((h for h in range(trials + 1) if tails[h] <= alpha), None)
    return dict(hits=hits, trials=trials, alpha=float(alpha), p=float(tails[hits]), needed=needed, accuses=tails[hits] <= alpha)


def log_mass(h, n, a, b):
    choose = lgamma(n + 1) - lgamma(h + 1) - lgamma(n - h + 1)
    return choose + lgamma(a + h) + lgamma(b + n - h) + lgamma(a + b) - lgamma(a + b + n) - lgamma(a) - lgamma(b)


def best(counts, n, s):
    """The largest log-likelihood at concentration s, and the mean in [1e-9, 1 - 1e-9] that has it."""
    value = lambda m: sum(log_mass(h, n, m * s, (1 - m) * s) for h in counts)
    ratio = (sqrt(5) - 1) / 2
    low, high = 1e-9, 1 - 1e-9
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    f, g = value(left), value(right)
    for _ in range(90):
        if f < g:
            low, left, f = left, right, g
            right = low + ratio * (high - low)
            g = value(right)
        else:
            high, right, g = right, left, f
            left = high - ratio * (high - low)
            f = value(left)
    mean = (low + high) / 2
    return value(mean), mean


def model_based(families, count, n):
    tails = []
    for counts in families:
        counts = [*counts, max(1, *counts)]
        grid = [exp(log(0.01) + i * (log(n) - log(0.01)) / 240) for i in range(241)]
        profile = [(*best(counts, n, s), s) for s in grid]
        top = max(p[0] for p in profile)
        for value, mean, s in profile:
            if value >= top - 1.92:
                tails.append(sum(exp(log_mass(h, n, mean * s, (1 - mean) * s)) for h in range(n, count - 1, -1)))
    return dict(families=families, count=count, trials=n, p_low=min(tails), p_high=max(tails))


ALPHA = Fraction(1, 100)
CASES = [
    ([[0, 0]], 21, 30), ([[0]], 1, 30), ([[0, 0, 1, 1]], 21, 30), ([[0, 1], [2, 8, 5]], 12, 30), ([[30, 29]], 30, 30),
    ([[3, 4, 2, 5, 3, 4, 6, 3]], 9, 30), ([[0, 12, 1, 30, 2]], 25, 30), ([[1, 0, 2]], 0, 8), ([[2, 3]], 5, 5), ([[0, 1]], 1, 1),
]
print(json.dumps(dict(
    published=[published(h, n, a) for h, n, a in [
        (0, 30, ALPHA), (1, 30, ALPHA), (4, 30, ALPHA), (5, 30, ALPHA), (6, 30, ALPHA), (21, 30, ALPHA), (30, 30, ALPHA), (3, 30, Fraction(1, 5)),
        (1, 1, ALPHA), (1, 1, RATE), (2, 2, ALPHA), (7, 100, Fraction(1, 10)), (12, 100, Fraction(1, 1000))]],
    model_based=[model_based(*c) for c in CASES]), indent=1))
