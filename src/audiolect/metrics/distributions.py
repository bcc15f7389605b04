"""The normal and Student's t distribution, as far as intervals need them.

Public names: normal_cdf, normal_quantile, student_t_cdf, student_t_quantile.

Source: W. H. Press et al., "Numerical Recipes", 3rd edition, 2007, section 6.4 (the incomplete beta function as a
continued fraction); the normal distribution is Python's own.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from audiolect.errors import UsageError

_STEPS = 500
_TINY = 1e-300
_ENOUGH = 1e-15


def normal_cdf(value: float) -> float:
    """The probability below a value, mean 0 and standard deviation 1."""
    return 0.5 * math.erfc(-value / math.sqrt(2))


def normal_quantile(probability: float) -> float:
    """The value below which a probability lies: minus infinity at 0, infinity at 1.

    Raises:
        UsageError: not from 0 to 1.
    """
    if not 0 <= probability <= 1:
        raise UsageError("This is no probability.", expected="0 to 1", found=probability)
    if probability in (0, 1):
        return math.copysign(math.inf, probability - 0.5)
    return NormalDist().inv_cdf(probability)


def student_t_cdf(value: float, degrees: float) -> float:
    """The probability below a value.

    Args:
        value: t.
        degrees: of freedom, above 0.

    Raises:
        UsageError: degrees not above 0.
    """
    _check_degrees(degrees)
    square = value * value
    if square > degrees:
        tail = 0.5 * _incomplete_beta(degrees / (degrees + square), degrees / 2, 0.5)
    else:
        # Near the middle the other end of the beta function keeps all digits.
        tail = 0.5 - 0.5 * _incomplete_beta(square / (degrees + square), 0.5, degrees / 2)
    return tail if value < 0 else 1 - tail


def student_t_quantile(probability: float, degrees: float) -> float:
    """The value below which a probability lies.

    Args:
        probability: above 0 and below 1.
        degrees: of freedom, above 0.

    Raises:
        UsageError: outside these.
    """
    _check_degrees(degrees)
    if not 0 < probability < 1:
        raise UsageError("A quantile needs a probability between 0 and 1.", found=probability)
    if probability > 0.5:
        return -student_t_quantile(1 - probability, degrees)
    low = -1.0
    while student_t_cdf(low, degrees) > probability:
        low *= 2
    high = 0.0
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if student_t_cdf(middle, degrees) < probability:
            low = middle
        else:
            high = middle


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * _continued_fraction(x, a, b) / a


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Lentz's way to evaluate the fraction from the front."""
    c, d = 1.0, 1 / _apart_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1 / _apart_from_zero(1 + term * d)
            c = _apart_from_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return result


def _apart_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _check_degrees(degrees: float) -> None:
    if not degrees > 0:
        raise UsageError("A t distribution needs degrees of freedom above 0.", found=degrees)
