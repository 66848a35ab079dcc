#include "engine/keyspace/table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/keyspace/string_node.h"

namespace engine::keyspace {
namespace {

// A Table that owns its nodes, and the keys it must hold.
struct Modelled {
  Table<StringNode> table;
  std::set<std::string> model;

  ~Modelled() {
    table.for_each([](StringNode& node) { StringNode::destroy(&node); });
  }
  void insert(const std::string& key) {
    if (model.insert(key).second) {
      table.insert(StringNode::create(key));
    }
  }
  void erase(const std::string& key) {
    StringNode* node = table.extract(key);
    EXPECT_EQ(node != nullptr, model.erase(key) == 1);
    if (node != nullptr) {
      StringNode::destroy(node);
    }
  }
  std::multiset<std::string> keys() const {
    std::multiset<std::string> keys;
    table.for_each([&keys](const StringNode& node) { keys.emplace(node.key()); });
    return keys;
  }
  void expect_equal() const {
    EXPECT_EQ(table.size(), model.size());
    EXPECT_EQ(keys(), std::multiset<std::string>(model.begin(), model.end()));
    for (const std::string& key : model) {
      EXPECT_NE(table.find(key), nullptr) << key;
    }
  }
};

std::string key(std::size_t i) {
  return "key:" + std::to_string(i);
}

TEST(Table, HoldsEveryKeyWhileItGrowsAndShrinks) {
  Modelled modelled;
  const std::size_t count = 20'000;
  for (std::size_t i = 0; i < count; ++i) {
    modelled.insert(key(i));
  }
  modelled.expect_equal();
  const std::size_t full_bytes = modelled.table.bytes();
  EXPECT_LT(full_bytes, count * 16) << "a key costs at most two slots";
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 97 != 0) {
      modelled.erase(key(i));
    }
  }
  modelled.expect_equal();
  EXPECT_LT(modelled.table.bytes(), full_bytes / 10) << "segments merge and the directory shrinks";
  for (std::size_t i = 0; i < count; ++i) {
    modelled.erase(key(i));
  }
  modelled.expect_equal();
}

RC_GTEST_PROP(Table, BehavesAsASet, ()) {
  Modelled modelled;
  const auto operations = *rc::gen::container<std::vector<std::pair<int, unsigned>>>(
      rc::gen::pair(rc::gen::inRange(0, 3), rc::gen::inRange(0u, 300u)));
  for (const auto& [kind, number] : operations) {
    if (kind == 0) {
      modelled.erase(key(number));
    } else {
      modelled.insert(key(number));
    }
    EXPECT_EQ(modelled.table.find(key(number)) != nullptr, modelled.model.contains(key(number)));
  }
  modelled.expect_equal();
}

// The promise of SCAN, exactly: what is there from the first to the last call comes once; what
// comes and goes meanwhile comes at most once each time it is there.
TEST(Table, WithRoomReservedHoldsTheSameInNoMoreMemory) {
  Modelled grown;
  Modelled reserved;
  const std::size_t count = 20'000;
  reserved.table.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    grown.insert(key(i));
    reserved.insert(key(i));
  }
  reserved.expect_equal();
  EXPECT_LT(reserved.table.bytes(), grown.table.bytes() * 5 / 4);
  for (std::size_t i = 0; i < count; ++i) {
    reserved.erase(key(i));
  }
  reserved.expect_equal();
}

TEST(Table, ScanReturnsWhatStaysExactlyOnceWhileTheTableChanges) {
  for (const std::size_t step : {1u, 10u, 1000u}) {
    Modelled modelled;
    const std::size_t kept = 2000;
    for (std::size_t i = 0; i < kept; ++i) {
      modelled.insert(key(i));
    }
    std::map<std::string, int> seen;
    std::uint64_t cursor = 0;
    std::size_t calls = 0;
    do {
      std::size_t returned = 0;
      cursor = modelled.table.scan(cursor, step, [&](const StringNode& node) {
        ++seen[std::string(node.key())];
        ++returned;
      });
      EXPECT_LE(returned, step + 1);
      // Grow for a while so that segments split, then shrink so that they merge.
      const std::size_t phase = calls % 200;
      for (std::size_t i = 0; i < 40; ++i) {
        if (phase < 100) {
          modelled.insert(key(kept + phase * 40 + i));
        } else {
          modelled.erase(key(kept + (phase - 100) * 40 + i));
        }
      }
      ++calls;
      ASSERT_LT(calls, 50'000u) << "a scan must end";
    } while (cursor != 0);
    for (std::size_t i = 0; i < kept; ++i) {
      EXPECT_EQ(seen[key(i)], 1) << key(i);
    }
  }
}

TEST(Table, RandomReachesEveryNode) {
  Modelled modelled;
  for (std::size_t i = 0; i < 100; ++i) {
    modelled.insert(key(i));
  }
  Random random(7);
  std::set<std::string_view> reached;
  for (int i = 0; i < 5000; ++i) {
    reached.insert(modelled.table.random(random)->key());
  }
  EXPECT_EQ(reached.size(), 100u);
}

}  // namespace
}  // namespace engine::keyspace
