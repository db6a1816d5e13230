"""Recommend, train and test on a real dataset that the shipped evaluator did not learn from: `make demo`."""

import time

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import taskaware as ta

SEEDS = (0, 1, 2)


def main() -> None:
    """Recommend, explain, train and test, beside two baselines; on several splits, because one is noisy."""
    data = load_breast_cancer(as_frame=True)
    frame = data.frame.assign(target=data.target_names[data.target])
    splits = f"a fifth of them for the test, {len(SEEDS)} splits"
    print(f"breast cancer (Wisconsin, UCI): {len(frame)} rows, {splits}\n")
    scores: dict[str, list[float]] = {}
    for seed in SEEDS:
        train, test = train_test_split(frame, test_size=0.2, stratify=frame["target"], random_state=seed)
        recommendation = ta.recommend(train, target="target", name="breast-cancer", seed=seed)
        if seed == SEEDS[0]:
            print(recommendation, "\n")
        began = time.perf_counter()
        model = recommendation.fit(train, progress=False)
        print(f"split {seed}: {model.history['step'].iloc[-1]} steps in {time.perf_counter() - began:.1f} s")
        scores.setdefault("taskaware: recommended, then trained", []).append(model.score(test))
        for name, baseline in _baselines(seed).items():
            baseline.fit(train.drop(columns="target"), train["target"])
            score = baseline.score(test.drop(columns="target"), test["target"])
            scores.setdefault(name, []).append(score)
    print("\naccuracy on the test rows, mean ± standard error over the splits")
    for name, values in scores.items():
        print(f"  {name:<45} {np.mean(values):.3f} ± {np.std(values, ddof=1) / len(values) ** 0.5:.3f}")


def _baselines(seed: int) -> dict:
    network = make_pipeline(StandardScaler(), MLPClassifier(random_state=seed, max_iter=400))
    return {
        "scikit-learn MLPClassifier, defaults": network,
        "scikit-learn HistGradientBoosting, defaults": HistGradientBoostingClassifier(random_state=seed),
    }


if __name__ == "__main__":
    main()
