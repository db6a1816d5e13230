"""MiniRocket against the formula of the paper, one number at a time."""

import itertools

import numpy as np
import pytest

from taskaware.modalities.series.convolutions import FEATURES, KERNELS, Kernels


def dilations_of(length, most=32, features=119):
    """Section 3.1.4: dilations 2 ** (0 .. log2((length - 1) / 8)), and the features of a kernel at each."""
    steps = [int(2 ** (i * np.log2((length - 1) / 8) / (most - 1))) for i in range(most)]
    dilations = sorted(set(steps))
    counts = [int(steps.count(each) * features / most) for each in dilations]
    turn = itertools.cycle(range(len(dilations)))
    while sum(counts) < features:
        counts[next(turn)] += 1
    return dilations, counts


def convolution(row, places, dilation):
    """One kernel over one row, zeros beyond its ends."""
    weights = [2.0 if place in places else -1.0 for place in range(9)]
    found = []
    for t in range(len(row)):
        reads = [t + (place - 4) * dilation for place in range(9)]
        found.append(sum(w * row[s] for w, s in zip(weights, reads, strict=True) if 0 <= s < len(row)))
    return np.array(found)


def literal(rows, kernels):
    """The features of rows (n, C, T), by the text of the paper."""
    dilations, counts = dilations_of(rows.shape[2])
    found = []
    biases = iter(kernels.biases.tolist())
    for d, (dilation, count) in enumerate(zip(dilations, counts, strict=True)):
        for k, places in enumerate(itertools.combinations(range(9), 3)):
            outputs = [convolution(row[kernels.chosen[d, k]].sum(0), places, dilation) for row in rows]
            if (d + k) % 2:
                outputs = [each[4 * dilation : len(each) - 4 * dilation] for each in outputs]
            for _ in range(count):
                bias = next(biases)
                found.append([(each > bias).mean() for each in outputs])
    return np.array(found).T


@pytest.mark.parametrize(("channels", "length"), [(1, 40), (3, 33)])
def test_features_are_those_of_the_formula(channels, length):
    rows = np.random.default_rng(channels).normal(size=(3, channels, length)).cumsum(2)
    kernels = Kernels.fit(rows)
    wanted, found = literal(rows, kernels), kernels.transform(rows)
    assert found.shape == (3, FEATURES)
    # Sums in 32 bits may differ in the last digit from those in 64, and so on which side of a bias they are.
    different = np.abs(found - wanted) > 1e-6
    assert different.mean() < 1e-3 and np.abs(found - wanted).max() < 3 / length


def test_biases_are_quantiles_of_a_training_row():
    row = np.random.default_rng(0).normal(size=(1, 1, 50)).cumsum(2)
    kernels = Kernels.fit(row)
    dilations, counts = dilations_of(50)
    assert kernels.dilations.tolist() == dilations and kernels.counts.tolist() == counts
    quantiles = np.arange(1, FEATURES + 1) * (np.sqrt(5) + 1) / 2 % 1
    for kernel in (0, 40, 83):
        start = kernel * counts[0]
        wanted = np.quantile(
            convolution(row[0, 0], KERNELS[kernel], dilations[0]), quantiles[start : start + counts[0]]
        )
        np.testing.assert_allclose(kernels.biases[start : start + counts[0]], wanted, rtol=1e-4, atol=1e-4)


def test_a_row_alone_is_the_row_in_company():
    rows = np.random.default_rng(0).normal(size=(150, 2, 30)).cumsum(2)
    kernels = Kernels.fit(rows)
    np.testing.assert_array_equal(kernels.transform(rows[140:141])[0], kernels.transform(rows)[140])


def test_seeds_differ_and_one_seed_does_not():
    rows = np.random.default_rng(0).normal(size=(20, 3, 30)).cumsum(2)
    first, again, other = Kernels.fit(rows), Kernels.fit(rows), Kernels.fit(rows, seed=1)
    np.testing.assert_array_equal(first.biases, again.biases)
    assert (first.chosen != other.chosen).any() and (first.biases != other.biases).any()


def test_channels_of_a_kernel_are_one_to_nine():
    rows = np.random.default_rng(0).normal(size=(3, 40, 30))
    counts = Kernels.fit(rows).chosen.sum(2)
    assert counts.min() == 1 and counts.max() in (8, 9)
