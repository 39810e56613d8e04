"""Model folder → LocalEmbedder: a BERT-layout sentence-transformers folder, run in numpy.

The folder holds `config.json`, `tokenizer.json` and `model.safetensors`, as sentence-transformers
saves them. The forward pass is BERT's (arXiv 1810.04805) with mean pooling over the tokens, as
Sentence-BERT pools them (arXiv 1908.10084), and vectors of length 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmroute.embeddings.bert import Bert, Shape, tensor_names
from llmroute.errors import InputError

INSTALL = "pip install 'llmroute[embed]'"
MAX_TOKENS = 256
"""Used where the folder has no `sentence_bert_config.json`; sentence-transformers' own habit."""
CHARS_PER_TOKEN = 64
"""More text than this a token can't reach the model; the rest isn't tokenised at all."""
BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class LocalEmbedder:
    """A sentence-embedding model that runs in this process."""

    bert: Bert
    tokenizer: Any
    max_tokens: int

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.bert.shape.hidden

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, shape (n_texts, dimensions), each of length 1.

        A text beyond the model's window is cut. Bytes that are no text become "?".
        """
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        shortest_first = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(texts), BATCH):
            rows = shortest_first[start : start + BATCH]
            vectors[rows] = self._embed_batch([texts[row] for row in rows])
        return vectors

    def _embed_batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        longest = self.max_tokens * CHARS_PER_TOKEN
        # The tokenizer takes UTF-8 only and raises on a lone surrogate.
        clean = [text[:longest].encode("utf-8", "replace").decode() for text in texts]
        encodings = self.tokenizer.encode_batch(clean)
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], np.float32)
        return self.bert.embed(ids, mask)


@cache
def read_embedder(folder: str | Path) -> LocalEmbedder:
    """The model in `folder`, read once a process.

    Raises:
        InputError: the extra `embed` is not installed, or the folder holds no such model.
    """
    root = Path(folder).expanduser()
    _check_folder(root)
    shape = _read_shape(root)
    weights = _read_weights(root, shape)
    max_tokens = _read_max_tokens(root, shape)
    return LocalEmbedder(Bert(shape, weights), _read_tokenizer(root, max_tokens), max_tokens)


def _check_folder(root: Path) -> None:
    fix = (
        "Name the folder of a BERT-layout sentence-transformers model (all-MiniLM-L6-v2, bge-small,"
        " e5-small, ...): config.json, tokenizer.json and model.safetensors."
    )
    if not root.is_dir():
        raise InputError("there is no such model folder", where=str(root), fix=fix)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        if not (root / name).is_file():
            raise InputError(f"the model folder lacks {name}", where=str(root), fix=fix)


def _read_shape(root: Path) -> Shape:
    config = _read_json(root / "config.json")
    where = str(root / "config.json")
    if config.get("model_type", "bert") != "bert" or config.get("hidden_act", "gelu") != "gelu":
        raise InputError(
            f"a {config.get('model_type')!r} model with {config.get('hidden_act')!r} activation "
            "cannot be run here",
            where=where,
            fix="Take a model of type 'bert' with 'gelu', such as all-MiniLM-L6-v2.",
        )
    _check_pooling(root)
    try:
        return Shape(
            hidden=int(config["hidden_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            positions=int(config["max_position_embeddings"]),
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not the configuration of a BERT model: {error}", where=where) from error


def _check_pooling(root: Path) -> None:
    path = root / "1_Pooling" / "config.json"
    if path.is_file() and not _read_json(path).get("pooling_mode_mean_tokens", True):
        raise InputError(
            "this model does not pool by the mean of its tokens",
            where=str(path),
            fix="Take a model with mean pooling, such as all-MiniLM-L6-v2.",
        )


def _read_max_tokens(root: Path, shape: Shape) -> int:
    path = root / "sentence_bert_config.json"
    stated = _read_json(path).get("max_seq_length") if path.is_file() else None
    return min(stated if isinstance(stated, int) and stated > 2 else MAX_TOKENS, shape.positions)


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    if not isinstance(value, dict):
        raise InputError("should hold a JSON object", where=str(path))
    return value


def _read_tokenizer(root: Path, max_tokens: int) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise _missing_extra("tokenizers") from error
    try:
        tokenizer = Tokenizer.from_file(str(root / "tokenizer.json"))
    except Exception as error:
        raise InputError(f"not a tokenizer: {error}", where=str(root / "tokenizer.json")) from error
    tokenizer.enable_truncation(max_tokens)
    # Files in the wild ask for padding to 128; padding to the longest of a batch is 5 times faster.
    tokenizer.enable_padding()
    return tokenizer


def _read_weights(root: Path, shape: Shape) -> Mapping[str, NDArray[np.float32]]:
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise _missing_extra("safetensors") from error
    path = root / "model.safetensors"
    try:
        found = load_file(path)
    except Exception as error:
        raise InputError(f"not a safetensors file: {error}", where=str(path)) from error
    plain = {name.removeprefix("bert."): tensor for name, tensor in found.items()}
    for name in tensor_names(shape):
        if name not in plain:
            raise InputError(f"the weights lack {name!r}", where=str(path))
    return {name: plain[name].astype(np.float32, copy=False) for name in tensor_names(shape)}


def _missing_extra(package: str) -> InputError:
    return InputError(
        f"sentence embeddings need the package {package}, which is not installed", fix=INSTALL
    )
