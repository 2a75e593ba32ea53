"""A Qwen3 model in NumPy, straight from the formulas, to hold the training code and the exported files against. Float64, no cache."""
import numpy as np


def rms_norm(x, weight):
    """Zhang and Sennrich 2019."""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * weight


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def rotated(x, base=10_000.0):
    """Su et al. 2021, element i paired with element i + half. x: [T, heads, size]."""
    half = x.shape[-1] // 2
    angles = np.arange(len(x))[:, None, None] * base ** (-np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], -1)


def logits(ids, arrays, shape):
    """[T, vocabulary]. arrays: {name as in model.py: array}; shape: a mapping with the fields of model.Shape."""
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    size, heads, shared = shape["head"], shape["heads"], shape["heads"] // shape["kv_heads"]
    x, later = arrays["token_embd"][ids], np.triu(np.ones((len(ids), len(ids)), bool), 1)
    for number in range(shape["layers"]):
        w = {name.split(".")[2]: array for name, array in arrays.items() if name.startswith(f"blk.{number}.")}
        h = rms_norm(x, w["attn_norm"])
        q, k, v = (((h @ w[f"attn_{part}"].T).reshape(len(ids), -1, size)) for part in "qkv")
        q, k = rotated(rms_norm(q, w["attn_q_norm"])), rotated(rms_norm(k, w["attn_k_norm"]))
        mixed = []
        for head in range(heads):
            scores = q[:, head] @ k[:, head // shared].T / np.sqrt(size)
            mixed.append(softmax(np.where(later, -np.inf, scores)) @ v[:, head // shared])
        x = x + np.concatenate(mixed, -1) @ w["attn_output"].T
        h = rms_norm(x, w["ffn_norm"])
        gate = h @ w["ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["ffn_up"].T)) @ w["ffn_down"].T
    return rms_norm(x, arrays["output_norm"]) @ arrays["token_embd"].T


def bits(ids, wanted, arrays, shape):
    """Of the tokens `wanted`, each foretold by the ones before it: the last of `ids` but one foretells the last of them."""
    chosen = softmax(logits(ids, arrays, shape))[len(ids) - len(wanted) - 1:-1]
    return -np.log2(chosen[np.arange(len(wanted)), wanted]).sum()
