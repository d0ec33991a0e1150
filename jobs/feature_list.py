"""Which columns the models of a data set learn from, and which of them are watched for drift."""

from __future__ import annotations

from conf.dataset import Dataset
from features.histories import (
    count_feature_names,
    measure_feature_names,
    rate_feature_names,
    recency_feature_names,
)
from models.columns import FeatureColumns


def model_columns(dataset: Dataset) -> FeatureColumns:
    """The feature columns of every model trained on the data set.

    A history's clicks are left out: rate and impressions tell them, and the linear model reads noise from them.
    """
    longest = max(dataset.windows_days)
    trust = tuple((f"{name}__ctr_{longest}d", f"{name}__impressions_{longest}d") for name in dataset.histories)
    categorical = (*dataset.user_and_ad, *dataset.feature_categorical)
    return FeatureColumns(
        categorical=tuple(name for name in categorical if name not in dataset.history_only),
        numeric=(*dataset.feature_numeric, *recency_feature_names(dataset), *measure_feature_names(dataset)),
        counts=tuple(name for name in count_feature_names(dataset) if "__impressions_" in name),
        rates=rate_feature_names(dataset),
        crosses=dataset.crosses,
        rate_evidence=trust,
    )


def watched_columns(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Categorical and numeric columns whose distribution is compared night by night.

    Context and attributes. Left out are the calendar, which never resembles a reference of several days, derived
    columns, which drift as their sources do, and the histories, whose counts grow with the age of the store: what they
    do to the model shows in its predictions.
    """
    left_out = {"hour", "weekday", *dataset.derived}
    context = dataset.impressions.context
    categorical = [name for name in dataset.feature_categorical if name not in left_out]
    numeric = [name for name in dataset.feature_numeric if not name.endswith("_age_days")]
    return (
        tuple(dict.fromkeys([*context.categorical, *categorical])),
        tuple(dict.fromkeys([*context.numeric, *numeric])),
    )
