// The machine's counts by kernel, for people.
#pragma once

namespace octet::ptx::cudart {

/// Where OCTET_PTX_COUNTS asks for it, writes a Markdown table: to stderr for 1, else to the file it names.
void write_counts();

}  // namespace octet::ptx::cudart
