"""A GGUF file that to_gguf.py wrote -> a checkpoint to go on from: its weights, rounded as they are, a fresh optimiser, no steps.

Usage: python3 from_gguf.py IN.gguf NAME.pt

Training then warms up again, and sees the text in another order than the run that made the file: what is carried anew may be the same text.
"""
import argparse
import struct

import numpy as np
import torch

import gguf
import loop
from model import Shape

OTHER_TEXT = 1_000_003                         # steps by which the data goes on


def values(kind, data, count):
    """`count` float32 values of a tensor's bytes."""
    if kind == gguf.F32:
        return np.frombuffer(data, np.float32, count).copy()
    if kind == gguf.F16:
        return np.frombuffer(data, np.float16, count).astype(np.float32)
    if kind != gguf.Q8_0:
        raise SystemExit(f"a tensor of type {kind}: only F32, F16 and Q8_0 are read")
    blocks = np.frombuffer(data, np.dtype([("scale", np.float16), ("quants", np.int8, 32)]), count // 32)
    return (blocks["scale"].astype(np.float32)[:, None] * blocks["quants"]).ravel()


def read(path):
    """(metadata, {name: float32 array as PyTorch has its shape}). Raises SystemExit for what is no such file."""
    try:
        return parsed(gguf.Reader(np.memmap(path, np.uint8, "r")), path)
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise SystemExit(f"{path} is not whole, or of another kind than to_gguf.py writes: {error}") from error


def parsed(reader, path):
    if bytes(reader.data[:4]) != b"GGUF":
        raise SystemExit(f"{path} is no GGUF file")
    reader.at = 4
    _, tensors, entries = reader.unpack("IQQ")
    metadata = {reader.text(): reader.value(reader.unpack("I")) for _ in range(entries)}
    found = []
    for _ in range(tensors):
        name, dimensions = reader.text(), reader.unpack("I")
        shape = reader.unpack(f"{dimensions}Q")
        kind, offset = reader.unpack("IQ")
        found.append((name, (shape,) if dimensions == 1 else shape[::-1], kind, offset))
    start = -(-reader.at // gguf.ALIGNMENT) * gguf.ALIGNMENT
    return metadata, {name: values(kind, reader.data[start + offset:], int(np.prod(shape))).reshape(shape)
                      for name, shape, kind, offset in found}


def shape_of(metadata):
    fields = {"dim": "embedding_length", "layers": "block_count", "heads": "attention.head_count", "kv_heads": "attention.head_count_kv",
              "hidden": "feed_forward_length", "vocabulary": "vocab_size", "context": "context_length", "head": "attention.key_length"}
    if metadata.get("general.architecture") != "qwen3":
        raise SystemExit(f"a model of {metadata.get('general.architecture')}: only what to_gguf.py writes can be gone on from")
    missing = [key for key in fields.values() if "qwen3." + key not in metadata]
    if missing:
        raise SystemExit(f"a model without {', '.join(missing)}: only what to_gguf.py writes can be gone on from")
    return {field: metadata["qwen3." + key] for field, key in fields.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("checkpoint")
    options = parser.parse_args()
    metadata, tensors = read(options.gguf)
    shape = shape_of(metadata)
    model = {name.removesuffix(".weight"): torch.from_numpy(array) for name, array in tensors.items()}
    loop.save(options.checkpoint, model=model, shape=shape, step=0, minutes=0.0, calm=1.0, moved=OTHER_TEXT)
    print(f"{options.checkpoint}: {Shape(**shape).parameters() / 1e6:.1f}M parameters from {options.gguf}")


if __name__ == "__main__":
    main()
