#include "engine/commands/families/partial_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/base/random.h"

namespace engine::commands {
namespace {

TEST(PartialSort, PutsWhatIsWantedInItsPlace) {
  Random random(1);
  const auto compare = [](int a, int b) { return a < b ? -1 : a == b ? 0 : 1; };
  for (std::size_t size = 1; size < 200; ++size) {
    const std::uint64_t values = size % 3 == 0 ? 4 : 1000;  // many equal ones, or few
    std::vector<int> numbers(size);
    std::generate(numbers.begin(), numbers.end(),
                  [&] { return static_cast<int>(random.below(values)); });
    std::vector<int> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    const auto wanted = static_cast<std::ptrdiff_t>(1 + random.below(size));
    PartialSort(numbers.begin(), numbers.begin() + wanted, compare)
        .sort(numbers.begin(), numbers.end());
    EXPECT_TRUE(std::equal(numbers.begin(), numbers.begin() + wanted, sorted.begin())) << size;
    EXPECT_TRUE(std::is_permutation(numbers.begin(), numbers.end(), sorted.begin())) << size;
  }
}

}  // namespace
}  // namespace engine::commands
