// RMS norm (Zhang and Sennrich, 2019) without a kernel of its own, folded into the products around it. With r a row of the residual
// stream and g the norm's weight, a product of W and x_i = r_i g_i / rms(r) is
//   sum over i of W_i x_i = (1 / rms(r)) sum over i of W_i h_i,   h = r g,   rms(r) = sqrt(mean(r^2) + epsilon)
// What finishes r (the embedding, or a product that adds to it) also writes h in bf16, whose relative precision is the same for every
// size of r, and the sums of r's squares over groups of columns (norm_group), each by one writer and in one order. The product that reads
// h adds up a row's groups while its first operands are on their way, and multiplies its finished sums.
#pragma once

#include "runtimes/cuda/device/types.h"

namespace octet::cuda {

constexpr int kNormGroup = 64;        ///< Columns of a group at most; a folded norm's width is a multiple of it.
constexpr int kMostFoldedRows = 144;  ///< Rows of x whose factors a block of a product holds; with more, a norm's launch is cheap.

/// Rows of x up to which a product's output tiles may be narrow (gemm_plan.h).
constexpr int kFewRows = 16;

/// Columns of a group for a pass of `rows` rows, 16, 32 or 64: for few rows as few as leave a row at most 64 sums, which a warp reads in one go.
/// A group is some rows of one output tile, so that small groups let tiles be small, and those need no sharing among blocks. With many rows
/// tiles are large, and all blocks would read the more sums.
OCTET_BOTH constexpr int norm_group(int width, int rows) { return rows > kFewRows || width > 2048 ? kNormGroup : width > 1024 ? 32 : 16; }

/// Whether products and the embedding know groups of so many columns.
OCTET_BOTH constexpr bool is_norm_group(int columns) { return columns == 16 || columns == 32 || columns == kNormGroup; }

/// Of a product whose x is some h: its sums are divided by rms(r).
struct InputNorm {
  const float* squares = nullptr;  ///< [n][stride], the first columns / group of each row; null: no norm.
  int stride = 0;
  int group = kNormGroup;
  float epsilon = 1e-5f;
};

/// Of what finishes r: h and the squares for the norm that comes next.
struct OutputNorm {
  const float* weight = nullptr;  ///< g [width]; null: no norm.
  Bf16* h = nullptr;              ///< [rows][width]
  float* squares = nullptr;       ///< [rows][width / group]
  int group = kNormGroup;
};

}  // namespace octet::cuda
