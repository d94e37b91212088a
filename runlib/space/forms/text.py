"""Defines the text form of a search space: nested plain data in which ``["hp_NAME", label, ...]`` is a variable.

``parse`` makes the tree of it, or raises an error that says in one sentence what is wrong and where. All other lists,
dicts and scalars are data, which every suggestion contains unchanged. The text form itself is never changed: an int
stays an int. These arguments follow the label::

    hp_choice            [option, ...]              any data, further variables included
    hp_pchoice           [[p, option], ...]         the p sum to 1
    hp_randint           [low,] high                an int, high excluded
    hp_uniform           low, high
    hp_quniform          low, high, q               rounded to multiples of q
    hp_uniformint        low, high                  an int, both included, each end half as likely
    hp_loguniform        low, high                  exp of a uniform: the bounds are logarithms
    hp_qloguniform       low, high, q
    hp_normal            mu, sigma
    hp_qnormal           mu, sigma, q
    hp_lognormal         mu, sigma                  exp of a normal
    hp_qlognormal        mu, sigma, q
    hp_loggrid           start, stop, num[, base]   base**exponent: num points, or steps of num if it is a float
    hp_loggrid_uniform   start, stop, q[, base]     base**(quniform)

A typed parameter (such as ``runlib.Float``) is written with a dict of its arguments. Its label is optional; without
one, the place is the name, such as ``a.b.0``. Bounds are values here, both included::

    hp_float             {low, high, log, step, fidelity}
    hp_integer           {low, high, log, step, fidelity}
    hp_normal            {mu, sigma}                the dict distinguishes it from the form above
    hp_lognormal         {mu, sigma}
    hp_categorical       {options}                  plain data, all different
    hp_ordinal           {options}
    hp_choice            {options}                  search spaces
    hp_constant          {value}                    plain data, never read as a variable
    hp_scipy             {stats, parameters}        by the quantiles of a distribution of scipy.stats; no prior

Each of them may also have ``prior`` and ``prior_confidence``. Arithmetic takes numbers, variables that are numbers, and
arithmetic, and has no label: ``["hp_add", a, b]``, ``hp_sub``, ``hp_mul``, ``hp_div``, ``hp_pow``. Functions of one
number are ``["hp_int", a]``, which truncates it, ``hp_exp``, ``hp_log`` and ``hp_sqrt``. ``["hp_merge", [part, ...]]``
joins dicts, and choices of dicts, into one flat dict. ``["hp_tuple", item, ...]`` is a tuple.
``["hp_dict", [key, value], ...]`` is a dict whose keys need not be text. Both may also stand in options and constants.
A label may stand in several options that exclude each other. It then means the same variable in all of them.

A dict whose single key is the name of a dialect (``runlib.space.dialects``) holds a space of another tool and is
translated: ``{"neps": {"x": [0.0, 1.0]}}``. A user who means the key itself writes ``["hp_merge", [{"neps": ...}]]``.
"""

from __future__ import annotations

from typing import Any

from runlib.space.tree import Space

__all__ = ["parse"]


def parse(data: Any, path: str = "space", *, full_fidelity: bool = False) -> Space:
    """Returns the search space that ``data`` describes, as ``Space.of`` does.

    Raises:
        SpaceError: Something in the data is wrong. The path names the place.
    """
    return Space.of(data, path, full_fidelity=full_fidelity)
