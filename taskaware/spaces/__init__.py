"""What can be designed: spaces of architectures. They know no data, no scores and no Flax."""

from taskaware.spaces.cells import CellSpace, cells
from taskaware.spaces.chain import ChainSpace, Layer, chain
from taskaware.spaces.choices import ChoiceSpace, choices
from taskaware.spaces.front import FrontSpace, front
from taskaware.spaces.mixture import MixtureSpace
from taskaware.spaces.mixture_parts import Point, Weights
from taskaware.spaces.named import named_point, named_space
from taskaware.spaces.presets import PRESETS, preset
from taskaware.spaces.recurrent_cells import RecurrentCell, RecurrentCellSpace, recurrent_cells
from taskaware.spaces.registry import SPACES, space_from, type_of
from taskaware.spaces.relaxed import RelaxedChoices, relaxed
from taskaware.spaces.space import Decision, HostSpace, RelaxedSpace, Space, change_one, decided
from taskaware.spaces.stepwise import ConnectedSpace, Connection, StepwiseSpace, open_choices

__all__ = [
    "PRESETS",
    "SPACES",
    "CellSpace",
    "ChainSpace",
    "ChoiceSpace",
    "ConnectedSpace",
    "Connection",
    "Decision",
    "FrontSpace",
    "HostSpace",
    "Layer",
    "MixtureSpace",
    "Point",
    "RecurrentCell",
    "RecurrentCellSpace",
    "RelaxedChoices",
    "RelaxedSpace",
    "Space",
    "StepwiseSpace",
    "Weights",
    "cells",
    "chain",
    "change_one",
    "choices",
    "decided",
    "front",
    "named_point",
    "named_space",
    "open_choices",
    "preset",
    "recurrent_cells",
    "relaxed",
    "space_from",
    "type_of",
]
