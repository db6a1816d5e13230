"""A small part of `make fuzz`: odd tables and damaged files end in an answer or in an error of taskaware."""

from benchmarks import fuzz, odd_files


def test_odd_tables(tmp_path):
    outcomes, findings = fuzz.run(60, fuzz.table_judge(tmp_path), first=1)
    assert not findings
    assert outcomes["answered"] > 12 and outcomes["refused"] > 12


def test_damaged_files(tmp_path):
    outcomes, findings = fuzz.run(25, odd_files.judge(tmp_path))
    assert not findings
    assert outcomes["refused"] > 12
