// Ctrl-C: what is being measured is given up, what was measured stays.
#pragma once

#include <stdexcept>

namespace octet::bench {

struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted; the rows above are complete") {}
};

/// SIGINT and SIGTERM are heard by interrupted() from now on; a second one ends the program at once. Earlier ones are forgotten.
void hear_interrupts();

bool interrupted();

/// Throws Interrupted if so. Called between measurements.
void check_interrupt();

}  // namespace octet::bench
