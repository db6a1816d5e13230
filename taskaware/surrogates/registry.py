"""All surrogates by name."""

from taskaware.registry import Registry
from taskaware.surrogates.evaluator import Evaluator

SURROGATES: Registry[type[Evaluator]] = Registry(
    "surrogate",
    {
        "gp": "taskaware.surrogates.gp_evaluator:GPEvaluator",
        "bilinear": "taskaware.surrogates.ensemble:EnsembleEvaluator",
        "published": "taskaware.surrogates.ensemble:EnsembleEvaluator",
        "published_head": "taskaware.surrogates.ensemble:EnsembleEvaluator",
        "joint": "taskaware.surrogates.joint:JointEvaluator",
    },
)
"""Name → a subclass of `Evaluator`: a Gaussian process; ensembles of networks; networks with a learned
feature generator. `settings.network` names one."""
