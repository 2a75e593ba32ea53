"""Reads GGUF files whose tensors are F32, F16 or Q8_0, such as to_gguf.py writes, and makes Q8_0 of float32."""
from packages import np

import gguf
from inputs import BadInput, reading


def values(kind, data, count, path="the file"):
    """`count` float32 values of a tensor's bytes."""
    if kind == gguf.F32:
        return np.frombuffer(data, np.float32, count).copy()
    if kind == gguf.F16:
        return np.frombuffer(data, np.float16, count).astype(np.float32)
    if kind != gguf.Q8_0:
        raise BadInput(f"{path} has a tensor of type {kind}; only F32, F16 and Q8_0 are read")
    blocks = np.frombuffer(data, np.dtype([("scale", np.float16), ("quants", np.int8, 32)]), count // 32)
    return (blocks["scale"].astype(np.float32)[:, None] * blocks["quants"]).ravel()


def read(path, kind="a GGUF file of to_gguf.py"):
    """(metadata, {name: float32 array as PyTorch has its shape}). Raises BadInput for what is no such file. kind: what it has to be."""
    with reading(path, kind, *gguf.NOT_WHOLE):
        return parsed(gguf.Reader(np.memmap(path, np.uint8, "r")), path, kind)


def parsed(reader, path, kind):
    if bytes(reader.data[:4]) != b"GGUF":
        raise BadInput(f"{path} is no GGUF file; name {kind}")
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
    return metadata, {name: values(kind, reader.data[start + offset:], int(np.prod(shape)), path).reshape(shape)
                      for name, shape, kind, offset in found}


def q8_0(array):
    """Blocks of 32 values: a float16 scale, the largest magnitude over 127, and 32 rounded int8."""
    blocks = array.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    quants = np.rint(np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale > 0)).astype(np.int8)
    return np.concatenate([scale.astype(np.float16).view(np.int8), quants], 1).tobytes()
