"""For the test of exported files in octet: tiny_export.py FOLDER TEXT_FILE writes FOLDER/f16.gguf and FOLDER/q8_0.gguf of one model of noise
and prints how many tokens and bits TEXT_FILE has under its unrounded weights, as JSON. Needs NumPy; without it prints null."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
try:
    import numpy as np
except ImportError:
    print("null")
    raise SystemExit

import reference                                                                        # noqa: E402
import to_gguf                                                                          # noqa: E402
from tokenizer import train                                                             # noqa: E402

SHAPE = dict(dim=64, layers=2, heads=4, kv_heads=2, hidden=96, vocabulary=320, context=256, head=32)


def noise(shape):
    """{name as in model.py: float32}: of a model whose every part matters, so that the text is foretold far from evenly."""
    rng, of = np.random.default_rng(5), {}

    def draw(name, *size):
        values = rng.normal(size=size)
        of[name] = (1 + 0.3 * values if len(size) == 1 else values * 1.5 / size[1] ** 0.5).astype(np.float32)

    dim, width, kv = shape["dim"], shape["heads"] * shape["head"], shape["kv_heads"] * shape["head"]
    draw("token_embd", shape["vocabulary"], dim)
    draw("output_norm", dim)
    for number in range(shape["layers"]):
        for name, *size in (("attn_norm", dim), ("ffn_norm", dim), ("attn_q_norm", shape["head"]), ("attn_k_norm", shape["head"]),
                            ("attn_q", width, dim), ("attn_k", kv, dim), ("attn_v", kv, dim), ("attn_output", dim, width),
                            ("ffn_gate", shape["hidden"], dim), ("ffn_up", shape["hidden"], dim), ("ffn_down", dim, shape["hidden"])):
            draw(f"blk.{number}.{name}", *size)
    return of


def main():
    folder, source = sys.argv[1:]
    with open(source, encoding="utf8") as file:
        text = file.read()
    tokenizer, arrays = train([text * 2], SHAPE["vocabulary"]), noise(SHAPE)
    for kind in ("f16", "q8_0"):
        to_gguf.export(os.path.join(folder, kind + ".gguf"), arrays, SHAPE, tokenizer, kind, "tiny")
    wanted = tokenizer.encode(text)
    print(json.dumps({"tokens": len(wanted), "bits": reference.bits([*tokenizer.encode("\n"), *wanted], wanted, arrays, SHAPE)}))


if __name__ == "__main__":
    main()
