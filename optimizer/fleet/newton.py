"""A station's share of a Newton step of the interior-point method (`interior`), compiled: its own matrix is a chain.

A station's columns are, per period t, w (discharge, curtailment where there is any, reserves) and the content e_t; its
charge follows from (S1), so that all its rows are inequalities G x ≤ h, each over w_t, e_t and e_{t−1} alone, with the
same coefficients in every period. So Gᵀ(z/s)G takes each w_t apart (Cholesky) and leaves a tridiagonal matrix K over
content. The inverse of K is semiseparable, (K⁻¹)[a, b] = −l_a (K⁻¹)[a + 1, b] for a < b, so that what a station adds to
the matrix of the regions' prices is an outer product a period: no row of it is ever solved for.

S. Mehrotra (1992), J. Wright and S. Wright, Primal-Dual Interior-Point Methods (1997), chapters 10 and 11.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from optimizer.fleet.arrays import Ints

try:
    import numba
except ModuleNotFoundError:
    numba = None

Floats = Any
"""A numpy array of float64."""
_Function = TypeVar("_Function", bound=Callable[..., Any])

FADED = 1e-18
"""What a period's content says of another's, from which on it says nothing."""
LEAST_PIVOT = 1e-14
"""Relative: a smaller pivot is the floats' noise."""


def _compiled(function: _Function) -> _Function:
    if numba is None:
        return function
    return cast(_Function, numba.njit(cache=True, error_model="numpy")(function))


@_compiled
def residuals(
    rows: Floats, limits: Floats, coupling: Floats, costs: Floats, start: Floats, region: Ints, w: Floats, e: Floats,
    s: Floats, z: Floats, prices: Floats, primal: Floats, dual_w: Floats, dual_e: Floats, given: Floats,
) -> tuple[float, float]:  # fmt: skip
    """Write G x + s − h, c + Gᵀz − Bᵀprices and, summed by region, B x; s·z and c·x of all stations.

    rows n × K × (m + 2); limits, s, z, primal n × T × K (an infinite limit: no row); coupling n × J × (m + 2);
    costs n × T × m; w, dual_w n × T × m; e, dual_e n × T; prices, given regions × T × J.
    """
    n, periods, m = w.shape
    kinds, links = rows.shape[1], coupling.shape[1]
    at, push = np.empty(m + 2), np.empty(m + 2)
    complementary, cost = 0.0, 0.0
    for i in range(n):
        r = region[i]
        for t in range(periods):
            dual_e[i, t] = 0.0
        for t in range(periods):
            for a in range(m):
                at[a] = w[i, t, a]
                push[a] = costs[i, t, a]
                cost += costs[i, t, a] * at[a]
            at[m] = e[i, t]
            at[m + 1] = e[i, t - 1] if t else start[i]
            push[m], push[m + 1] = 0.0, 0.0
            for k in range(kinds):
                if limits[i, t, k] == np.inf:
                    primal[i, t, k] = 0.0
                    continue
                value, dual = s[i, t, k] - limits[i, t, k], z[i, t, k]
                for a in range(m + 2):
                    value += rows[i, k, a] * at[a]
                    push[a] += dual * rows[i, k, a]
                primal[i, t, k] = value
                complementary += s[i, t, k] * dual
            for j in range(links):
                value, price = 0.0, prices[r, t, j]
                for a in range(m + 2):
                    value += coupling[i, j, a] * at[a]
                    push[a] -= price * coupling[i, j, a]
                given[r, t, j] += value
            for a in range(m):
                dual_w[i, t, a] = push[a]
            dual_e[i, t] += push[m]
            if t:
                dual_e[i, t - 1] += push[m + 1]
    return complementary, cost


@_compiled
def factorised(
    rows: Floats, limits: Floats, coupling: Floats, region: Ints, s: Floats, z: Floats, lower: Floats, bond: Floats,
    pivot: Floats, off: Floats, matrix: Floats,
) -> None:  # fmt: skip
    """Take each station's Gᵀ(z/s)G apart, and add B (Gᵀ(z/s)G)⁻¹ Bᵀ to its region's matrix (upper half, by period).

    lower n × T × m × m: Cholesky factors of the w_t; bond n × T × 2 × m: what they say of e_t and e_{t−1};
    pivot, off n × T: D and l of K = L D Lᵀ; matrix regions × (T J) × (T J).
    """
    n, periods = limits.shape[:2]
    links, width = coupling.shape[1], coupling.shape[2]
    square, solved = np.empty((width, width)), np.empty((links, width - 2))
    here, before = np.empty((periods, links)), np.empty((periods, links))
    y, line, inverse = np.empty((periods, links)), np.empty(periods * links), np.empty(periods)
    for i in range(n):
        into = matrix[region[i]]
        pivot[i, :] = 0.0
        off[i, :] = 0.0
        for t in range(periods):
            _weigh(square, rows[i], limits[i, t], s[i, t], z[i, t])
            _condense(square, lower[i, t], bond[i, t], pivot[i], off[i], t)
            _eliminate(coupling[i], lower[i, t], bond[i, t], solved, here[t], before[t], t)
            for j in range(links):
                for k in range(j, links):
                    for b in range(width - 2):
                        into[t * links + j, t * links + k] += solved[j, b] * solved[k, b]
        _chain(pivot[i], off[i], inverse)
        _link(into, here, before, off[i], inverse, y, line)


@_compiled
def _weigh(square: Floats, rows: Floats, limits: Floats, s: Floats, z: Floats) -> None:
    """Write the lower half of a period's Gᵀ(z/s)G."""
    kinds, width = rows.shape
    square[:, :] = 0.0
    for k in range(kinds):
        if limits[k] == np.inf:
            continue
        weight = z[k] / s[k]
        for a in range(width):
            part = weight * rows[k, a]
            if part != 0.0:
                for b in range(a + 1):
                    square[a, b] += part * rows[k, b]


@_compiled
def _condense(square: Floats, root: Floats, bond: Floats, pivot: Floats, off: Floats, t: int) -> None:
    """Take w_t out: its Cholesky factor, and what is left for the content at both ends of the period."""
    m = len(square) - 2
    _cholesky(square, root, m)
    for a in range(2):
        for b in range(m):
            value = square[m + a, b]
            for c in range(b):
                value -= root[b, c] * bond[a, c]
            bond[a, b] = value / root[b, b]
    own, last, both = square[m, m], square[m + 1, m + 1], square[m + 1, m]
    for b in range(m):
        own -= bond[0, b] * bond[0, b]
        last -= bond[1, b] * bond[1, b]
        both -= bond[0, b] * bond[1, b]
    pivot[t] += own
    if t:
        pivot[t - 1] += last
        off[t - 1] = both


@_compiled
def _eliminate(
    coupling: Floats, root: Floats, bond: Floats, solved: Floats, here: Floats, before: Floats, t: int
) -> None:
    """Take w_t out of what the station gives to its region: what is left of it hangs on e_t and e_{t−1}."""
    links, m = solved.shape
    for j in range(links):
        at, last = coupling[j, m], coupling[j, m + 1]
        for b in range(m):
            value = coupling[j, b]
            for c in range(b):
                value -= root[b, c] * solved[j, c]
            value /= root[b, b]
            solved[j, b] = value
            at -= bond[0, b] * value
            last -= bond[1, b] * value
        here[j], before[j] = at, last if t else 0.0


@_compiled
def _chain(pivot: Floats, off: Floats, inverse: Floats) -> None:
    """K = L D Lᵀ in place of K's diagonal and side, and the diagonal of K⁻¹."""
    periods = len(pivot)
    for t in range(periods - 1):
        pivot[t] = max(pivot[t], 1e-300)
        both = off[t]
        off[t] = both / pivot[t]
        pivot[t + 1] = max(pivot[t + 1] - off[t] * both, LEAST_PIVOT * pivot[t + 1])
    inverse[periods - 1] = 1.0 / pivot[periods - 1]
    for t in range(periods - 2, -1, -1):
        inverse[t] = 1.0 / pivot[t] + off[t] * off[t] * inverse[t + 1]


@_compiled
def _link(into: Floats, here: Floats, before: Floats, off: Floats, inverse: Floats, y: Floats, line: Floats) -> None:
    """Add what content carries between periods: [before, here]ᵀ K⁻¹ [before, here], an outer product a period."""
    periods, links = here.shape
    y[0, :] = 0.0
    for t in range(1, periods):
        for j in range(links):
            y[t, j] = inverse[t - 1] * before[t, j] - off[t - 1] * inverse[t] * here[t, j]
    for t in range(periods):
        fade, end = 1.0, t + 1
        while end < periods and abs(fade) > FADED:
            for k in range(links):
                line[end * links + k] = fade * y[end, k]
            fade *= -off[end - 1]
            end += 1
        for j in range(links):
            share, target = here[t, j] - (off[t - 1] * before[t, j] if t else 0.0), into[t * links + j]
            for k in range(j, links):
                target[t * links + k] += here[t, k] * inverse[t] * share + before[t, k] * y[t, j]
            for k in range((t + 1) * links, end * links):
                target[k] += share * line[k]


@_compiled
def _cholesky(square: Floats, root: Floats, m: int) -> None:
    for a in range(m):
        for b in range(a + 1):
            value = square[a, b]
            for c in range(b):
                value -= root[a, c] * root[b, c]
            if a == b:
                root[a, a] = np.sqrt(max(value, LEAST_PIVOT * square[a, a], 1e-300))
            else:
                root[a, b] = value / root[b, b]


@_compiled
def answers(
    rows: Floats, limits: Floats, coupling: Floats, region: Ints, s: Floats, z: Floats, primal: Floats, dual_w: Floats,
    dual_e: Floats, aim: Floats, lower: Floats, bond: Floats, pivot: Floats, off: Floats, step_w: Floats,
    step_e: Floats, given: Floats,
) -> None:  # fmt: skip
    """Write −(Gᵀ(z/s)G)⁻¹ g, g = dual + Gᵀ(aim + z primal)/s, and, summed by region, B times it.

    aim n × T × K: what s Δz + z Δs is to be.
    """
    n, periods, m = step_w.shape
    kinds, links = rows.shape[1], coupling.shape[1]
    push = np.empty(m + 2)
    for i in range(n):
        for t in range(periods):
            step_e[i, t] = -dual_e[i, t]
        for t in range(periods):
            for a in range(m):
                push[a] = -dual_w[i, t, a]
            push[m], push[m + 1] = 0.0, 0.0
            for k in range(kinds):
                if limits[i, t, k] == np.inf:
                    continue
                force = (aim[i, t, k] + z[i, t, k] * primal[i, t, k]) / s[i, t, k]
                for a in range(m + 2):
                    push[a] -= force * rows[i, k, a]
            for a in range(m):
                step_w[i, t, a] = push[a]
            step_e[i, t] += push[m]
            if t:
                step_e[i, t - 1] += push[m + 1]
        _solve(lower[i], bond[i], pivot[i], off[i], step_w[i], step_e[i])
        r = region[i]
        for t in range(periods):
            for j in range(links):
                value = coupling[i, j, m] * step_e[i, t]
                if t:
                    value += coupling[i, j, m + 1] * step_e[i, t - 1]
                for a in range(m):
                    value += coupling[i, j, a] * step_w[i, t, a]
                given[r, t, j] += value


@_compiled
def _solve(lower: Floats, bond: Floats, pivot: Floats, off: Floats, w: Floats, e: Floats) -> None:
    """Solve with a station's factors in place."""
    periods, m = w.shape
    for t in range(periods):
        for a in range(m):
            value = w[t, a]
            for b in range(a):
                value -= lower[t, a, b] * w[t, b]
            value /= lower[t, a, a]
            w[t, a] = value
            e[t] -= bond[t, 0, a] * value
            if t:
                e[t - 1] -= bond[t, 1, a] * value
    for t in range(periods - 1):
        e[t + 1] -= off[t] * e[t]
    e[periods - 1] /= pivot[periods - 1]
    for t in range(periods - 2, -1, -1):
        e[t] = e[t] / pivot[t] - off[t] * e[t + 1]
    for t in range(periods):
        before = e[t - 1] if t else 0.0
        for a in range(m - 1, -1, -1):
            value = w[t, a] - bond[t, 0, a] * e[t] - bond[t, 1, a] * before
            for b in range(a + 1, m):
                value -= lower[t, b, a] * w[t, b]
            w[t, a] = value / lower[t, a, a]


@_compiled
def steps(
    rows: Floats, limits: Floats, coupling: Floats, region: Ints, s: Floats, z: Floats, primal: Floats, aim: Floats,
    change: Floats, lower: Floats, bond: Floats, pivot: Floats, off: Floats, step_w: Floats, step_e: Floats,
    step_s: Floats, step_z: Floats,
) -> tuple[float, float]:  # fmt: skip
    """Add the answer to the prices' change (regions × T × J) to a step; write those of s and z; the longest steps."""
    n, periods, m = step_w.shape
    kinds, links = rows.shape[1], coupling.shape[1]
    more_w, more_e, at = np.empty((periods, m)), np.empty(periods), np.empty(m + 2)
    longest_primal, longest_dual = 1e300, 1e300
    for i in range(n):
        r = region[i]
        more_e[:] = 0.0
        for t in range(periods):
            for a in range(m):
                value = 0.0
                for j in range(links):
                    value += coupling[i, j, a] * change[r, t, j]
                more_w[t, a] = value
            for j in range(links):
                more_e[t] += coupling[i, j, m] * change[r, t, j]
                if t:
                    more_e[t - 1] += coupling[i, j, m + 1] * change[r, t, j]
        _solve(lower[i], bond[i], pivot[i], off[i], more_w, more_e)
        for t in range(periods):
            for a in range(m):
                step_w[i, t, a] += more_w[t, a]
            step_e[i, t] += more_e[t]
        for t in range(periods):
            for a in range(m):
                at[a] = step_w[i, t, a]
            at[m] = step_e[i, t]
            at[m + 1] = step_e[i, t - 1] if t else 0.0
            for k in range(kinds):
                if limits[i, t, k] == np.inf:
                    continue
                value = -primal[i, t, k]
                for a in range(m + 2):
                    value -= rows[i, k, a] * at[a]
                step_s[i, t, k] = value
                if value < 0.0:
                    longest_primal = min(longest_primal, -s[i, t, k] / value)
                value = (aim[i, t, k] - z[i, t, k] * value) / s[i, t, k]
                step_z[i, t, k] = value
                if value < 0.0:
                    longest_dual = min(longest_dual, -z[i, t, k] / value)
    return longest_primal, longest_dual
