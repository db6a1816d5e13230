"""The block of a named model: what is asked of transformers, through a stand-in that records it."""

import importlib.util
import sys
import types

import numpy as np
import pytest

import taskaware as ta
from taskaware.modalities import pretrained
from taskaware.modalities.audio import pretrained as audio_pretrained
from taskaware.modalities.audio.modality import AUDIO

H = 300


class Tensor(np.ndarray):
    """As much of a tensor as the block needs."""

    def float(self):
        return self

    cpu = numpy = float


class Extractor:
    sampling_rate = 16000

    def __call__(self, clips, *, sampling_rate, return_tensors):
        assert sampling_rate == 16000 and return_tensors == "pt" and len({len(clip) for clip in clips}) == 1
        return {"input_values": np.stack(clips)}


class Network:
    config = types.SimpleNamespace(is_encoder_decoder=False)

    def eval(self):
        return self

    float = eval

    def __call__(self, input_values):
        frames = input_values[:, : input_values.shape[1] // 100 * 100].reshape(len(input_values), -1, 100)
        mixed = frames @ np.random.default_rng(0).normal(size=(100, H))
        return types.SimpleNamespace(last_hidden_state=np.abs(mixed).view(Tensor))


@pytest.fixture
def asked(monkeypatch):
    """What is asked of the stand-in, as (class, name, options)."""
    found = []

    def loader(kind, value):
        def from_pretrained(name, **options):
            found.append((kind, name, options))
            if name == "gone/model":
                raise OSError("We couldn't connect to the hub\nand more lines")
            return value

        return types.SimpleNamespace(from_pretrained=from_pretrained)

    class Inference:
        __enter__ = __exit__ = lambda *_: None

    stand_in = types.ModuleType("transformers")
    stand_in.AutoFeatureExtractor, stand_in.AutoModel = (
        loader("extractor", Extractor()),
        loader("model", Network()),
    )
    stand_in.utils = types.SimpleNamespace(logging=types.SimpleNamespace(disable_progress_bar=list))
    torch = types.ModuleType("torch")
    torch.inference_mode, torch.Tensor = Inference, Tensor  # SciPy asks for the latter
    for module in (stand_in, torch):
        module.__spec__ = importlib.util.spec_from_loader(module.__name__, None)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    pretrained.forget_models()
    yield found
    pretrained.forget_models()


def test_the_block_is_loaded_safely_reduced_and_saved(asked, clips, monkeypatch):
    monkeypatch.setenv("TASKAWARE_AUDIO_MODEL", "some/model")
    data = AUDIO.parse([(clip, 8000) for clip in clips[0][:20]], column="sound").data
    blocks = AUDIO.fit_blocks(data, np.arange(15))
    found = blocks.transform(data)["audio_model"]
    assert asked == [
        ("extractor", "some/model", {"trust_remote_code": False}),
        ("model", "some/model", {"trust_remote_code": False, "use_safetensors": True}),
    ]
    assert found.shape == (20, 256) and found.dtype == np.float32 and np.isfinite(found).all()
    assert abs(found[:15, 0].std() - 1) < 1e-3
    monkeypatch.delenv("TASKAWARE_AUDIO_MODEL")
    again = AUDIO.blocks_from(blocks.to_arrays())
    np.testing.assert_array_equal(again.transform(data)["audio_model"], found)
    alone = again.transform(data, np.array([18]))["audio_model"]
    np.testing.assert_allclose(alone[0], found[18], rtol=1e-5, atol=1e-6)
    assert "audio_model" not in AUDIO.fit_blocks(data, np.arange(15)).widths


def test_a_model_that_cannot_be_loaded_is_one_clear_sentence(asked):
    with pytest.raises(ta.UserError, match=r"'gone/model' cannot be loaded: 'We couldn't .* hub'\. Check"):
        audio_pretrained.MODELS.load("gone/model")


def test_without_transformers_the_line_that_installs_it(clips, monkeypatch):
    pretrained.forget_models()
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("TASKAWARE_AUDIO_MODEL", "some/model")
    data = AUDIO.parse([(clips[0][0], 8000)], column="sound").data
    with pytest.raises(ta.UserError, match=r"pip install 'taskaware\[audio-model\]'.*unset"):
        AUDIO.fit_blocks(data, np.arange(1))


@pytest.mark.parametrize("name", ["../../secret", "/etc/model", "a/b/c", "a b", "", "x/.."])
def test_a_saved_file_names_only_models_of_the_hub(name):
    assert not audio_pretrained.may_load(name) and audio_pretrained.may_load("facebook/wav2vec2-base")


def test_models_of_other_kinds():
    states = np.ones((2, 5, 3)).view(Tensor)
    clap = types.SimpleNamespace(get_audio_features=lambda x: types.SimpleNamespace(pooler_output=x))
    assert audio_pretrained._output(clap, {"x": states}) is states

    def encoder(x):
        return types.SimpleNamespace(last_hidden_state=x)

    whisper = types.SimpleNamespace(
        config=types.SimpleNamespace(is_encoder_decoder=True), get_encoder=lambda: encoder
    )
    assert audio_pretrained._output(whisper, {"x": states}).shape == (2, 3)
    with pytest.raises(ta.UserError, match="no states over time"):
        audio_pretrained._output(whisper, {"x": states[0]})
