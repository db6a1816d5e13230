"""A user presses Ctrl-C while a model trains: what was reached is saved, and the exit code says so."""

import os
import signal

import numpy as np
import pandas as pd

from taskaware.cli.entry import main
from taskaware.training import fit as training
from taskaware.training.length import SEGMENT
from taskaware.training.model import load_model


def test_the_model_so_far_is_saved_and_the_exit_code_is_130(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=60), "y": rng.normal(size=60)})
    frame.to_csv(tmp_path / "table.csv", index=False)
    calls, advance = [], training.advance_members

    def interrupted(*words):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(*words)

    monkeypatch.setattr(training, "advance_members", interrupted)
    before = signal.getsignal(signal.SIGINT)
    words = ["recommend", tmp_path / "table.csv", "--target", "y", "--fit", "--members", "1"]
    code = main([str(word) for word in [*words, "--save", tmp_path / "model"]])
    assert code == 130 and len(calls) == 2
    assert "Stopped by Ctrl-C. The results so far are kept" in capsys.readouterr().err
    assert load_model(tmp_path / "model").history["step"].iloc[-1] == SEGMENT
    assert signal.getsignal(signal.SIGINT) is before
