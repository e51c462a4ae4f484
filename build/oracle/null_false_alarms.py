"""How often the model-based tail of docs/method.md "Indications", at the best fit, is below the level for an innocent: suspect and references drawn
from one beta-binomial law.

    python3 build/oracle/null_false_alarms.py
"""
from functools import lru_cache
from math import exp, lgamma

import numpy as np

KEYS, ALPHA, MODELS = 30, 0.01, 20_000
MEANS = np.concatenate([np.linspace(1e-6, 0.02, 200), np.linspace(0.02, 0.98, 300)[1:], np.linspace(0.98, 1 - 1e-6, 100)[1:]])
CONCENTRATIONS = np.exp(np.linspace(np.log(0.01), np.log(KEYS), 121))[:, None]
A, B = MEANS * CONCENTRATIONS, (1 - MEANS) * CONCENTRATIONS


def log_beta(a, b):
    return lgamma(a) + lgamma(b) - lgamma(a + b)


# [count][concentration, mean]: log-likelihood of one model's count, without the binomial coefficient.
LIKELIHOOD = [np.vectorize(log_beta)(A + h, B + KEYS - h) - np.vectorize(log_beta)(A, B) for h in range(KEYS + 1)]


@lru_cache(None)
def tail(counts):
    """P(count >= h) for h = 0..KEYS under the fit to `counts` and the pseudo-model; the fit is the best point of the grid."""
    likelihood = sum(LIKELIHOOD[h] for h in (*counts, max(1, *counts)))
    best = np.unravel_index(np.argmax(likelihood), likelihood.shape)
    a, b = A[best], B[best]
    choose = lambda h: lgamma(KEYS + 1) - lgamma(h + 1) - lgamma(KEYS - h + 1)
    mass = [exp(choose(h) + log_beta(a + h, b + KEYS - h) - log_beta(a, b)) for h in range(KEYS + 1)]
    return np.cumsum(mass[::-1])[::-1]


def alarms(rng, mean, correlation, families, references):
    """Share of innocents with p <= ALPHA, p the largest over families."""
    concentration = 1 / correlation - 1
    rates = rng.beta(mean * concentration, (1 - mean) * concentration, size=(MODELS, families * references + 1))
    counts = rng.binomial(KEYS, rates)
    null = np.sort(counts[:, 1:].reshape(MODELS, families, references))
    p = [max(tail(tuple(family))[suspect] for family in row) for suspect, row in zip(counts[:, 0], null.tolist())]
    return np.mean(np.array(p) <= ALPHA)


print(f"one reference without a hit, suspect with 21 of {KEYS}: p = {tail((0,))[21]:.1e}")
print("mean  correlation  one family of two  two families of two")
for mean, correlation in [(0.05, 0.05), (0.05, 0.1), (0.05, 0.2), (0.05, 0.4), (0.2, 0.1)]:
    one, two = (alarms(np.random.default_rng(1), mean, correlation, families, 2) for families in (1, 2))
    print(f"{mean:4}  {correlation:11}  {one:17.4f}  {two:19.4f}")
