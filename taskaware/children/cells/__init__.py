"""Networks of cells: module, trained form, counts, source code, drawing."""
