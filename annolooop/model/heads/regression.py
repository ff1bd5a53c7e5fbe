"""Logistic regressions with an L2 penalty, several at once on the same images.

What is solved is the usual convex problem: the sum of the log losses, plus the sum of the squared
weights over twice C; the intercepts are free. The coordinates are what makes it fast. The
data is turned to its principal axes, which changes neither losses nor penalty, and then each axis
is stretched so that the problem is about equally steep along all of them: L-BFGS needs tens of
steps then instead of hundreds. All folds of a cross-validation are one problem, a sum of separate
ones, so that each step is two products of large matrices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from annolooop.model.numeric import all_axes, sigmoid, softmax

Matrix = NDArray[np.float64]
Numbers = NDArray[np.floating]

FLATTEST = 1e-3  # curvature that is assumed where all is predicted correctly
MAX_STEPS = 10_000
REMEMBERED = 5  # steps from which L-BFGS estimates the curvature


@dataclass(frozen=True)
class Axes:
    """Data in its principal axes.

    Attributes:
        points: (n, r + 1), the last column all ones.
        turn: (d, r), from axes to the data's own dimensions.
        steepness: (r + 1,), the sum of squares of each column.
    """

    points: Numbers
    turn: Matrix
    steepness: Matrix

    @classmethod
    def of(cls, x: Matrix) -> "Axes":
        """Of centred data, (n, d); r is at most the lower of both."""
        squares, turn = all_axes(x)
        points = np.column_stack([x @ turn, np.ones(len(x))])
        return cls(points, turn, np.append(squares, float(len(x))))


@dataclass(frozen=True)
class Problem:
    """Regressions over the same points: m outputs, each in f folds.

    Attributes:
        points: (n, r + 1), as :class:`Axes` has them.
        steepness: (r + 1,), likewise.
        targets: (m, 1, n), 0 or 1.
        used: (m or 1, f, n), 1 for points that a fold learns from, else 0.
        exclusive: exactly one output is 1 (softmax); else each is for itself.
    """

    points: Numbers
    steepness: Matrix
    targets: Numbers
    used: Numbers
    exclusive: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the weights: (m, f, r + 1), the intercept last."""
        return len(self.targets), self.used.shape[1], self.points.shape[1]

    def logits(self, weights: Matrix) -> Numbers:
        """(m, f, n)."""
        m, f, r = weights.shape
        flat = weights.reshape(m * f, r).astype(self.points.dtype)
        return np.asarray(flat @ self.points.T).reshape(m, f, -1)

    def solve(self, penalty: float, start: Matrix, tolerance: float) -> Matrix:
        """Weights, (m, f, r + 1), where the loss is lowest.

        Args:
            penalty: C, the inverse of its strength.
            start: weights to begin from, for example those of a stronger penalty.
            tolerance: relative change of the loss in a step below which it ends.
        """
        spread = _spread(self.logits(start), self.exclusive)
        share = float(self.used.mean()) or 1.0
        ridge = np.full(self.points.shape[1], 1 / penalty)
        ridge[-1] = 0.0
        stretch = 1 / np.sqrt(ridge + max(spread, FLATTEST) * share * self.steepness)

        def loss(flat: Matrix) -> tuple[float, Matrix]:
            weights = flat.reshape(self.shape) * stretch
            logits = self.logits(weights)
            data, slope = self._loss(logits)
            m, f, r = self.shape
            gradient = (slope.reshape(m * f, -1) @ self.points).reshape(m, f, r) + weights * ridge
            return data + 0.5 * float((weights**2 @ ridge).sum()), (gradient * stretch).ravel()

        found = minimize(
            loss,
            (start / stretch).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": MAX_STEPS,
                "maxfun": MAX_STEPS,
                "maxcor": REMEMBERED,
                "ftol": tolerance,
                "gtol": 1e-8,
            },
        )
        return np.asarray(found.x, np.float64).reshape(self.shape) * stretch

    def _loss(self, logits: Numbers) -> tuple[float, Numbers]:
        """Sum of the losses of the points that are used, and its derivative, (m, f, n)."""
        if self.exclusive:  # softmax and log loss share their exponents: this is the hot loop
            logits -= logits.max(axis=0)
            exponents = np.exp(logits)
            total = exponents.sum(axis=0)
            losses = np.log(total) - (logits * self.targets).sum(axis=0)
            slope = exponents / total
        else:
            losses = np.logaddexp(0, logits) - logits * self.targets
            slope = sigmoid(logits)
        slope -= self.targets
        slope *= self.used
        losses *= self.used[0] if self.exclusive else self.used
        return float(losses.sum(dtype=np.float64)), slope


def _spread(logits: Numbers, exclusive: bool) -> float:
    """Mean of p (1 - p): how curved the loss is."""
    p = softmax(logits, axis=0) if exclusive else sigmoid(logits)
    return float((p * (1 - p)).mean())
