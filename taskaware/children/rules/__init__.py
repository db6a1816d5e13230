"""Update rules at work: as optax transformations, and as data of one compiled interpreter."""
