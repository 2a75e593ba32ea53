"""A model trained on short texts, told to run on longer ones: its GGUF file with YaRN's keys (Peng et al., 2023), nothing else changed.

Usage: python3 stretch.py IN.gguf OUT.gguf --trained TOKENS

Positions are stretched by the model's declared context over TOKENS. Runtimes that know YaRN (llama.cpp, Octet's) do the rest. Standard
library only.
"""
import argparse
import math
import struct

import gguf
from inputs import BadInput, reading, run, unlike, whole

KIND = "a GGUF file of a model that was trained on short texts"


def stretched(data, trained, name):
    """The bytes of the file `data`, stretched. Raises BadInput for what is no such file."""
    if data[:4] != b"GGUF":
        raise BadInput(f"{name} is no GGUF file; name {KIND}")
    reader = gguf.Reader(data)
    reader.at = 4
    version, tensors, entries = reader.unpack("IQQ")
    start, metadata = reader.at, {}
    for _ in range(entries):
        key = reader.text()
        metadata[key] = reader.value(reader.unpack("I"))
    end, last = reader.at, 0
    for _ in range(tensors):
        reader.text()
        shape = [reader.unpack("Q") for _ in range(reader.unpack("I"))]
        kind, offset = reader.unpack("IQ")
        size, values = gguf.BYTES.get(kind, (0, 1))             # of other types it is known where they begin
        last = max(last, offset + math.prod(shape) // values * size)
    if reader.at + -reader.at % gguf.ALIGNMENT + last > len(data):
        raise unlike(name, KIND, "its tensors are cut short")
    if "general.alignment" in metadata:
        raise BadInput(f"{name} has an alignment of its own, which this does not know; name another")
    architecture = metadata.get("general.architecture")
    if f"{architecture}.rope.scaling.type" in metadata:
        raise BadInput(f"{name} is stretched already; name the file that it was made from")
    context = metadata.get(f"{architecture}.context_length")
    if not isinstance(context, int):
        raise unlike(name, KIND, "it declares no context")
    if not 0 < trained < context:
        raise BadInput(f"{name} declares a context of {context} tokens; --trained takes fewer, and more than none")
    scaling = {"type": "yarn", "factor": context / trained, "original_context_length": trained}
    added = b"".join(gguf.text(f"{architecture}.rope.scaling.{key}") + gguf.value(item) for key, item in scaling.items())
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, entries + 3) + data[start:end] + added + data[end:reader.at]
    return head + bytes(-len(head) % gguf.ALIGNMENT) + data[reader.at + -reader.at % gguf.ALIGNMENT:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", metavar="IN.gguf")
    parser.add_argument("target", metavar="OUT.gguf")
    parser.add_argument("--trained", type=int, required=True, help="tokens of the texts that the model was trained on")
    arguments = parser.parse_args()
    with reading(arguments.source, KIND, *gguf.NOT_WHOLE):
        with open(arguments.source, "rb") as file:
            data = stretched(file.read(), arguments.trained, arguments.source)
    with whole(arguments.target, binary=True) as file:
        file.write(data)


if __name__ == "__main__":
    run(main)
