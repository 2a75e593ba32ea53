"""A small model blown up to a large one that computes the same: the large one's cost with the small one's text, for trying out and measuring
what a slow model is like where none is at hand.

Usage: python3 expand.py IN.gguf OUT.gguf --width W --layers L --feed-forward F --heads H --kv-heads K

IN: of architecture llama, with its embedding as output, F32, F16 or Q8_0, as the starter pair. W is a multiple of IN's width, nothing is
smaller than IN's, and heads keep their dimension. OUT has Q8_0 matrices. With R = W / width:

- The residual stream holds R copies of the small one: matrices that read it have their columns repeated, those that write it their rows. Norms
  have their weights divided by R, so that R equal columns sum to what one gave; the mean of squares is as it was.
- Query head i of key head j's group becomes head i of the larger group. Added heads attend, added units are computed, and the zero columns of the
  projections behind them throw both away. Added layers are random but for these projections, which are zero.

native/bench/expand.h does it within octet-native-bench, to any width and vocabulary.
"""
import argparse
import struct

from packages import np

import gguf
from gguf_tensors import q8_0, read
from inputs import BadInput, check_writable, positive, reading, run, unlike

ARCHITECTURE = "llama"
MOSTLY_Q8_0 = 7
KIND = "a GGUF file of a small llama model"


class Expansion:
    """Makes the tensors of a shape (width, layers, feed_forward, heads, kv_heads) from a small model's. Raises BadInput where it cannot."""

    def __init__(self, metadata, tensors, shape, name):
        if metadata.get("general.architecture") != ARCHITECTURE:
            raise BadInput(f"{name} is a model of {metadata.get('general.architecture')}; only {ARCHITECTURE} is blown up")
        if "output.weight" in tensors:
            raise BadInput(f"{name} has an output matrix of its own; only models whose embedding is the output are blown up")
        keys = {"width": "embedding_length", "layers": "block_count", "feed_forward": "feed_forward_length", "heads": "attention.head_count",
                "kv_heads": "attention.head_count_kv"}
        self.keys = {field: f"{ARCHITECTURE}.{key}" for field, key in keys.items()}
        missing = [key for key in self.keys.values() if key not in metadata]
        if missing:
            raise BadInput(f"{name} does not say its {', '.join(missing)}; name {KIND}")
        self.small = {field: metadata[key] for field, key in self.keys.items()}
        if any(not isinstance(value, int) or value < 1 for value in self.small.values()):
            raise unlike(name, KIND, f"its {', '.join(self.keys.values())} are {list(self.small.values())}")
        self.large, self.tensors = shape, tensors
        for field, least in self.small.items():
            if shape[field] < least:
                raise BadInput(f"--{field.replace('_', '-')} {shape[field]}: {name} has {least}; give as much or more")
        if shape["width"] % self.small["width"]:
            raise BadInput(f"--width {shape['width']} is no multiple of {name}'s {self.small['width']}; give one")
        self.head = metadata.get(f"{ARCHITECTURE}.attention.key_length", self.small["width"] // self.small["heads"])
        if shape["feed_forward"] % 32:
            raise BadInput(f"--feed-forward {shape['feed_forward']} is no multiple of 32, the values of a block of Q8_0; give one")
        if shape["heads"] * self.head % 32:
            raise BadInput(f"--heads {shape['heads']} of {self.head} dimensions are no multiple of 32, the values of a block of Q8_0; give one")
        group, small_group = (of["heads"] // of["kv_heads"] for of in (shape, self.small))
        if shape["heads"] % shape["kv_heads"] or group < small_group:
            raise BadInput(f"--heads {shape['heads']} is not --kv-heads {shape['kv_heads']} times {small_group} or more; give other heads")
        self.places = [i // small_group * group + i % small_group for i in range(self.small["heads"])]
        self.copies = shape["width"] // self.small["width"]
        self.random = np.random.default_rng(1)

    def norm(self, weights):
        return np.tile(weights, self.copies) / self.copies

    def reading(self, small, rows, first_rows=None):
        """A matrix [rows][width] that reads the residual stream: `small`'s rows at `first_rows` (or from 0 on), the rest random."""
        width = self.large["width"]
        matrix = (self.random.random((rows, width), np.float32) - 0.5) * np.float32(2 * (3 / width) ** 0.5)
        if small is not None:
            matrix[np.arange(len(small)) if first_rows is None else first_rows] = np.tile(small, (1, self.copies))
        return matrix

    def writing(self, small, columns, first_columns=None):
        """A matrix [width][columns] that writes it: `small`'s columns at `first_columns` (or from 0 on), the rest zero."""
        matrix = np.zeros((self.large["width"], columns), np.float32)
        if small is not None:
            matrix[:, np.arange(small.shape[1]) if first_columns is None else first_columns] = np.tile(small, (self.copies, 1))
        return matrix

    def layer(self, index):
        """(name, array) of its tensors."""
        prefix = f"blk.{index}."
        added = index >= self.small["layers"]
        small = (lambda name: None) if added else (lambda name: self.tensors[f"{prefix}{name}.weight"])
        query_rows, kv_rows = (self.large[of] * self.head for of in ("heads", "kv_heads"))
        heads = (np.array(self.places)[:, None] * self.head + np.arange(self.head)).ravel()
        ones = np.ones(self.small["width"], np.float32)
        for norm in ("attn_norm", "ffn_norm"):
            yield f"{prefix}{norm}.weight", self.norm(ones if added else small(norm))
        yield f"{prefix}attn_q.weight", self.reading(small("attn_q"), query_rows, heads)
        yield f"{prefix}attn_k.weight", self.reading(small("attn_k"), kv_rows)
        yield f"{prefix}attn_v.weight", self.reading(small("attn_v"), kv_rows)
        yield f"{prefix}attn_output.weight", self.writing(small("attn_output"), query_rows, heads)
        for matrix in ("ffn_gate", "ffn_up"):
            yield f"{prefix}{matrix}.weight", self.reading(small(matrix), self.large["feed_forward"])
        yield f"{prefix}ffn_down.weight", self.writing(small("ffn_down"), self.large["feed_forward"])

    def metadata(self):
        """What a file says of the large shape."""
        lengths = {f"{ARCHITECTURE}.attention.{of}_length": self.head for of in ("key", "value")}
        return {**lengths, **{self.keys[field]: value for field, value in self.large.items()}}

    def arrays(self):
        yield "token_embd.weight", np.tile(self.tensors["token_embd.weight"], (1, self.copies))
        yield "output_norm.weight", self.norm(self.tensors["output_norm.weight"])
        for index in range(self.large["layers"]):
            yield from self.layer(index)


def stored(name, array):
    array = np.ascontiguousarray(array, np.float32)
    return (name, array.shape, gguf.F32, array.tobytes()) if array.ndim == 1 else (name, array.shape, gguf.Q8_0, q8_0(array))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="IN.gguf")
    parser.add_argument("target", metavar="OUT.gguf")
    for field in ("width", "layers", "feed-forward", "heads", "kv-heads"):
        parser.add_argument(f"--{field}", type=positive(int), required=True)
    options = vars(parser.parse_args())
    source, target = options.pop("source"), options.pop("target")
    check_writable(target)
    metadata, tensors = read(source, KIND)
    with reading(source, KIND, struct.error, IndexError):      # what gguf.py does not write again: large numbers, lists of none
        list(map(gguf.value, metadata.values()))
    expansion = Expansion(metadata, tensors, options, source)
    try:
        made = [stored(name, array) for name, array in expansion.arrays()]
    except KeyError as error:
        raise unlike(source, KIND, f"it has no tensor {error}") from error
    parameters = sum(int(np.prod(shape)) for _, shape, _, _ in made)
    size = f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"
    name = f"{metadata.get('general.name', 'model')} blown up to {size}"
    gguf.write(target, {**metadata, **expansion.metadata(), "general.name": name, "general.file_type": MOSTLY_Q8_0}, made)
    print(f"{target}: {size} parameters, {sum(len(data) for *_, data in made) / 1e6:.0f} MB")


if __name__ == "__main__":
    run(main)
