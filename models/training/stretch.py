"""A model trained on short texts, told to run on longer ones: its GGUF file with YaRN's keys (Peng et al., 2023), nothing else changed.

Usage: python3 stretch.py IN.gguf OUT.gguf --trained TOKENS

Positions are stretched by the model's declared context over TOKENS. Runtimes that know YaRN (llama.cpp, Octet's) do the rest. Standard
library only.
"""
import argparse
import os
import struct

import gguf


def stretched(data, trained, name):
    """The bytes of the file `data`, stretched. Raises SystemExit for what is no such file."""
    if data[:4] != b"GGUF":
        raise SystemExit(f"{name} is no GGUF file")
    reader = gguf.Reader(data)
    reader.at = 4
    version, tensors, entries = reader.unpack("IQQ")
    start, metadata = reader.at, {}
    for _ in range(entries):
        key = reader.text()
        metadata[key] = reader.value(reader.unpack("I"))
    end = reader.at
    for _ in range(tensors):
        reader.text()
        dimensions = reader.unpack("I")
        reader.at += 8 * dimensions + 12                        # its shape, its type and its place
    if "general.alignment" in metadata:
        raise SystemExit(f"{name} has an alignment of its own, which this does not know")
    architecture = metadata["general.architecture"]
    if f"{architecture}.rope.scaling.type" in metadata:
        raise SystemExit(f"{name} is stretched already")
    context = metadata[f"{architecture}.context_length"]
    if not 0 < trained < context:
        raise SystemExit(f"{name} declares a context of {context} tokens; --trained takes fewer, and more than none")
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
    try:
        with open(arguments.source, "rb") as file:
            data = file.read()
    except OSError as error:
        raise SystemExit(f"{arguments.source}: {error.strerror}") from error
    try:
        whole = stretched(data, arguments.trained, arguments.source)
    except (struct.error, KeyError, UnicodeError, TypeError) as error:
        raise SystemExit(f"{arguments.source} is not whole: {error}") from error
    with open(arguments.target + ".part", "wb") as file:
        file.write(whole)
    os.replace(arguments.target + ".part", arguments.target)


if __name__ == "__main__":
    main()
