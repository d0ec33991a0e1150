"""How much is known of users and ads."""

import numpy as np
import pyarrow as pa

from conf.dataset import load_dataset
from features.evidence import evidence_levels, evidence_slices, slices_with_evidence


def test_levels_say_never_little_much() -> None:
    assert evidence_levels([0, 1, 19, 20, 500, None, np.nan]).tolist() == [
        *("never", "little", "little", "much", "much", "never", "never")
    ]


def test_a_slice_for_each_subject_with_a_history() -> None:
    found = {slice_.name: slice_.feature for slice_ in evidence_slices(load_dataset("simulated"))}
    assert found == {"user_seen": "user__impressions_28d", "ad_seen": "ad__impressions_28d"}


def test_slices_join_the_declared_and_those_by_evidence() -> None:
    rows = pa.table(
        {
            "placement": ["feed", None],
            "device": ["ios", "ios"],
            "user__impressions_28d": [0.0, 30.0],
            "ad__impressions_28d": [3.0, 0.0],
        }
    )
    found = {name: levels.tolist() for name, levels in slices_with_evidence(rows, load_dataset("simulated")).items()}
    assert found == {
        "placement": ["feed", "missing"],
        "device": ["ios", "ios"],
        "user_seen": ["never", "much"],
        "ad_seen": ["little", "never"],
    }
