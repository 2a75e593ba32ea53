"""The model: Qwen3's architecture (grouped queries, normalised queries and keys, SwiGLU, tied embeddings), in PyTorch 1.13 or newer."""
import dataclasses
import math

from packages import torch
import torch.nn as nn
import torch.nn.functional as F

EPS, THETA = 1e-6, 10_000.0


@dataclasses.dataclass
class Shape:
    dim: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    vocabulary: int = 16_384
    context: int = 2_048
    head: int = 64

    def parameters(self):
        attention = self.dim * self.head * 2 * (self.heads + self.kv_heads)
        layer = attention + 3 * self.dim * self.hidden + 2 * self.dim + 2 * self.head
        return self.vocabulary * self.dim + self.layers * layer + self.dim


SHAPES = {
    "target-130m": Shape(896, 14, 14, 2, 2_304), "target-100m": Shape(768, 14, 12, 4, 2_048), "target-80m": Shape(768, 11, 12, 4, 2_048),
    "draft-10m": Shape(320, 4, 5, 1, 896), "draft-7m": Shape(256, 4, 4, 2, 704),
    "proof-target": Shape(192, 4, 3, 1, 512, 4_096, 512), "proof-draft": Shape(128, 2, 2, 1, 384, 4_096, 512),
    "trial-target": Shape(128, 3, 2, 1, 384, 2_048, 256), "trial-draft": Shape(64, 2, 1, 1, 176, 2_048, 256),
}


def weight(rows, columns, std):
    return nn.Parameter(torch.randn(rows, columns) * std)


def rms_norm(x, scale):
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + EPS) * scale).to(x.dtype)


def attention(q, k, v):
    """Causal attention of [B, H, T, 64] each; or of one query, T = 1, over all keys."""
    t = q.shape[2]
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
    scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
    masked = scores.masked_fill(torch.ones(t, k.shape[2], dtype=torch.bool, device=q.device).triu(1 + k.shape[2] - t), float("-inf"))
    return masked.softmax(-1).to(q.dtype) @ v


def rotate(x, cos, sin):
    """Rotary position embedding by halves, as the GGUF architecture "qwen3" has it. x: [B, T, H, 64]."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def cross_entropy(logits, wanted):
    """Mean in nats, in float32. logits: [N, V]; wanted: [N]. Compiled, no float32 copy of the logits goes through memory."""
    return F.cross_entropy(logits.float(), wanted)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape, out = shape, 0.02 / math.sqrt(2 * shape.layers)
        width, kv = shape.heads * shape.head, shape.kv_heads * shape.head
        self.attn_norm, self.ffn_norm = nn.Parameter(torch.ones(shape.dim)), nn.Parameter(torch.ones(shape.dim))
        self.attn_q_norm, self.attn_k_norm = nn.Parameter(torch.ones(shape.head)), nn.Parameter(torch.ones(shape.head))
        self.attn_q, self.attn_output = weight(width, shape.dim, 0.02), weight(shape.dim, width, out)
        self.attn_k, self.attn_v = weight(kv, shape.dim, 0.02), weight(kv, shape.dim, 0.02)
        self.ffn_gate, self.ffn_up = weight(shape.hidden, shape.dim, 0.02), weight(shape.hidden, shape.dim, 0.02)
        self.ffn_down = weight(shape.dim, shape.hidden, out)

    def forward(self, x, cos, sin, cache=None):
        """cache: (keys, values, at): the tensors [B, KV, room, 64] that hold the `at` positions before x, and are added to."""
        s, (b, t, _) = self.shape, x.shape
        linear = lambda y, w: F.linear(y, w.to(y.dtype))
        h = rms_norm(x, self.attn_norm)
        q = rotate(rms_norm(linear(h, self.attn_q).view(b, t, s.heads, s.head), self.attn_q_norm), cos, sin)
        k = rotate(rms_norm(linear(h, self.attn_k).view(b, t, s.kv_heads, s.head), self.attn_k_norm), cos, sin)
        v = linear(h, self.attn_v).view(b, t, s.kv_heads, s.head)
        k, v = k.transpose(1, 2), v.transpose(1, 2)
        if cache:
            keys, values, at = cache
            keys[:, :, at:at + t], values[:, :, at:at + t] = k, v
            k, v = keys[:, :, :at + t], values[:, :, :at + t]
        k, v = (y.repeat_interleave(s.heads // s.kv_heads, 1) for y in (k, v))
        x = x + linear(attention(q.transpose(1, 2), k, v).transpose(1, 2).reshape(b, t, -1), self.attn_output)
        h = rms_norm(x, self.ffn_norm)
        return x + linear(F.silu(linear(h, self.ffn_gate)) * linear(h, self.ffn_up), self.ffn_down)


class Model(nn.Module):
    def __init__(self, shape, dtype=torch.float32):
        """dtype: of the arithmetic; the weights are float32."""
        super().__init__()
        self.shape, self.dtype = shape, dtype
        self.token_embd, self.output_norm = weight(shape.vocabulary, shape.dim, 0.02), nn.Parameter(torch.ones(shape.dim))
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        angles = torch.outer(torch.arange(shape.context).float(), THETA ** (-torch.arange(0, shape.head, 2).float() / shape.head))
        self.register_buffer("cos", angles.cos()[None, :, None], persistent=False)
        self.register_buffer("sin", angles.sin()[None, :, None], persistent=False)

    def forward(self, ids):
        """ids: [B, T] int64 -> logits [B, T, V] in `dtype`."""
        cos, sin = (y[:, :ids.shape[1]].to(self.dtype) for y in (self.cos, self.sin))
        x = F.embedding(ids, self.token_embd).to(self.dtype)
        for block in self.blk:
            x = block(x, cos, sin)
        return F.linear(rms_norm(x, self.output_norm), self.token_embd.to(self.dtype))

    @torch.no_grad()
    def continued(self, ids, count, temperature):
        """ids [B, T] with `count` sampled tokens appended."""
        s, b, at = self.shape, ids.shape[0], 0
        room = lambda: torch.empty(b, s.kv_heads, ids.shape[1] + count, s.head, dtype=self.dtype, device=ids.device)
        caches, new, out = [(room(), room()) for _ in self.blk], ids, [ids]
        for _ in range(count):
            t = new.shape[1]
            cos, sin = (y[:, at:at + t].to(self.dtype) for y in (self.cos, self.sin))
            x = F.embedding(new, self.token_embd).to(self.dtype)
            for block, (keys, values) in zip(self.blk, caches):
                x = block(x, cos, sin, (keys, values, at))
            logits = F.linear(rms_norm(x[:, -1], self.output_norm), self.token_embd.to(self.dtype))
            at, new = at + t, torch.multinomial((logits.float() / temperature).softmax(-1), 1)
            out.append(new)
        return torch.cat(out, 1)

    def loss(self, ids, measure=cross_entropy):
        """ids: [B, T + 1]. Mean cross-entropy in nats per token. measure: cross_entropy or its compiled form."""
        return measure(self(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
