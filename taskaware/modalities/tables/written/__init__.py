"""Reading and encoding a table, written out as code that runs without taskaware."""
