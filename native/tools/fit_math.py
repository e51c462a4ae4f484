#!/usr/bin/python3
"""Fits the polynomials of kernels/math.cuh and prints their binary32 coefficients as C hexadecimal literals.

Each fit minimises the largest weighted error over its interval (Lawson's iteratively reweighted least squares on Chebyshev nodes,
function values from mpmath at 50 digits). Coefficients are then rounded to binary32 one by one, lowest order first, and the rest is
fitted again after each rounding, so that later coefficients make up for the rounding of earlier ones.

Needs Debian's python3-mpmath and python3-numpy. Run by hand; the result stands in kernels/math.cuh.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 50


def minimax(basis, target, weight, steps=200):
    """Coefficients that minimise max |weight * (basis @ c - target)|."""
    importance = np.full(len(target), 1.0 / len(target))
    best, best_error = None, np.inf
    for _ in range(steps):
        scale = np.sqrt(importance) * weight
        coefficients = np.linalg.lstsq(basis * scale[:, None], target * scale, rcond=None)[0]
        error = np.abs(weight * (basis @ coefficients - target))
        if error.max() < best_error:
            best, best_error = coefficients, error.max()
        importance *= error + 1e-30
        importance /= importance.sum()
    return best, best_error


def fit(name, function, powers, low, high, weight, nodes=600):
    """Fits function(x) by sum c_k x^powers[k] on [low, high]; weight(x) turns an absolute error into the error that counts."""
    angles = (np.arange(nodes) + 0.5) * np.pi / nodes
    xs = [mp.mpf((low + high) / 2 + (high - low) / 2 * np.cos(a)) for a in angles]
    target = np.array([float(function(x)) for x in xs])
    weights = np.array([float(weight(x)) for x in xs])
    columns = np.array([[float(x**p) for p in powers] for x in xs])
    rounded = []
    for k in range(len(powers)):
        rest, _ = minimax(columns[:, k:], target - columns[:, :k] @ np.array(rounded), weights)
        rounded.append(float(np.float32(rest[0])))
    error = np.abs(weights * (columns @ np.array(rounded) - target)).max()
    print(f"{name}: largest error {error:.3g} = 2^{np.log2(error):.1f} of the result")
    for p, c in zip(powers, rounded):
        print(f"    x^{p}: {c.hex()}f")


def split(name, value, parts):
    """value as an unevaluated sum of binary32 numbers."""
    print(name)
    for _ in range(parts):
        head = float(np.float32(float(value)))
        value -= mp.mpf(head)
        print(f"    {head.hex()}f")


half_ln2 = float(mp.log(2) / 2) * 1.001
split("ln 2", mp.log(2), 2)
split("log2 e", 1 / mp.log(2), 1)
split("pi / 2", mp.pi / 2, 3)
split("2 / pi", 2 / mp.pi, 1)
split("2 pi", 2 * mp.pi, 1)

fit("exp: (e^r - 1 - r) / r^2", lambda r: (mp.e**r - 1 - r) / r**2, range(5), -half_ln2, half_ln2, lambda r: r**2 / mp.e**r)
fit("log: (log(1 + f) - f + f^2/2) / f^3", lambda f: (mp.log(1 + f) - f + f * f / 2) / f**3, range(8), -0.3334, 0.3334, lambda f: f**3 / mp.log(1 + f))
fit("sin: (sin r - r) / r^3 in r^2", lambda z: (mp.sin(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3, range(4), 1e-9, 0.792**2, lambda z: mp.sqrt(z) ** 3 / mp.sin(mp.sqrt(z)))
fit("cos: (cos r - 1 + r^2/2) / r^4 in r^2", lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, range(3), 1e-9, 0.792**2, lambda z: z**2 / mp.cos(mp.sqrt(z)))
fit("tanh: (tanh x - x) / x^3 in x^2", lambda z: (mp.tanh(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3, range(6), 1e-9, 0.625**2, lambda z: mp.sqrt(z) ** 3 / mp.tanh(mp.sqrt(z)))
fit("erf: erf x / x - 1 in x^2", lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, range(7), 1e-9, 1.0, lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)))
fit("erf: -log(erfc x) - x", lambda x: -mp.log(mp.erfc(x)) - x, range(7), 0.95, 4.0, lambda x: mp.erfc(x))
