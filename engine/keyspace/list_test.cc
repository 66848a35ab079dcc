#include "engine/keyspace/list.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/random.h"

namespace engine::keyspace {
namespace {

std::deque<std::string> contents(const List& list) {
  std::deque<std::string> elements;
  list.for_each([&elements](std::string_view element) { elements.emplace_back(element); });
  return elements;
}

void expect_holds(const List& list, const std::deque<std::string>& model) {
  EXPECT_EQ(contents(list), model);
  EXPECT_EQ(list.size(), model.size());
  std::deque<std::string> backwards;
  for (List::Cursor cursor = list.at(-1); cursor.valid(); cursor.previous()) {
    backwards.push_front(cursor.get().str());
  }
  EXPECT_EQ(backwards, model);
  std::size_t in_nodes = 0;
  list.for_each_node([&in_nodes](std::string_view blob) {
    std::size_t count = 0;
    EXPECT_TRUE(Listpack::validate(blob, count));
    EXPECT_GT(count, 0u) << "a node is never empty";
    in_nodes += count;
  });
  EXPECT_EQ(in_nodes, model.size());
}

// One random change to both.
void change(List& list, std::deque<std::string>& model, Random& random,
            const EncodingLimits& limits) {
  const std::string text = random.below(3) == 0 ? std::to_string(random.below(1000))
                                                : std::string(random.below(90), 'v');
  if (model.empty() || random.below(3) == 0) {
    const bool front = random.below(2) == 0;
    list.push(front ? ListEnd::kFront : ListEnd::kBack, text, limits);
    front ? model.push_front(text) : model.push_back(text);
    return;
  }
  const std::size_t index = random.below(model.size());
  const auto place = model.begin() + static_cast<std::ptrdiff_t>(index);
  const List::Cursor cursor = list.at(static_cast<std::int64_t>(index));
  ASSERT_EQ(cursor.get().text(), *place);
  switch (random.below(8)) {
    case 0:
      EXPECT_EQ(list.pop(ListEnd::kFront), model.front());
      model.pop_front();
      break;
    case 1:
      EXPECT_EQ(list.pop(ListEnd::kBack), model.back());
      model.pop_back();
      break;
    case 2:
      list.set(cursor, text, limits);
      *place = text;
      break;
    case 3:
    case 4:
      list.insert_before(cursor, text, limits);
      model.insert(place, text);
      break;
    case 5:
      list.insert_after(cursor, text, limits);
      model.insert(place + 1, text);
      break;
    case 6: {
      const List::Cursor after = list.erase(cursor);
      const auto next = model.erase(place);
      ASSERT_EQ(after.valid(), next != model.end());
      if (after.valid()) {
        EXPECT_EQ(after.get().text(), *next);
      }
      break;
    }
    default: {
      const std::size_t count = std::min(random.below(6), model.size() - index);
      list.erase_range(index, count);
      model.erase(place, place + static_cast<std::ptrdiff_t>(count));
    }
  }
}

RC_GTEST_PROP(List, BehavesAsASequence, (std::uint64_t seed)) {
  Random random(seed);
  EncodingLimits limits;
  limits.list_max_listpack_size = random.below(2) == 0 ? 3 : -1;  // small nodes, or 4 KiB
  List list;
  std::deque<std::string> model;
  for (int step = 0; step < 300; ++step) {
    change(list, model, random, limits);
  }
  expect_holds(list, model);
  expect_holds(*list.clone(), model);
}

TEST(List, KeepsNodesWithinTheConfiguredSize) {
  EncodingLimits limits;
  limits.list_max_listpack_size = 10;
  List counted;
  for (int i = 0; i < 100; ++i) {
    counted.push(ListEnd::kBack, std::to_string(i), limits);
  }
  EXPECT_EQ(counted.node_count(), 10u);
  limits.list_max_listpack_size = -2;
  List sized;
  for (int i = 0; i < 1000; ++i) {
    sized.push(ListEnd::kFront, std::string(100, 'x'), limits);
  }
  sized.for_each_node([](std::string_view blob) { EXPECT_LE(blob.size(), 8192u); });
  EXPECT_LE(sized.node_count(), 1000 * 102 / 8192 + 2);
}

TEST(List, HoldsAnElementLargerThanANode) {
  List list;
  const std::string large(1 << 20, 'x');
  list.push(ListEnd::kBack, "small", {});
  list.push(ListEnd::kBack, large, {});
  list.push(ListEnd::kBack, "small", {});
  EXPECT_EQ(list.node_count(), 3u);
  EXPECT_EQ(list.at(1).get().text(), large);
}

}  // namespace
}  // namespace engine::keyspace
