"""Reads GGUF files whose tensors are F32, F16 or Q8_0, such as to_gguf.py writes, and makes Q8_0 of float32."""
import struct

import numpy as np

import gguf


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


def q8_0(array):
    """Blocks of 32 values: a float16 scale, the largest magnitude over 127, and 32 rounded int8."""
    blocks = array.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    quants = np.rint(np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale > 0)).astype(np.int8)
    return np.concatenate([scale.astype(np.float16).view(np.int8), quants], 1).tobytes()
