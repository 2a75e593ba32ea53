// The first passes of a loaded model.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "runtimes/logits_model.h"

namespace octet::llama {

/// One short pass: touches the weights, proves that the numbers are numbers and that the cache can be rolled back. Leaves the cache
/// empty. Throws Error: kModelDamaged, kModelUnsupported, on a GPU kOutOfMemory; `path` names the model's file in them, `gpu` the device where it is a GPU.
void check_numbers(LogitsModel& model, const std::string& path, const std::string& gpu = {});

/// The rows of the passes that compile_kernels() computes, those that requests of `lanes` lanes need first at the beginning.
std::vector<int> kernel_rows(int lanes);

/// A GPU's driver compiles a kernel when it is first used, and llama.cpp has others for other numbers of rows: without this a first
/// request waits for it in the middle of its steps, seconds where the driver keeps no cache, and what is learnt from its times is wrong.
/// Passes of kernel_rows() until all are done or `most` is over; `report` is told before each which share is done, and may throw. Leaves
/// the cache empty, unless it throws: Error(kOutOfMemory), or what the device or `report` throws.
void compile_kernels(LogitsModel& model, int lanes, std::chrono::milliseconds most, const std::function<void(float)>& report);

}  // namespace octet::llama
