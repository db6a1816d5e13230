"""Tables of odd columns, and models of drawn weights."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pandas as pd

from taskaware.arrays import bucket
from taskaware.children.child import child_of
from taskaware.modalities.reading import modality_of
from taskaware.tasks.scale import mean_and_std
from taskaware.training.model import Model

HOSTILE = '"""); __import__("os").system("touch owned") #\n\\'


def odd(rows=90):
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, rows), "D")
    return pd.DataFrame(
        {
            "size": [f"{size:,.2f}" for size in rng.normal(5e3, 2e3, rows)],
            "paid": [f"€ {paid:.1f}" if paid > 1 else "n/k" for paid in rng.normal(5, 3, rows)],
            "seen": days.strftime("%d/%m/%Y"),
            "colour": rng.choice(["red", "green", HOSTILE, None], rows),
            "shop": [f"shop {number}" for number in rng.integers(0, 45, rows)],
            "plain": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            HOSTILE: rng.choice(["yes", "no"], rows),
            "price": [f"{price:.1f} EUR" for price in rng.normal(50, 9, rows)],
            "answer": rng.choice(["no", "perhaps", HOSTILE], rows),
        }
    )


def model_of(task, space, point, members=2):
    """A model with drawn weights, as if they had been trained."""
    blocks = modality_of(task).fit_blocks(task.data, np.arange(task.rows))
    reader, blocks = modality_of(task).compact(task.reader, blocks)
    rng = np.random.default_rng(1)
    mean, std = (0.0, 1.0) if task.classes or task.several else mean_and_std(task.target)
    found = Model(
        name=task.name,
        problem=task.problem,
        metric=task.metric,
        target_name=task.target_name,
        classes=task.classes,
        modality=task.modality,
        reader=reader,
        blocks=blocks,
        space=space,
        point=np.asarray(point),
        width=child_of(space).group(space, jnp.asarray(point)[None])[0][0],
        outputs=bucket(len(task.classes), 4) if task.classes else task.outputs,
        several=task.several,
        params={},
        target_mean=mean,
        target_std=std,
        best_score=0.5,
        history=pd.DataFrame({"step": [1]}),
        offsets=(0.0, 0.5, 0.1) if len(task.classes) == 3 else (),
    )
    shapes = found._networks.shapes()
    params = {
        name: rng.normal(0, 0.4, (members, *shape)).astype(np.float32) for name, shape in shapes.items()
    }
    return dataclasses.replace(found, params=params)
