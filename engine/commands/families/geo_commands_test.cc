// Searches among many places find those, in that order, that redis-server finds.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/commands/dispatch/executor_for_test.h"
#include "engine/commands/dispatch/real_redis_for_test.h"

namespace engine::commands {
namespace {

using Command = std::vector<std::string>;

TEST(Geo, FindsAmongManyPlacesWhatRedisFinds) {
  Random random(1);
  const auto degrees = [&random](double max, std::uint64_t steps) {
    return std::to_string(
        max * (2 * static_cast<double>(random.below(steps + 1)) / static_cast<double>(steps) - 1));
  };
  std::vector<Command> commands;
  for (int i = 0; i < 600; ++i) {  // a third of them at few places: distances are often equal
    const std::uint64_t steps = i % 3 == 0 ? 8 : 100'000;
    commands.push_back({"GEOADD", i % 2 == 0 ? "large" : "both", degrees(180, steps),
                        degrees(85.05112878, steps), "place-" + std::to_string(i % 450)});
  }
  const std::string lengths[] = {"0", "10", "250", "1000.5", "4000", "12000", "21000"};
  const Command options[] = {{"ASC"},  {"COUNT", "5"},        {"COUNT", "40", "DESC"},
                             {"DESC"}, {"COUNT", "9", "ANY"}, {"COUNT", "30", "ANY", "ASC"}};
  for (int i = 0; i < 400; ++i) {
    Command search = {"GEOSEARCH",     random.below(2) == 0 ? "large" : "both",
                      "FROMLONLAT",    degrees(180, 16),
                      degrees(85, 16), "WITHDIST",
                      "WITHCOORD",     "WITHHASH"};
    if (random.below(2) == 0) {
      search.insert(search.end(), {"BYRADIUS", lengths[random.below(std::size(lengths))], "km"});
    } else {
      search.insert(search.end(), {"BYBOX", lengths[random.below(std::size(lengths))],
                                   lengths[random.below(std::size(lengths))], "km"});
    }
    if (random.below(4) > 0) {
      const Command& option = options[random.below(std::size(options))];
      search.insert(search.end(), option.begin(), option.end());
    }
    commands.push_back(search);
  }
  // Distances to the last bit, also between places on one meridian.
  commands.push_back({"GEOADD", "few", "180", "84.370720", "a", "13.3", "38.1", "b"});
  commands.push_back({"GEOSEARCHSTORE", "stored", "few", "FROMLONLAT", "180", "21.288298",
                      "BYRADIUS", "21000", "km", "STOREDIST"});
  commands.push_back({"ZRANGE", "stored", "0", "-1", "WITHSCORES"});
  RealRedis redis;
  TestExecutor ours;
  const std::vector<std::string> theirs = redis.run(commands, [](const Command&) { return false; });
  for (std::size_t i = 0; i < commands.size(); ++i) {
    ASSERT_EQ(reply_text(ours.run(ours.default_session(), commands[i])), theirs[i]);
  }
}

TEST(Geo, AnyScoreIsAPlace) {
  TestExecutor ours;
  ours.run("ZADD z inf a -inf b 1e300 c -1 d 1e19 e 0.5 f");
  EXPECT_EQ(ours.run("GEOHASH z a b").substr(0, 4), "*2\r\n");
  EXPECT_EQ(ours.run("GEOPOS z a b c d e f none").substr(0, 4), "*7\r\n");
  EXPECT_EQ(ours.run("GEOSEARCH z FROMMEMBER d BYRADIUS inf km").substr(0, 1), "*");
}

TEST(Geo, APlaceAddedIsLoggedAsItsScore) {
  TestExecutor ours;
  ours.run("GEOADD g CH 13.361389 38.115556 Palermo");
  ours.run("GEOADD g NX 1 1 Palermo");
  EXPECT_EQ(ours.effects.steps, std::vector<std::string>{"0:zadd g CH 3479099956230698 Palermo"});
}

}  // namespace
}  // namespace engine::commands
