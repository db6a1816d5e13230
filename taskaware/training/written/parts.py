"""The parts of `network.py` that are neither the network nor copied from taskaware, as text."""

HEAD = '''\
"""A neural network designed by taskaware{what}

{story}

{usage}

Beside this file stands, as data, encoder.json: the columns, and what was learned of them{data}.
"""
'''

USAGE_PREDICT = """\
    python network.py new.csv                  # prints a prediction for each row
    python network.py new.csv --out answers.csv

    from network import {names}  # each takes a DataFrame"""

USAGE_TRAIN = """\
    python network.py data.csv --train         # trains on a file with the target

"""

ENCODING = '''

HERE = Path(__file__).resolve().parent
{constants}ROWS_AT_ONCE = {rows}


@functools.cache
def learned() -> dict:
    """What was learned of the columns and of the target: encoder.json."""
    found = json.loads((HERE / "encoder.json").read_text(encoding="utf-8"))
{load}    return found


def read(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The columns as numbers, (N, F), NaN where missing, and as places of categories, (N, G), -1 likewise."""
    columns, numbers, places = learned()["columns"], [], []
    given = named_columns(frame, [column["name"] for column in columns])
    for column in columns:
{reading}{sharing}    return side_by_side(numbers, len(frame), float), side_by_side(places, len(frame), int)


def side_by_side(parts: list[np.ndarray], rows: int, dtype: type) -> np.ndarray:
    """Columns of equal length as one array, (N, columns)."""
    return np.stack(parts, axis=1).astype(dtype) if parts else np.zeros((rows, 0), dtype)


def encode(numbers: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, ...]:
    """What `Network` is called with, of columns that `read` gave."""
    arrays = learned()["arrays"]
    return (
{inputs}    )
'''

READ_NUMBERS = """\
        numbers += READERS[column["kind"]](given[column["name"]], column)
"""

READ_CATEGORIES = """\
        places.append(read_categories(given[column["name"]], column))
"""

READ_BOTH = """\
        if column["kind"] == "category":
            places.append(read_categories(given[column["name"]], column))
        else:
            numbers += READERS[column["kind"]](given[column["name"]], column)
"""

SHARES = """\
    # A category of many labels counts by its frequency as well.
    for name, shares in learned()["arrays"].items():
        if name.startswith("shares/"):
            numbers.append(shares[places[int(name.removeprefix("shares/"))]])
"""

LOAD_JSON = """\
    found["arrays"] = {name: np.asarray(values) for name, values in found["arrays"].items()}
"""

LOAD_NPZ = """\
    with np.load(HERE / "encoder.npz", allow_pickle=False) as arrays:
        found["arrays"] = dict(arrays)
"""

ENCODED_NUMBERS = "encoded_numbers(numbers, arrays, EMBEDDINGS)"
ENCODED_CATEGORIES = (
    'one_hot_columns(places, [arrays[f"places/{place}"] for place in range(places.shape[1])])'
)

WEIGHTS = '''

@functools.cache
def weights() -> dict:
    """The weights of M networks, each (M, ...): weights.npz."""
    path = HERE / "weights.npz"
    if not path.is_file():
        raise ValueError("{none}")
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    if str(arrays.pop("made_for")) != learned()["made_for"]:
        raise ValueError("weights.npz is of another network. {again}")
    params: dict = {{}}
    for name, array in arrays.items():
        layer, _, part = name.rpartition("/")
        params.setdefault(layer, {{}})[part] = array
    return params


@jax.jit
def mean_output(params: dict, inputs: tuple) -> jax.Array:
    """The mean of what the networks give, (N, {outputs}): {meaning}."""

    def one(params):
        return {one}

    return jax.vmap(one)(params).mean(0)


def outputs_of(frame: pd.DataFrame) -> np.ndarray:
    """`mean_output` of each row of a table."""
    numbers, places = read(frame)
    found = [np.zeros((0, {outputs}), np.float32)]
    for start in range(0, len(frame), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        found.append(np.asarray(mean_output(weights(), encode(numbers[rows], places[rows]))))
    return np.concatenate(found)
'''

NO_WEIGHTS = "There is no weights.npz. "
TRAIN_FIRST = "Train first: python network.py data.csv --train"
WRITE_AGAIN = "Write the folder again: model.source(folder)"

PROBABILITIES = """jax.nn.softmax(Network().apply({"params": params}, *inputs))"""
VALUE = """Network().apply({"params": params}, *inputs)"""

CLASSES = '''

def predict_proba(frame: pd.DataFrame) -> np.ndarray:
    """The probability of each class, (N, {outputs}), in the order of `classes()`."""
    return outputs_of(frame)


def classes() -> np.ndarray:
    """The labels, as they were written."""
    labels = learned()["classes"]
    if len(set(map(type, labels))) == 1:
        return np.array(labels)
    found = np.empty(len(labels), object)
    found[:] = labels
    return found


def decided(probabilities: np.ndarray) -> np.ndarray:
    """The class of each row."""
    offsets = learned()["offsets"]
    if not offsets:
        return classes()[probabilities.argmax(1)]
    logarithms = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return classes()[(logarithms + np.asarray(offsets)).argmax(1)]


def predict(frame: pd.DataFrame) -> np.ndarray:
    """The class of each row, (N,)."""
    return decided(predict_proba(frame))


def table_of(frame: pd.DataFrame, proba: bool) -> pd.DataFrame:
    """The predictions as a table; with the probability of each class where asked."""
    probabilities = predict_proba(frame)
    found = {{learned()["target"]: decided(probabilities)}}
    if proba:
        found |= {{f"P({{label}})": probabilities[:, place] for place, label in enumerate(classes())}}
    return pd.DataFrame(found)
'''

NUMBERS = '''

def predict(frame: pd.DataFrame) -> np.ndarray:
    """The value of each row, (N,), in the target's own units."""
    return restored(outputs_of(frame)[:, 0], learned()["mean"], learned()["std"])


def table_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The predictions as a table."""
    return pd.DataFrame({{learned()["target"]: predict(frame)}})
'''

TRAIN = '''

def targets(frame: pd.DataFrame) -> np.ndarray:
    """The target of each row, (N,), as the network learns it; {missing} where there is none."""
    series = named_columns(frame, [learned()["target"]])[learned()["target"]]
    return {target}


def train(frame: pd.DataFrame, *, seed: int = 0, steps: int | None = None) -> float:
    """Train one network on the rows that have a target, and write weights.npz beside this file.

    AdamW with a warm-up and a cosine to zero. A fifth of the rows, drawn at random, is not trained on: the
    weights with the least loss there are kept, and this loss is returned.
    """
    y = targets(frame)
    known = np.flatnonzero({known})
    if len(known) < 10:
        raise ValueError(f"Only {{len(known)}} rows have a known target; at least 10 are needed.")
    inputs = encode(*(part[known] for part in read(frame)))
    y, rng, key = y[known], np.random.default_rng(seed), jax.random.key(seed)
    held, rows = np.split(rng.permutation(len(y)), [max(1, len(y) // 5)])
    steps = steps or {every} * round(min({steps} * max(1, len(rows) / {per}), {most}) / {every})
    rate = optax.warmup_cosine_decay_schedule(0.0, {rate}, max(1, steps // 10), steps)
    optimizer = optax.adamw(
        rate,
        b2=0.99,
        weight_decay={decay},
        mask=lambda params: jax.tree.map(lambda leaf: leaf.ndim > 1, params),  # biases do not decay
    )
    params = Network().init(key, *(part[:1] for part in inputs))["params"]
    state, best, least = optimizer.init(params), params, np.inf

    def loss(params, inputs, y{key_argument}):
        outputs = {applied}
        return {loss}

    @jax.jit
    def step(params, state, inputs, y, key):
        updates, state = optimizer.update(jax.grad(loss)(params, inputs, y{key_given}), state, params)
        return optax.apply_updates(params, updates), state

    valued = jax.jit(loss)
    order = np.concatenate([rng.permutation(rows) for _ in range(1 + steps * {batch} // len(rows))])
    for number, batch in enumerate(order[: steps * {batch}].reshape(steps, {batch})):
        batch_inputs = tuple(part[batch] for part in inputs)
        params, state = step(params, state, batch_inputs, y[batch], jax.random.fold_in(key, number))
        if number % {every} == {every} - 1 or number == steps - 1:
            now = float(valued(params, tuple(part[held] for part in inputs), y[held]))
            best, least = (params, now) if now < least else (best, least)
    if not np.isfinite(least):
        raise ValueError("The loss is no finite number. Check the data for outliers.")
    keep(best)
    return least


def keep(params: dict) -> None:
    """Write the weights of one network to weights.npz, in one piece."""
    flat = jax.tree.leaves_with_path(params)
    arrays = {{"/".join(key.key for key in path): array[None] for path, array in flat}}
    fresh = HERE / f".weights-{{os.getpid()}}.npz"
    np.savez(fresh, made_for=np.array(learned()["made_for"]), **arrays)
    fresh.replace(HERE / "weights.npz")
    weights.cache_clear()
'''

TARGET_CLASSES = 'target_classes(series, learned()["classes"])'
TARGET_NUMBERS = (
    'standardised(target_numbers(series, learned()["form"]), learned()["mean"], learned()["std"])'
)
CLASS_LOSS = "optax.softmax_cross_entropy_with_integer_labels(outputs, jnp.asarray(y)).mean()"
VALUE_LOSS = "jnp.square(outputs[:, 0] - y).mean()"
APPLIED = 'Network().apply({"params": params}, *inputs)'
APPLIED_DROPPING = """\
Network().apply(
            {"params": params}, *inputs, train=key is not None, rngs={} if key is None else {"dropout": key}
        )"""

MAIN = '''

def main() -> None:
    """Predict for the rows of a file, and print or write the answers as CSV."""
    parser = argparse.ArgumentParser(description={description})
    parser.add_argument("file", help="CSV, TSV, Parquet or Excel file with a line of names")
    parser.add_argument("--out", metavar="FILE", help="write the predictions to a new file")
    parser.add_argument("--encoding", default="utf-8-sig", help="of a text file")
{options}    given = parser.parse_args()
    try:
        frame = read_file(given.file, given.encoding)
{train}        answers = table_of({arguments})
        if given.out is None:
            printed(answers.to_csv(index=False))
        else:
            answers.to_csv(given.out, index=False, mode="x")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {{error}}")


if __name__ == "__main__":
    main()
'''

OPTION_PROBA = """\
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
"""
OPTION_TRAIN = """\
    parser.add_argument("--train", action="store_true", help="train on the rows of the file first")
"""
RUN_TRAIN = """\
        if given.train:
            print(f"loss {train(frame):.4f} on held-out rows; weights.npz is written", file=sys.stderr)
            return
"""
