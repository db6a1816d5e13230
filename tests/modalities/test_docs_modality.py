"""The code of `docs/extending/modality.md` runs, and says what it should."""

import re
import sys
import types
from pathlib import Path

import pytest

import taskaware as ta
from taskaware.testing.modality_contract import check_modality

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending" / "modality.md"


def test_the_page_runs(capsys, short):
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    module = types.ModuleType("modality_page")
    sys.modules["modality_page"] = module
    try:
        for part in code:
            exec(part, module.__dict__)
        check_modality(lambda: ta.make_task(module.strands, module.y))
        with pytest.raises(ta.UserError, match="Row 1 holds 'ABBA'"):
            module.model.predict(["ACGT", "ABBA"])
    finally:
        ta.MODALITIES.remove("dna")
        del sys.modules["modality_page"]
    assert capsys.readouterr().out.strip().endswith("['plant' 'animal']")
