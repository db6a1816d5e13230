"""What points of a space of recurrent cells become: cells that one program runs, and models of language."""
