"""Writes GGUF files, version 3, and reads their metadata: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Standard library only."""
import struct

from inputs import whole

F32, F16, Q8_0 = 0, 1, 8
ALIGNMENT = 32
BYTES = {F32: (4, 1), F16: (2, 1), Q8_0: (34, 32)}      # of so many values
STRING, ARRAY = 8, 9                           # types of metadata values
NOT_WHOLE = (struct.error, ValueError, LookupError, OverflowError, RecursionError)      # what Reader raises, and what reads on, for a damaged file
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class Reader:
    """Of the bytes of a file, from `at` on. What is not whole raises struct.error; a type that there is not, KeyError: see NOT_WHOLE."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        size = self.unpack("Q")
        self.at += size
        return bytes(self.data[self.at - size:self.at]).decode("utf8", "surrogateescape")

    def value(self, kind):
        if kind == ARRAY:
            kind, count = self.unpack("IQ")
            return [self.value(kind) for _ in range(count)]
        return self.text() if kind == STRING else self.unpack(NUMBERS[kind])


def text(value):
    data = value.encode("utf8", "surrogateescape")
    return struct.pack("<Q", len(data)) + data


def value(item):
    """A metadata value: bool, int (uint32), float (float32), str, or a list of str, float (float32) or int (int32)."""
    if isinstance(item, bool):
        return struct.pack("<I?", 7, item)
    if isinstance(item, int):
        return struct.pack("<II", 4, item)
    if isinstance(item, float):
        return struct.pack("<If", 6, item)
    if isinstance(item, str):
        return struct.pack("<I", 8) + text(item)
    if isinstance(item[0], str):
        return struct.pack("<IIQ", 9, 8, len(item)) + b"".join(map(text, item))
    if isinstance(item[0], float):
        return struct.pack("<IIQ", 9, 6, len(item)) + struct.pack(f"<{len(item)}f", *item)
    return struct.pack("<IIQ", 9, 5, len(item)) + struct.pack(f"<{len(item)}i", *item)


def write(path, metadata, tensors):
    """metadata: {key: value}. tensors: [(name, shape as PyTorch has it, type, bytes)]. The file is there whole or not at all."""
    with whole(path, binary=True) as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
        for key, item in metadata.items():
            file.write(text(key) + value(item))
        offset = 0
        for name, shape, kind, data in tensors:
            file.write(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, offset))
            offset += -(-len(data) // ALIGNMENT) * ALIGNMENT
        for _, _, _, data in tensors:
            file.write(bytes(-file.tell() % ALIGNMENT) + data)
        file.write(bytes(-file.tell() % ALIGNMENT))


def tokenizer_metadata(tokenizer):
    """The metadata that makes llama.cpp tokenise as tokenizer.py does."""
    special, vocabulary = tokenizer.special, tokenizer.vocabulary()
    kinds = [3 if i >= tokenizer.size - len(special) else 5 if i >= len(tokenizer.tokens) else 1 for i in range(tokenizer.size)]
    end = special["<|endoftext|>"]
    metadata = {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.tokens": vocabulary,
                "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.merges": [f"{vocabulary[a]} {vocabulary[b]}" for a, b in tokenizer.merges],
                "tokenizer.ggml.bos_token_id": end, "tokenizer.ggml.eos_token_id": end, "tokenizer.ggml.add_bos_token": False,
                "tokenizer.ggml.padding_token_id": special["<|fim_pad|>"]}
    for key, name in (("pre", "fim_prefix"), ("suf", "fim_suffix"), ("mid", "fim_middle"), ("pad", "fim_pad"), ("rep", "repo_name"),
                      ("sep", "file_sep")):
        metadata[f"tokenizer.ggml.fim_{key}_token_id"] = special[f"<|{name}|>"]
    return metadata


def model_metadata(title, shape):
    """The metadata of a Qwen3 model; shape: a mapping with the fields of model.Shape."""
    return {"general.architecture": "qwen3", "general.name": title, "general.license": "mit", "qwen3.context_length": shape["context"],
            "qwen3.embedding_length": shape["dim"], "qwen3.block_count": shape["layers"], "qwen3.feed_forward_length": shape["hidden"],
            "qwen3.attention.head_count": shape["heads"], "qwen3.attention.head_count_kv": shape["kv_heads"],
            "qwen3.attention.key_length": shape["head"], "qwen3.attention.value_length": shape["head"],
            "qwen3.attention.layer_norm_rms_epsilon": 1e-6, "qwen3.rope.freq_base": 10_000.0, "qwen3.vocab_size": shape["vocabulary"]}
