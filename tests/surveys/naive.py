"""The figures once more, by a plain script that shares nothing with Hark: lists of dictionaries, loops, no SQL."""

import math

Z = 1.959963984540054


def group(score):
    if score in (9, 10):
        return "promoter"
    if score in (7, 8):
        return "passive"
    return "detractor"


VALUE = {"promoter": 1, "passive": 0, "detractor": -1}


def nps(answers):
    """`answers`: pairs (score, weight). A dictionary of everything, unrounded; low and high from the sample variance
    of +1, 0 and -1 around their weighted mean.
    """
    total = sum(weight for _score, weight in answers)
    mean = sum(VALUE[group(score)] * weight for score, weight in answers) / total
    variance = sum(weight * (VALUE[group(score)] - mean) ** 2 for score, weight in answers) / total
    base = total**2 / sum(weight**2 for _score, weight in answers)
    share = {name: 100 * sum(weight for score, weight in answers if group(score) == name) / total for name in VALUE}
    if len({group(score) for score, _weight in answers}) > 1:
        below = above = Z * math.sqrt(variance / base)
    else:  # "rule of three": so large a share of others may have been missed
        missed = min(1.0, 2.995732273553991 / base)
        below = sum(missed for name in ("passive", "promoter") if share[name]) + (missed if share["promoter"] else 0)
        above = sum(missed for name in ("passive", "detractor") if share[name]) + (missed if share["detractor"] else 0)
    return {
        "n": len(answers), "base": base, "nps": 100 * mean, "below": 100 * below, "above": 100 * above,
        "low": max(-100, 100 * (mean - below)), "high": min(100, 100 * (mean + above)), **share,
    }  # fmt: skip


def change(now, before):
    """Difference of two scores and its interval, from what `nps` says of each."""
    a, b = nps(now), nps(before)
    by = a["nps"] - b["nps"]
    return by, by - math.hypot(a["below"], b["above"]), by + math.hypot(a["above"], b["below"])
