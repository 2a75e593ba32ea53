// The machine's counts by kernel, for people.
#pragma once

#include <string>
#include <vector>

namespace octet::ptx::cudart {

/// Where OCTET_PTX_COUNTS asks for it, writes a Markdown table: to stderr for 1, else to the file it names.
void write_counts();

/// Kernels that the program holds and has not run, as people know them.
std::vector<std::string> never_run();

}  // namespace octet::ptx::cudart
