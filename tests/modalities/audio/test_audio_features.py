"""Meta-features of sounds."""

import numpy as np
import pytest

from taskaware.modalities.audio.features import FEATURES, own_features
from taskaware.modalities.audio.modality import AUDIO
from taskaware.modalities.tables.metafeatures import NAMES


def data_of(values):
    return AUDIO.parse(values, column="sound").data


def test_the_list_is_complete():
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names) and not set(names) & set(NAMES)
    assert all(feature.low < feature.high and feature.unit and feature.source for feature in FEATURES)


@pytest.mark.parametrize("values", [[None], [(np.zeros(1), 8000)], [(np.full(9, 1e6), 100)]])
def test_finite_and_in_range_for_one_row(values):
    found = own_features(data_of(values))
    for feature in FEATURES:
        assert feature.low <= found[feature.name] <= feature.high, feature.name


def test_what_they_say(tone):
    mono, pair = (tone(0.5), 8000), (np.stack([tone(1.0, seed=1)] * 2), 8000)
    found = own_features(data_of([mono, pair, None]))
    assert found["audio_sampling_rate"] == pytest.approx(np.log10(8000))
    assert found["audio_duration"] == pytest.approx(np.log10([0.5, 1]).mean())
    assert found["audio_duration_spread"] == pytest.approx(np.log10([0.5, 1]).std())
    assert found["audio_stereo_share"] == found["audio_missing_share"] == pytest.approx(1 / 3)
    assert found["audio_zero_crossings"] == pytest.approx(2 * 440 / 8000, abs=0.01)
    for feature in FEATURES:
        assert feature.low <= found[feature.name] <= feature.high, feature.name


def test_the_order_of_rows_has_no_effect(clips):
    data = data_of([(clip, 8000) for clip in clips[0][:20]])
    turned = data.take(np.random.default_rng(0).permutation(20))
    assert own_features(data) == own_features(turned) == AUDIO.own_features(data)
