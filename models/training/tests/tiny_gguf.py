"""For the test of tokenizer equality: tiny_gguf.py OUT.gguf SIZE|TOKENIZER.json, with {"text", "samples"} on standard input, trains a
tokenizer on the text or loads one, writes a Qwen3 model of noise with it, and prints each sample's ids as JSON."""
import json
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import gguf                                                                             # noqa: E402
from tokenizer import Tokenizer, train                                                             # noqa: E402


def main():
    out, which, given = sys.argv[1], sys.argv[2], json.load(sys.stdin)
    tokenizer, rng = Tokenizer.load(which) if which.endswith(".json") else train([given["text"]], int(which)), random.Random(0)
    size = tokenizer.size
    shape = dict(context=64, dim=32, layers=1, hidden=32, heads=1, kv_heads=1, head=32, vocabulary=size)
    matrices = {"attn_q": (32, 32), "attn_k": (32, 32), "attn_v": (32, 32), "attn_output": (32, 32), "ffn_gate": (32, 32), "ffn_up": (32, 32),
                "ffn_down": (32, 32), "attn_norm": (32,), "ffn_norm": (32,), "attn_q_norm": (32,), "attn_k_norm": (32,)}
    shapes = {"token_embd.weight": (size, 32), "output_norm.weight": (32,), **{f"blk.0.{name}.weight": s for name, s in matrices.items()}}
    tensors = []
    for name, dims in shapes.items():
        count = dims[0] * (dims[1] if len(dims) > 1 else 1)
        tensors.append((name, dims, gguf.F32, struct.pack(f"<{count}f", *(rng.gauss(0, 0.1) for _ in range(count)))))
    gguf.write(out, {**gguf.model_metadata("tiny", shape), **gguf.tokenizer_metadata(tokenizer)}, tensors)
    print(json.dumps([tokenizer.encode(sample) for sample in given["samples"]]))


if __name__ == "__main__":
    main()
