"""The words of the simulated log, and how common each is. Codes used elsewhere are indices into these tuples."""

from __future__ import annotations

import numpy as np

COUNTRIES = ("us", "gb", "de", "fr", "br", "in", "jp", "mx")
COUNTRY_SHARES = np.array([0.30, 0.13, 0.12, 0.10, 0.11, 0.12, 0.06, 0.06])
AGE_GROUPS = ("13-17", "18-24", "25-34", "35-44", "45-54", "55+")
AGE_SHARES = np.array([0.06, 0.22, 0.28, 0.20, 0.14, 0.10])

CATEGORIES = (
    "apparel",
    "automotive",
    "beauty",
    "education",
    "electronics",
    "finance",
    "food",
    "games",
    "health",
    "home",
    "sports",
    "travel",
)
CATEGORY_SHARES = np.array([0.14, 0.05, 0.09, 0.06, 0.11, 0.07, 0.10, 0.14, 0.06, 0.07, 0.05, 0.06])
FORMATS = ("image", "video", "carousel", "text")
FORMAT_SHARES = np.array([0.40, 0.28, 0.20, 0.12])

DEVICES = ("ios", "android", "desktop", "tablet")
DEVICE_SHARES = np.array([0.34, 0.38, 0.21, 0.07])
DRIFTED_DEVICE_SHARES = np.array([0.14, 0.22, 0.34, 0.30])

PLACEMENTS = ("feed", "story", "search", "sidebar", "video")
PLACEMENT_SHARES = np.array(
    [
        [0.46, 0.28, 0.13, 0.01, 0.12],  # ios
        [0.46, 0.24, 0.16, 0.01, 0.13],  # android
        [0.36, 0.03, 0.21, 0.33, 0.07],  # desktop
        [0.44, 0.12, 0.16, 0.12, 0.16],  # tablet
    ]
)
"""Shares of the placements on each device; shape (devices, placements)."""
DRIFTED_PLACEMENT_TILT = np.array([0.35, 0.6, 1.6, 1.5, 2.6])

OS_VERSIONS = (
    "ios-16",
    "ios-17",
    "ios-18",
    "android-13",
    "android-14",
    "android-15",
    "android-16",
    "chrome",
    "edge",
    "firefox",
    "safari",
    "ipados-18",
)
OS_SHARES = np.array(
    [
        [0.16, 0.34, 0.50, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0.18, 0.30, 0.36, 0.16, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0.58, 0.14, 0.10, 0.18, 0],
        [0, 0, 0, 0, 0.30, 0.25, 0, 0, 0, 0, 0, 0.45],
    ]
)
"""Shares of the operating systems or browsers on each device; shape (devices, os versions)."""

HOUR_SHARES = np.array(
    [
        *(1.6, 1.0, 0.7, 0.5, 0.5, 0.8, 1.7, 3.0, 4.2, 4.6, 4.8, 5.0),
        *(5.5, 5.2, 4.9, 4.9, 5.1, 5.6, 6.3, 7.2, 7.9, 7.6, 6.0, 3.6),
    ]
)
WEEKEND_HOUR_TILT = np.array([1.5] * 4 + [0.7] * 5 + [1.0] * 9 + [1.1] * 6)
