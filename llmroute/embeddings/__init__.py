"""Texts → vectors, from a model folder on this machine: no download, no torch."""

from __future__ import annotations

from llmroute.embeddings.local import LocalEmbedder, read_embedder

__all__ = ["LocalEmbedder", "read_embedder"]
