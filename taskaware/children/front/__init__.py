"""Relaxed convolutions in front of mixed dense layers: one program, module, code, drawing, counts."""
