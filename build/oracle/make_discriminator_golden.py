"""AUC, operating points, logistic regression and bootstrap of scikit-learn and numpy, for tests/golden/discriminator.json.

    /usr/bin/python3 build/oracle/make_discriminator_golden.py > tests/golden/discriminator.json

Scores are rounded to one decimal in half of the cases, so that ties occur. The regression is scikit-learn's newton-cg with a tolerance of 1e-9;
the gradient of the objective, computed here, must be zero to 1e-6.
"""
import json

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score, roc_curve
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(20261128)


def rounded(values, digits=9):
    return [float(f"{v:.{digits}g}") for v in np.ravel(values)]


def tpr_at(labels, scores, fpr):
    f, t, _ = roc_curve(labels, scores, drop_intermediate=False)
    return float(t[f <= fpr + 1e-12].max())


curves = []
for positives, negatives in [(1, 1), (3, 5), (10, 10), (30, 30), (30, 17), (7, 40)]:
    for ties in (False, True):
        p, n = rng.normal(0.8, 1, positives), rng.normal(0, 1, negatives)
        p, n = np.array(rounded(np.round(p, 1) if ties else p)), np.array(rounded(np.round(n, 1) if ties else n))
        labels, scores = np.r_[np.ones(positives), np.zeros(negatives)], np.r_[p, n]
        threshold = 0.4
        draws = [(rng.integers(0, positives, positives), rng.integers(0, negatives, negatives)) for _ in range(40)]
        aucs = [roc_auc_score(labels, np.r_[p[i], n[j]]) for i, j in draws]
        curves.append(dict(
            positives=p.tolist(), negatives=n.tolist(), auc=float(roc_auc_score(labels, scores)),
            tpr={str(f): tpr_at(labels, scores, f) for f in (0.0, 0.1, 0.25, 1.0)},
            threshold=threshold, accuracy=float(accuracy_score(labels, scores > threshold)),
            draws=[dict(positives=i.tolist(), negatives=j.tolist()) for i, j in draws],
            interval=[float(q) for q in np.quantile(aucs, [0.025, 0.975])]))

fits = []
for count, width, c, apart in [(20, 1, 1.0, 1.0), (60, 3, 1.0, 0.5), (600, 8, 1.0, 1.0), (200, 8, 0.1, 2.0), (100, 5, 10.0, 4.0)]:
    labels = rng.random(count) < 0.5
    x = rng.normal(size=(count, width)) * rng.uniform(0.2, 5, width) + 3
    x[labels] += apart * rng.normal(size=width)
    x = np.array(rounded(x, 7)).reshape(count, width)
    scaler = StandardScaler().fit(x)
    z = scaler.transform(x)
    fit = LogisticRegression(C=c, tol=1e-9, max_iter=1000, solver="newton-cg").fit(z, labels)
    w, b = fit.coef_[0], fit.intercept_[0]
    residual = 1 / (1 + np.exp(-(z @ w + b))) - labels
    gradient = np.r_[w + c * z.T @ residual, c * residual.sum()]
    assert np.abs(gradient).max() < 1e-6, np.abs(gradient).max()
    fits.append(dict(c=c, rows=x.tolist(), labels=labels.tolist(), mean=scaler.mean_.tolist(), scale=scaler.scale_.tolist(),
                     weights=w.tolist(), intercept=float(b), logits=(z[:5] @ w + b).tolist()))

print(json.dumps(dict(scikit_learn=sklearn.__version__, numpy=np.__version__, curves=curves, fits=fits)))
