#include "bench/interrupt.h"

#include <csignal>

namespace octet::bench {
namespace {

volatile std::sig_atomic_t heard = 0;

void hear(int signal) {
  heard = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void hear_interrupts() {
  heard = 0;
  std::signal(SIGINT, hear);
  std::signal(SIGTERM, hear);
}

bool interrupted() { return heard != 0; }

void check_interrupt() {
  if (interrupted()) throw Interrupted();
}

}  // namespace octet::bench
