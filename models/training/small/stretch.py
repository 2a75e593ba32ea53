"""A model trained on short texts, told to run on longer ones: its GGUF file with YaRN's keys (Peng et al., 2023), nothing else changed.

Usage: python3 stretch.py IN.gguf OUT.gguf --trained TOKENS

Positions are stretched by the model's declared context over TOKENS. Runtimes that know YaRN (llama.cpp, Octet's) do the rest. Standard
library only.
"""
import argparse
import os
import struct

FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}   # bytes of a value, by its type
STRING, ARRAY = 8, 9
ALIGNMENT = 32


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        size = self.unpack("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode("utf8", "surrogateescape")

    def value(self, kind):
        """A number (uint32) or a text; anything else is passed over."""
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            kind, count = self.unpack("IQ")
            for _ in range(count):
                self.value(kind)
        elif kind == 4:
            return self.unpack("I")
        else:
            self.at += FIXED[kind]
        return None


def entry(key, kind, form, value):
    return struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I" + form, kind, value)


def stretched(data, trained, name):
    """The bytes of the file `data`, stretched. Raises SystemExit for what is no such file."""
    if data[:4] != b"GGUF":
        raise SystemExit(f"{name} is no GGUF file")
    reader = Reader(data)
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
    key = f"{architecture}.rope.scaling."
    added = (struct.pack("<Q", len(key) + 4) + f"{key}type".encode() + struct.pack("<IQ", STRING, 4) + b"yarn" +
             entry(f"{key}factor", 6, "f", context / trained) + entry(f"{key}original_context_length", 4, "I", trained))
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, entries + 3) + data[start:end] + added + data[end:reader.at]
    return head + bytes(-len(head) % ALIGNMENT) + data[reader.at + -reader.at % ALIGNMENT:]


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
