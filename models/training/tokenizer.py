"""A byte-level BPE tokenizer with llama.cpp's pre-tokenizer "qwen2": trained, saved, loaded, and used to encode.

Usage: python3 tokenizer.py --size 16384 --sample-mb 300 --out tokenizer.json SHARD.jsonl.xz ...
The file: {"vocab": [...], "merges": ["a b", ...], "special": {"<|endoftext|>": id, ...}}, tokens in GPT-2's byte alphabet.
"""
import argparse
import ctypes
import functools
import json
import lzma
import os
import sys
import unicodedata

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from inputs import check_writable, document, fitting, positive, reading, run, whole    # noqa: E402
from native import library                                                              # noqa: E402

SPECIAL = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"]
KIND = "the tokenizer.json of tokenizer.py"


@functools.lru_cache(maxsize=None)
def kinds():
    """One byte a code point: 1 letter, 2 number, 3 white space, 0 anything else."""
    table = bytearray(sys.maxunicode + 1)
    for point in range(sys.maxunicode + 1):
        table[point] = {"L": 1, "N": 2}.get(unicodedata.category(chr(point))[0], 0)
    for point in [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]:
        table[point] = 3
    return bytes(table)


@functools.lru_cache(maxsize=None)
def alphabet():
    """GPT-2's printable character for every byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


class Tokenizer:
    def __init__(self, size, merges):
        """size: of the vocabulary, the special tokens at its end. merges: pairs of ids, in order."""
        self.size, self.merges = size, [tuple(pair) for pair in merges]
        self.tokens = [bytes([byte]) for byte in range(256)]
        ids, triples = {token: i for i, token in enumerate(self.tokens)}, []
        for a, b in self.merges:
            merged = self.tokens[a] + self.tokens[b]
            if merged not in ids:
                ids[merged] = len(self.tokens)
                self.tokens.append(merged)
            triples += [a, b, ids[merged]]
        if len(self.tokens) + len(SPECIAL) > size:
            raise ValueError(f"{len(self.tokens)} tokens and {len(SPECIAL)} special ones do not fit a vocabulary of {size}")
        self.special = {name: size - len(SPECIAL) + i for i, name in enumerate(SPECIAL)}
        self.handle = new_handle()
        library("bpe").bpe_merges(self.handle, (ctypes.c_uint32 * len(triples))(*triples), ctypes.c_size_t(len(self.merges)))

    def __del__(self):
        if getattr(self, "handle", None):
            library("bpe").bpe_free(self.handle)

    def encode(self, text):
        """Ids of a text; the names of special tokens in it are plain text."""
        data = text.encode("utf8", "replace")
        out = (ctypes.c_uint32 * max(1, len(data)))()
        return out[:library("bpe").bpe_encode(self.handle, data, ctypes.c_size_t(len(data)), out)]

    def decode(self, ids):
        return b"".join(self.tokens[i] for i in ids if i < len(self.tokens)).decode("utf8", "replace")

    def vocabulary(self):
        """The vocabulary's strings as GGUF holds them; the gap before the special tokens is filled with unused ones."""
        spelt = ["".join(alphabet()[byte] for byte in token) for token in self.tokens]
        return spelt + [f"<|unused_{i}|>" for i in range(len(spelt), self.size - len(SPECIAL))] + SPECIAL

    def save(self, path):
        spelt = self.vocabulary()
        with whole(path) as file:
            json.dump({"vocab": spelt, "merges": [f"{spelt[a]} {spelt[b]}" for a, b in self.merges], "special": self.special}, file)

    @staticmethod
    def load(path):
        """From a file that was given."""
        saved = document(path, KIND, {"vocab": [str], "merges": [str]})
        ids = {token: i for i, token in enumerate(saved["vocab"])}
        with reading(path, KIND, ValueError, LookupError):
            return Tokenizer(len(ids), [[ids[part] for part in merge.split(" ")] for merge in saved["merges"]])


def new_handle():
    bpe = library("bpe")
    bpe.bpe_new.restype = ctypes.c_void_p
    bpe.bpe_new.argtypes, bpe.bpe_free.argtypes = [ctypes.c_char_p], [ctypes.c_void_p]
    for name in ("bpe_train", "bpe_encode"):
        getattr(bpe, name).restype = ctypes.c_size_t
    return ctypes.c_void_p(bpe.bpe_new(kinds()))


def train(texts, size):
    """A tokenizer of `size` tokens, special ones included, from an iterable of texts. The same for the same texts."""
    bpe, handle = library("bpe"), new_handle()
    for text in texts:
        data = text.encode("utf8", "replace")
        bpe.bpe_count(handle, data, ctypes.c_size_t(len(data)))
    pairs = (ctypes.c_uint32 * (4 * size))()
    made = bpe.bpe_train(handle, ctypes.c_uint32(size - len(SPECIAL)), pairs, ctypes.c_size_t(2 * size))
    bpe.bpe_free(handle)
    return Tokenizer(size, [(pairs[2 * i], pairs[2 * i + 1]) for i in range(made)])


def read_shards(paths, *names):
    """Records of corpus shards that were given, in order. names: of the strings that each must have."""
    kind, pattern = "a shard of corpus/build.py", {name: str for name in names}
    for path in paths:
        with reading(path, kind, lzma.LZMAError, EOFError, ValueError, RecursionError), lzma.open(path, "rt", encoding="utf8") as file:
            for line in file:
                yield fitting(json.loads(line), path, kind, pattern)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", nargs="+")
    parser.add_argument("--size", type=positive(int), default=16_384)
    parser.add_argument("--sample-mb", type=float, default=300)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    if options.size < 256 + len(SPECIAL):
        parser.error(f"--size {options.size}: every byte and {len(SPECIAL)} special tokens are {256 + len(SPECIAL)} already")
    check_writable(options.out)

    def sample(left=options.sample_mb * 1e6):
        for record in read_shards(options.shards, "text"):
            yield record["text"]
            left -= len(record["text"])
            if left < 0:
                return

    tokenizer = train(sample(), options.size)
    tokenizer.save(options.out)
    print(f"{len(tokenizer.tokens)} tokens, {len(tokenizer.merges)} merges")


if __name__ == "__main__":
    run(main)
