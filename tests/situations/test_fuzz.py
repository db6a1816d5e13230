"""A small part of `make fuzz`: odd tables and damaged files end in an answer or in an error of taskaware."""

from benchmarks import fuzz, odd_files


def test_odd_tables(tmp_path):
    outcomes, findings = fuzz.run(100, fuzz.table_judge(tmp_path), first=1)
    assert not findings
    assert outcomes["answered"] > 20 and outcomes["refused"] > 20


def test_damaged_files(tmp_path):
    outcomes, findings = fuzz.run(40, odd_files.judge(tmp_path))
    assert not findings
    assert outcomes["refused"] > 20
