#include "harness/workload/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace crashpoint::workload {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Arguments> all_of(Generator& generator, std::uint32_t client) {
  std::vector<Arguments> all;
  for (std::vector<Arguments> next; !(next = generator.next(client)).empty();) {
    all.insert(all.end(), next.begin(), next.end());
  }
  return all;
}

Generate everything() {
  Generate generate{.count = 4000, .clients = 4};
  for (const std::string_view name : mix_names()) {
    generate.mix[std::string(name)] = 1;
  }
  return generate;
}

TEST(Generator, SendsTheSameWhateverOrderTheClientsAskIn) {
  Generator forwards(everything(), 7, 2);
  Generator backwards(everything(), 7, 2);
  std::vector<std::vector<Arguments>> one;
  std::vector<std::vector<Arguments>> other(4);
  for (std::uint32_t client = 0; client < 4; ++client) {
    one.push_back(all_of(forwards, client));
  }
  for (std::uint32_t client = 4; client-- > 0;) {
    other[client] = all_of(backwards, client);
  }
  EXPECT_EQ(one, other);
}

TEST(Generator, DependsOnSeedStepAndClient) {
  const auto first = [](std::uint64_t seed, std::uint32_t step, std::uint32_t client) {
    Generator generator(everything(), seed, step);
    return all_of(generator, client);
  };
  EXPECT_NE(first(1, 0, 0), first(2, 0, 0));
  EXPECT_NE(first(1, 0, 0), first(1, 1, 0));
  EXPECT_NE(first(1, 0, 0), first(1, 0, 1));
}

TEST(Generator, CountsATransactionAsOneCommand) {
  Generator generator({.count = 1001, .clients = 3, .mix = {{"SET", 1}, {"MULTI", 1}}}, 1, 0);
  std::uint64_t steps = 0;
  for (std::uint32_t client = 0; client < 3; ++client) {
    for (std::vector<Arguments> next; !(next = generator.next(client)).empty(); ++steps) {
      if (next.size() == 1) {
        continue;
      }
      EXPECT_GE(next.size(), 4U);
      EXPECT_THAT(next.front(), ElementsAre("MULTI"));
      EXPECT_THAT(next.back(), ElementsAre("EXEC"));
    }
  }
  EXPECT_EQ(steps, 1001U);
}

TEST(Generator, NeverWritesAValueTwiceAndKeepsItsLength) {
  Generator generator({.count = 3000,
                       .clients = 3,
                       .value_bytes_min = 20,
                       .value_bytes_max = 40,
                       .mix = {{"SET", 1}}},
                      1, 0);
  std::set<std::string> values;
  for (std::uint32_t client = 0; client < 3; ++client) {
    for (const Arguments& command : all_of(generator, client)) {
      EXPECT_TRUE(values.insert(command.at(2)).second) << command.at(2);
      EXPECT_GE(command[2].size(), 20U);
      EXPECT_LE(command[2].size(), 40U);
    }
  }
}

TEST(Generator, GivesEachClientKeysOfItsOwn) {
  Generator generator(everything(), 3, 0);
  std::map<std::string, std::uint32_t> owner;
  for (std::uint32_t client = 0; client < 4; ++client) {
    for (const Arguments& command : all_of(generator, client)) {
      if (command.size() < 2) {
        continue;
      }
      const auto [entry, is_new] = owner.try_emplace(command[1], client);
      EXPECT_EQ(entry->second, client) << command[1];
    }
  }
}

TEST(Generator, SharesListsAndCountersOnlyWhenAsked) {
  Generator generator({.count = 400,
                       .clients = 2,
                       .shared_keys = 1,
                       .mix = {{"RPUSH", 1}, {"INCR", 1}, {"SET", 1}}},
                      3, 0);
  std::set<std::string> of_both[2];
  for (std::uint32_t client = 0; client < 2; ++client) {
    for (const Arguments& command : all_of(generator, client)) {
      of_both[client].insert(command[1]);
    }
  }
  std::vector<std::string> shared;
  std::ranges::set_intersection(of_both[0], of_both[1], std::back_inserter(shared));
  EXPECT_THAT(shared, ElementsAre("shared:count:0", "shared:list:0"));
}

TEST(Generator, StaysNearTheNumberOfKeysAsked) {
  Generator generator(
      {.count = 100'000, .keys = 500, .mix = {{"SET", 3}, {"RPUSH", 1}, {"ZADD", 1}}}, 3, 0);
  std::map<char, std::set<std::string>> keys;
  for (const Arguments& command : all_of(generator, 0)) {
    keys[command[1].front()].insert(command[1]);
  }
  EXPECT_EQ(keys['s'].size(), 300U);
  EXPECT_EQ(keys['l'].size(), 100U);
  EXPECT_EQ(keys['z'].size(), 100U);
}

TEST(GenerateProblems, NamesWhatIsWrongAndWhatIsNear) {
  EXPECT_THAT(problems({}), IsEmpty());
  EXPECT_THAT(problems({.mix = {{"RPSH", 1}, {"SET", 1}}}),
              ElementsAre(HasSubstr("did you mean 'RPUSH'?")));
  EXPECT_THAT(problems({.mix = {{"SET", 0}}}), ElementsAre("mix: every weight is 0"));
  EXPECT_THAT(problems({.mix = {{"MULTI", 1}, {"DEL", 2}}}),
              ElementsAre(HasSubstr("nothing in it makes keys")));
  EXPECT_THAT(
      problems({.clients = 0, .pipeline = 0, .keys = 0, .value_bytes_min = 9, .value_bytes_max = 8})
          .size(),
      4U);
}

}  // namespace
}  // namespace crashpoint::workload
