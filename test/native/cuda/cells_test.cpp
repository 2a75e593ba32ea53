// The cache's regions.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "runtimes/cuda/runtime/cells.h"

using namespace octet::cuda;

TEST_CASE("cuda cells: regions are taken first fit, grown in place and given back") {
  Cells cells(100);
  Region a = *cells.take(40), b = *cells.take(20), c = *cells.take(40);
  CHECK(a.start == 0);
  CHECK(b.start == 40);
  CHECK(c.start == 60);
  CHECK(!cells.take(1));
  CHECK(!cells.grow(a, 41));
  cells.shrink(b, 5);
  CHECK(!cells.grow(a, 41));
  CHECK(cells.grow(b, 20));
  CHECK(!cells.grow(b, 21));
  cells.shrink(b, 0);
  CHECK(cells.grow(a, 60));
  CHECK(cells.used() == 100);
  cells.shrink(a, 10);
  CHECK(cells.take(50)->start == 10);
  CHECK(cells.used() == 100);
}

TEST_CASE("cuda cells: regions never overlap and no cell is lost") {
  std::mt19937 random(7);
  Cells cells(200);
  std::vector<Region> taken;
  for (int i = 0; i < 5000; ++i) {
    const int length = 1 + static_cast<int>(random() % 40);
    if (random() % 2) {
      if (const auto region = cells.take(length)) taken.push_back(*region);
    } else if (!taken.empty()) {
      Region& region = taken[random() % taken.size()];
      if (random() % 3 == 0) {
        cells.grow(region, region.length + static_cast<int>(random() % 10));
      } else {
        cells.shrink(region, random() % 2 ? 0 : region.length / 2);
      }
      std::erase_if(taken, [](const Region& r) { return r.length == 0; });
    }
    std::sort(taken.begin(), taken.end(), [](const Region& x, const Region& y) { return x.start < y.start; });
    int used = 0, end = 0;
    for (const Region& region : taken) {
      REQUIRE(region.start >= end);
      end = region.end();
      used += region.length;
    }
    REQUIRE(end <= 200);
    REQUIRE(used == cells.used());
  }
}
