"""A GGUF file that to_gguf.py wrote -> a checkpoint to go on from: its weights, rounded as they are, a fresh optimiser, no steps.

Usage: python3 from_gguf.py IN.gguf NAME.pt

Training then warms up again, and sees the text in another order than the run that made the file: what is carried anew may be the same text.
"""
import argparse

from packages import torch

import loop
from checkpoint import SHAPE
from gguf_tensors import read
from inputs import BadInput, check_writable, fitting, run
from model import Shape

OTHER_TEXT = 1_000_003                         # steps by which the data goes on


def shape_of(metadata, name="the file"):
    fields = {"dim": "embedding_length", "layers": "block_count", "heads": "attention.head_count", "kv_heads": "attention.head_count_kv",
              "hidden": "feed_forward_length", "vocabulary": "vocab_size", "context": "context_length", "head": "attention.key_length"}
    if metadata.get("general.architecture") != "qwen3":
        raise BadInput(f"{name} is a model of {metadata.get('general.architecture')}; only what to_gguf.py writes can be gone on from")
    missing = [key for key in fields.values() if "qwen3." + key not in metadata]
    if missing:
        raise BadInput(f"{name} is a model without {', '.join(missing)}; only what to_gguf.py writes can be gone on from")
    return {field: metadata["qwen3." + key] for field, key in fields.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("checkpoint")
    options = parser.parse_args()
    check_writable(options.checkpoint)
    metadata, tensors = read(options.gguf)
    shape = fitting(shape_of(metadata, options.gguf), options.gguf, "a GGUF file of to_gguf.py", SHAPE)
    model = {name.removesuffix(".weight"): torch.from_numpy(array) for name, array in tensors.items()}
    loop.save(options.checkpoint, model=model, shape=shape, step=0, minutes=0.0, calm=1.0, moved=OTHER_TEXT)
    print(f"{options.checkpoint}: {Shape(**shape).parameters() / 1e6:.1f}M parameters from {options.gguf}")


if __name__ == "__main__":
    run(main)
