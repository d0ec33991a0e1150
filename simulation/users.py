"""Who may be shown an ad on a day: a population in which people join every day and the oldest accounts leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import vocabulary as words
from simulation.draws import Floats, Ints, normals, uniforms, weighted
from simulation.settings import WORLD_BEGINS, WorldSettings

_ACTIVITY_TAIL = 0.62
_ACTIVITY_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Users:
    """The population of a day; every array has one entry (or row) a user, ordered by `numbers`."""

    numbers: Ints
    registered: Ints
    """Ordinals of the days on which they joined."""
    country: Ints
    age_group: Ints
    device: Ints
    """The device each mostly uses."""
    drifted_device: Ints
    """The device each would mostly use once the audience has moved."""
    moves: Floats
    """In (0, 1): a user has moved to `drifted_device` when the drift's level exceeds this."""
    os_by_device: Ints
    """Shape (users, devices)."""
    activity: Floats
    """Heavy-tailed weight in being shown an ad."""
    bias: Floats
    interests: Floats
    """Shape (users, categories), standard normal."""
    format_tastes: Floats
    """Shape (users, formats), standard normal."""


def users_on(settings: WorldSettings, day: int) -> Users:
    """Everyone registered by the end of a day. Numbers never come back, so a user is the same on every day."""
    age = day - WORLD_BEGINS.toordinal()
    first = age * settings.joins_per_day
    numbers = np.arange(first, first + settings.users, dtype=np.int64)
    traits = uniforms(settings.seed, "user traits", numbers, 6)
    os_picks = uniforms(settings.seed, "user os", numbers, len(words.DEVICES))
    os_by_device = [weighted(os_picks[:, device], shares) for device, shares in enumerate(words.OS_SHARES)]
    joined_after_first = (numbers - settings.users) // settings.joins_per_day + 1
    country = weighted(traits[:, 0], words.COUNTRY_SHARES)
    return Users(
        numbers=numbers,
        registered=WORLD_BEGINS.toordinal() + joined_after_first,
        country=country,
        age_group=weighted(traits[:, 1], words.AGE_SHARES),
        device=weighted(traits[:, 2], words.DEVICE_SHARES),
        drifted_device=weighted(traits[:, 3], words.DRIFTED_DEVICE_SHARES),
        moves=traits[:, 4],
        os_by_device=np.stack(os_by_device, axis=1),
        activity=np.minimum(traits[:, 5] ** -_ACTIVITY_TAIL, _ACTIVITY_LIMIT),
        bias=normals(settings.seed, "user bias", numbers)[:, 0],
        interests=normals(settings.seed, "user interests", numbers, len(words.CATEGORIES)),
        format_tastes=normals(settings.seed, "user format tastes", numbers, len(words.FORMATS)),
    )
