"""The fixed parts of the code that `source` writes, as text."""

MODULE = '''\
"""A neural network designed by taskaware.

{story}
"""

{imports}
{helpers}

class {name}(nn.Module):
    """The outputs, (n, {outputs}), of n rows.

    Args:
{arguments}
    """

    @nn.compact
    def __call__(self, {names}):
{body}
'''

MIXTURE = '''

def mixture(width, *parts):
    """Sum of the (share, values) parts, each filled with zeros to `width` columns."""

    def widened(values):
        rows = ((0, 0),) * (values.ndim - 1)
        return jnp.pad(values, (*rows, (0, width - values.shape[-1])))

    return sum(share * widened(values) for share, values in parts)
'''

NORMALISED = '''

def normalised(x, share):
    """By this share, each row of x at mean 0 and variance 1."""
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    return x + share * (centred / jnp.sqrt(variance + 1e-5) - x)
'''

MEMBERS = '''

class Signs(nn.Module):
    """Rows for each of 8 members: x times a factor of each, by this share."""

    share: float

    @nn.compact
    def __call__(self, x):
        def signs(key, shape):
            return jax.random.rademacher(key, shape, jnp.float32) - 1

        more = self.param("signs", signs, (8, 1, x.shape[-1]))
        return x[None] * (1 + self.share * more)


class MemberDense(nn.Module):
    """A dense layer of 8 members: one kernel; factors and biases by this share."""

    width: int
    share: float

    @nn.compact
    def __call__(self, x):
        zeros = nn.initializers.zeros
        normal, shape = nn.initializers.lecun_normal(), (x.shape[-1], self.width)
        kernel = self.param("kernel", normal, shape)
        bias = self.param("bias", zeros, (self.width,))
        member_in = self.param("member_in", zeros, (8, 1, x.shape[-1]))
        member_out = self.param("member_out", zeros, (8, 1, self.width))
        member_bias = self.param("member_bias", zeros, (8, 1, self.width))
        given = (x * (1 + self.share * member_in)) @ kernel + bias[None, None]
        return given * (1 + self.share * member_out) + self.share * member_bias


class MemberOutput(nn.Module):
    """Outputs of 8 members: shared weights, and by this share own ones beside them."""

    outputs: int
    share: float

    @nn.compact
    def __call__(self, x):
        zeros, shape = nn.initializers.zeros, (x.shape[-1], self.outputs)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", zeros, (self.outputs,))
        own = self.param("member_kernel", zeros, (8, *shape))
        own_bias = self.param("member_bias", zeros, (8, 1, self.outputs))
        return x @ kernel + bias[None, None] + self.share * (x @ own + own_bias)
'''

MEAN_OF_CLASSES = '''

def mean_of_classes(x):
    """The logarithm of the mean of the members' probabilities, (n, classes)."""
    return jax.nn.logsumexp(nn.log_softmax(x), axis=0) - jnp.log(len(x))
'''

MEAN_OF_LABELS = '''

def mean_of_labels(x):
    """The logits of the mean of the members' probabilities, (n, labels)."""
    yes, no = (jax.nn.logsumexp(nn.log_sigmoid(each), axis=0) for each in (x, -x))
    return yes - no
'''

HELPERS = {
    "mixture(": MIXTURE,
    "normalised(": NORMALISED,
    "Signs(": MEMBERS,
    "mean_of_classes(": MEAN_OF_CLASSES,
    "mean_of_labels(": MEAN_OF_LABELS,
}
"""How a part is called → its text."""
