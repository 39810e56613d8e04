from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from llmroute.embeddings import read_embedder
from llmroute.errors import InputError

tokenizers = pytest.importorskip("tokenizers", reason="the extra [embed] is not installed")
safetensors_numpy = pytest.importorskip("safetensors.numpy", reason="[embed] is not installed")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "refund", "my", "order", "please", "the", "cat"]
HIDDEN, INNER, LAYERS, HEADS, POSITIONS = 8, 16, 2, 2, 12


def random_weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)

    def tensor(*size: int) -> np.ndarray:
        return rng.normal(0, 0.5, size).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": tensor(len(WORDS), HIDDEN),
        "embeddings.position_embeddings.weight": tensor(POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": tensor(2, HIDDEN),
    }
    sizes = {"embeddings.LayerNorm": (HIDDEN,)}
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            sizes[f"{layer}.attention.{part}"] = (HIDDEN, HIDDEN)
        sizes[f"{layer}.attention.output.LayerNorm"] = (HIDDEN,)
        sizes[f"{layer}.intermediate.dense"] = (INNER, HIDDEN)
        sizes[f"{layer}.output.dense"] = (HIDDEN, INNER)
        sizes[f"{layer}.output.LayerNorm"] = (HIDDEN,)
    for part, size in sizes.items():
        weights[f"{part}.weight"] = tensor(*size)
        weights[f"{part}.bias"] = tensor(size[0])
    return weights


def write_model(folder: Path, **config: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": POSITIONS,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(settings | config))
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    model = tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    safetensors_numpy.save_file(random_weights(), str(folder / "model.safetensors"))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def embed_by_hand(words: list[str]) -> list[float]:
    """The same model, one text at a time, in loops over plain floats in double precision."""
    w = {name: tensor.astype(float).tolist() for name, tensor in random_weights().items()}

    def linear(x: list[float], part: str) -> list[float]:
        rows, bias = w[f"{part}.weight"], w[f"{part}.bias"]
        return [
            sum(a * b for a, b in zip(x, row, strict=True)) + c
            for row, c in zip(rows, bias, strict=True)
        ]

    def norm(x: list[float], part: str) -> list[float]:
        mean = sum(x) / len(x)
        spread = math.sqrt(sum((a - mean) ** 2 for a in x) / len(x) + 1e-12)
        gain, bias = w[f"{part}.weight"], w[f"{part}.bias"]
        return [(a - mean) / spread * g + b for a, g, b in zip(x, gain, bias, strict=True)]

    def add(x: list[float], y: list[float]) -> list[float]:
        return [a + b for a, b in zip(x, y, strict=True)]

    ids = [2, *(WORDS.index(word) for word in words), 3]
    x = []
    for place, token in enumerate(ids):
        summed = add(
            w["embeddings.word_embeddings.weight"][token],
            w["embeddings.position_embeddings.weight"][place],
        )
        summed = add(summed, w["embeddings.token_type_embeddings.weight"][0])
        x.append(norm(summed, "embeddings.LayerNorm"))
    size = HIDDEN // HEADS
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q, k, v = (
            [linear(t, f"{layer}.attention.self.{part}") for t in x]
            for part in ("query", "key", "value")
        )
        y = []
        for here in range(len(x)):
            seen = []
            for head in range(HEADS):
                part = slice(head * size, (head + 1) * size)
                logits = [
                    sum(a * b for a, b in zip(q[here][part], other[part], strict=True))
                    / math.sqrt(size)
                    for other in k
                ]
                weights = [math.exp(logit) for logit in logits]
                for j in range(size):
                    column = head * size + j
                    mixed = sum(g * other[column] for g, other in zip(weights, v, strict=True))
                    seen.append(mixed / sum(weights))
            out = linear(seen, f"{layer}.attention.output.dense")
            after = norm(add(out, x[here]), f"{layer}.attention.output.LayerNorm")
            inner = [
                0.5 * a * (1 + math.erf(a / math.sqrt(2)))
                for a in linear(after, f"{layer}.intermediate.dense")
            ]
            outer = linear(inner, f"{layer}.output.dense")
            y.append(norm(add(outer, after), f"{layer}.output.LayerNorm"))
        x = y
    pooled = [sum(column) / len(x) for column in zip(*x, strict=True)]
    length = math.sqrt(sum(a * a for a in pooled))
    return [a / length for a in pooled]


def test_vectors_equal_a_forward_pass_written_in_plain_loops(model: Path) -> None:
    found = read_embedder(model).embed(["refund my order please", "the cat"])
    assert found[0] == pytest.approx(embed_by_hand(["refund", "my", "order", "please"]), abs=5e-6)
    assert found[1] == pytest.approx(embed_by_hand(["the", "cat"]), abs=5e-6)


def test_padding_beside_a_longer_text_changes_nothing(model: Path) -> None:
    embedder = read_embedder(model)
    alone = embedder.embed(["cat"])[0]
    beside = embedder.embed(["refund my order please the cat", "cat"])[1]
    assert alone == pytest.approx(beside, abs=1e-6)


def test_vectors_keep_the_order_of_the_texts_over_several_batches(model: Path) -> None:
    texts = ["cat " * (i % 7) + "refund" for i in range(70)]
    embedder = read_embedder(model)
    together = embedder.embed(texts)
    assert together.shape == (70, HIDDEN)
    for row in (0, 33, 69):
        assert together[row] == pytest.approx(embedder.embed([texts[row]])[0], abs=1e-6)


def test_every_vector_has_length_one_even_of_hostile_text(model: Path) -> None:
    texts = ["", "\x00", "\ud800 half", "cat " * 300_000, "🙂", "\x1b[31m"]
    lengths = np.linalg.norm(read_embedder(model).embed(texts), axis=1)
    assert lengths == pytest.approx(np.ones(6), abs=1e-5)


def test_text_beyond_the_window_is_cut(model: Path) -> None:
    embedder = read_embedder(model)
    inside = "cat " * (POSITIONS - 2)
    assert embedder.embed([inside + "refund"])[0] == pytest.approx(embedder.embed([inside])[0])


def test_no_texts_give_no_vectors(model: Path) -> None:
    assert read_embedder(model).embed([]).shape == (0, HIDDEN)


def test_weights_named_after_their_model_are_read_too(tmp_path: Path, model: Path) -> None:
    other = write_model(tmp_path / "prefixed")
    named = {f"bert.{name}": tensor for name, tensor in random_weights().items()}
    safetensors_numpy.save_file(named, str(other / "model.safetensors"))
    assert (read_embedder(other).embed(["cat"]) == read_embedder(model).embed(["cat"])).all()


def test_missing_folder_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such model folder(.|\n)*model\.safetensors"):
        read_embedder(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(InputError, match=f"lacks {name}"):
        read_embedder(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_broken_file_is_an_input_error_that_names_it(model: Path, name: str) -> None:
    (model / name).write_bytes(b"[1, 2")
    with pytest.raises(InputError, match=name):
        read_embedder(model)


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "other", model_type="mpnet")
    with pytest.raises(InputError, match="'mpnet'"):
        read_embedder(folder)


def test_weights_of_fewer_layers_than_the_configuration_says_are_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "short", num_hidden_layers=3)
    with pytest.raises(InputError, match=r"lack 'encoder\.layer\.2"):
        read_embedder(folder)


def test_pooling_other_than_the_mean_is_refused(model: Path) -> None:
    (model / "1_Pooling").mkdir()
    (model / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": false}')
    with pytest.raises(InputError, match="does not pool by the mean"):
        read_embedder(model)


@pytest.mark.parametrize("package", ["tokenizers", "safetensors"])
def test_missing_extra_ends_in_the_line_that_installs_it(model: Path, package: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None; sys.modules['{package}.numpy'] = None\n"
        "from llmroute.embeddings import read_embedder\n"
        "from llmroute.errors import InputError\n"
        "try: read_embedder(sys.argv[1])\n"
        "except InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert package in done.stdout
    assert done.stdout.rstrip().endswith("pip install 'llmroute[embed]'")


@pytest.mark.skipif("LLMROUTE_MINILM" not in os.environ, reason="LLMROUTE_MINILM names no folder")
def test_minilm_puts_a_paraphrase_nearer_than_a_stranger() -> None:
    embedder = read_embedder(os.environ["LLMROUTE_MINILM"])
    asked, same, other = embedder.embed(
        ["How do I get my money back?", "I want a refund.", "The cat sat on the mat."]
    )
    assert embedder.dimensions == 384
    assert asked @ same > 0.4
    assert asked @ other < 0.1
