// Sets and hashes, in both of their encodings.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/keyspace/hash.h"
#include "engine/keyspace/set.h"

namespace engine::keyspace {
namespace {

using Steps = std::vector<std::pair<int, std::string>>;

// Insertions and removals of a few numbers and words; words make an intset a table.
auto steps(bool with_words) {
  const auto number =
      rc::gen::map(rc::gen::inRange(-20, 20), [](int i) { return std::to_string(i); });
  const auto word = rc::gen::map(rc::gen::inRange(0, 30), [](int i) {
    return std::string(static_cast<std::size_t>(i % 5 * 20), 'w') + std::to_string(i);
  });
  return rc::gen::container<Steps>(rc::gen::pair(
      rc::gen::inRange(0, 3), with_words ? rc::gen::oneOf(number, word) : rc::gen::oneOf(number)));
}

RC_GTEST_PROP(Set, BehavesAsASetInBothEncodings, (bool with_words)) {
  EncodingLimits limits;
  limits.set_max_intset_entries = *rc::gen::element<std::size_t>(4, 512);
  Set set;
  std::set<std::string> model;
  bool had_word = false;
  for (const auto& [kind, text] : *steps(with_words)) {
    if (kind == 0) {
      RC_ASSERT(set.erase(text) == (model.erase(text) == 1));
    } else {
      RC_ASSERT(set.insert(text, limits) == model.insert(text).second);
      had_word |= text.find('w') != std::string::npos;
    }
    RC_ASSERT(set.contains(text) == model.contains(text));
  }
  RC_ASSERT(set.size() == model.size());
  RC_ASSERT(!had_word || !set.is_intset());
  std::multiset<std::string> seen;
  set.for_each([&seen](std::string_view member) { seen.emplace(member); });
  RC_ASSERT(seen == std::multiset<std::string>(model.begin(), model.end()));
  RC_ASSERT(set.clone()->size() == model.size());
}

TEST(Set, LeavesTheIntsetForAWordAndForTooManyIntegers) {
  EncodingLimits limits;
  Set words;
  words.insert("1", limits);
  EXPECT_TRUE(words.is_intset());
  words.insert("007", limits);
  EXPECT_FALSE(words.is_intset()) << "007 would not come back as it was";
  EXPECT_TRUE(words.contains("1"));
  Set many;
  for (int i = 0; i < 512; ++i) {
    many.insert(std::to_string(i), limits);
  }
  EXPECT_TRUE(many.is_intset());
  many.insert("512", limits);
  EXPECT_FALSE(many.is_intset());
}

RC_GTEST_PROP(Hash, BehavesAsAMapInBothEncodings, (bool with_words)) {
  EncodingLimits limits;
  limits.hash_max_listpack_entries = *rc::gen::element<std::size_t>(4, 512);
  Hash hash;
  std::map<std::string, std::string> model;
  int step = 0;
  for (const auto& [kind, field] : *steps(with_words)) {
    if (kind == 0) {
      RC_ASSERT(hash.erase(field) == (model.erase(field) == 1));
    } else {
      const std::string value =
          std::string(static_cast<std::size_t>(step * 7 % 90), 'v') + std::to_string(step);
      RC_ASSERT(hash.set(field, value, limits) == !model.contains(field));
      model[field] = value;
    }
    ++step;
  }
  RC_ASSERT(hash.size() == model.size());
  std::map<std::string, std::string> seen;
  hash.for_each(
      [&seen](std::string_view field, std::string_view value) { seen.emplace(field, value); });
  RC_ASSERT(seen == model);
  for (const auto& [field, value] : model) {
    RC_ASSERT(hash.get(field)->text() == value);
  }
  RC_ASSERT(!hash.get("absent").has_value());
}

TEST(Hash, LeavesTheListpackBeyondEitherLimit) {
  EncodingLimits limits;
  Hash many;
  for (int i = 0; i < 512; ++i) {
    many.set(std::to_string(i), "v", limits);
  }
  EXPECT_TRUE(many.is_listpack());
  many.set("512", "v", limits);
  EXPECT_FALSE(many.is_listpack());
  Hash large;
  large.set("f", std::string(64, 'x'), limits);
  EXPECT_TRUE(large.is_listpack());
  large.set("f", std::string(65, 'x'), limits);
  EXPECT_FALSE(large.is_listpack());
  EXPECT_EQ(large.get("f")->text().size(), 65u);
}

TEST(Hash, LeavesAListpackThatWasLoadedBeyondTheLimits) {
  Listpack pairs;
  for (int i = 0; i < 600; ++i) {
    pairs.append(std::to_string(i));
    pairs.append("v");
  }
  Hash hash(std::move(pairs));
  hash.fit(EncodingLimits());
  EXPECT_FALSE(hash.is_listpack());
  EXPECT_EQ(hash.size(), 600u);
}

}  // namespace
}  // namespace engine::keyspace
