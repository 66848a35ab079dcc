#include "harness/oracle/resp/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace crashpoint::oracle {
namespace {

// Whatever is pushed and popped at either end, the digest is that of the items left.
RC_GTEST_PROP(ListDigest, DependsOnTheItemsAloneNotOnHowTheyCameThere,
              (const std::vector<int>& steps)) {
  target::List list;
  ListDigest digest;
  int next = 0;
  for (const int step : steps) {
    const std::string item = std::to_string(next++);
    switch ((step % 4 + 4) % 4) {
      case 0:
        list.push_back(item);
        digest.push_back(hash_bytes(item));
        break;
      case 1:
        list.push_front(item);
        digest.push_front(hash_bytes(item));
        break;
      case 2:
        if (list.empty()) {
          break;
        }
        digest.pop_back(hash_bytes(list.back()));
        list.pop_back();
        break;
      default:
        if (list.empty()) {
          break;
        }
        digest.pop_front(hash_bytes(list.front()));
        list.pop_front();
        break;
    }
    RC_ASSERT(digest.value() == digest_value(list));
  }
}

TEST(Digest, TellsEveryPartOfAKeyApart) {
  const target::Key key{0, "k"};
  const std::vector<Digest> digests = {
      digest_entry(key, {"v", {}}),
      digest_entry(key, {"w", {}}),
      digest_entry(key, {"v", 1}),
      digest_entry({0, "kk"}, {"v", {}}),
      digest_entry({1, "k"}, {"v", {}}),
      digest_entry(key, {target::List{"v"}, {}}),
      digest_entry(key, {target::List{"v", "v"}, {}}),
      digest_entry(key, {target::List{"v", "w"}, {}}),
      digest_entry(key, {target::List{"w", "v"}, {}}),
      digest_entry(key, {target::Set{"v"}, {}}),
      digest_entry(key, {target::Hash{{"v", "w"}}, {}}),
      digest_entry(key, {target::Hash{{"w", "v"}}, {}}),
      digest_entry(key, {target::SortedSet{{"v", 1}}, {}}),
      digest_entry(key, {target::SortedSet{{"v", 2}}, {}}),
      digest_entry(key, {target::Opaque{"stream", "v"}, {}}),
  };
  for (std::size_t one = 0; one < digests.size(); ++one) {
    for (std::size_t other = 0; other < one; ++other) {
      EXPECT_NE(digests[one], digests[other]) << one << " and " << other;
    }
  }
}

TEST(Digest, LeavesTheDeadlineItselfOut) {
  EXPECT_EQ(digest_entry({0, "k"}, {"v", 1000}), digest_entry({0, "k"}, {"v", 2000}));
}

TEST(Digest, TakesMinusZeroForZero) {
  EXPECT_EQ(hash_member("m", 0.0), hash_member("m", -0.0));
}

}  // namespace
}  // namespace crashpoint::oracle
