"""How candidates are trained and scored when experience is collected."""

import dataclasses

from taskaware.errors import UserError

REDUCTIONS = ("mean", "max")
AT_LEAST_1 = (
    "steps",
    "batch_size",
    "evaluations",
    "score_last",
    "train_rows",
    "validation_rows",
    "test_rows",
)
RANGES = {"warmup": (0, 1), "learning_rate": (0, 10), "weight_decay": (0, 10), "dropout": (0, 0.99)}


@dataclasses.dataclass(frozen=True)
class TrainingRecipe:
    """Everything about a training except the architecture; part of the key of stored trainings."""

    # Optimizer steps, with a warm-up and a cosine to zero.
    steps: int = 300
    # Rows per step; a training part smaller than this repeats rows within a step.
    batch_size: int = 128
    # Evaluations on the validation part during training, at equal distances ("epochs").
    evaluations: int = 5
    # Number of last evaluations that make the score (published: 2, 5 or 10).
    score_last: int = 2
    # Their reduction to the score: "mean" or "max".
    score_reduction: str = "mean"
    # Rows used of each part, at most, drawn at random.
    train_rows: int = 4096
    validation_rows: int = 2048
    test_rows: int = 4096
    # Share of the steps over which the learning rate rises.
    warmup: float = 0.1
    # For spaces without coordinates of these names.
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    dropout: float = 0.0

    @property
    def segment(self) -> int:
        """Steps between two evaluations."""
        return self.steps // self.evaluations

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    def check(self) -> "TrainingRecipe":
        """The recipe itself, if it is valid.

        Raises:
            UserError: a value is out of range; the message names it and the range.
        """
        for name in AT_LEAST_1:
            if getattr(self, name) < 1:
                raise UserError(f"Recipe value {name}={getattr(self, name)} is too small. Give 1 or more.")
        for name, (low, high) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(
                    f"Recipe value {name}={getattr(self, name)} is out of range. Give {low} to {high}."
                )
        if self.steps % self.evaluations:
            raise UserError(
                f"steps={self.steps} is not a multiple of evaluations={self.evaluations}. Change one of them."
            )
        if self.score_last > self.evaluations:
            raise UserError(f"score_last={self.score_last} exceeds evaluations={self.evaluations}. Lower it.")
        if self.score_reduction not in REDUCTIONS:
            raise UserError(
                f"score_reduction='{self.score_reduction}' is unknown. Allowed: {', '.join(REDUCTIONS)}."
            )
        return self
