// The reference model against a real redis-server: the same random commands to both, equal replies
// after each and equal data after all.
#include "harness/oracle/resp/model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/oracle/resp/command_table.h"
#include "harness/target/redis_for_test.h"
#include "harness/target/state_dump.h"

namespace crashpoint::oracle {
namespace {

using target::RedisForTest;
using target::RespValue;
using Arguments = std::vector<std::string>;

// Each word in capitals and punctuation stands for itself; the others are drawn from `choices()`.
const char* const kTemplates[] = {
    "SET str val",
    "SET str val NX",
    "SET str val XX",
    "SET str val GET",
    "SET str val XX GET",
    "SET str val KEEPTTL",
    "SET str val EX ttl",
    "SET str val PX ttl NX GET",
    "SET str val PXAT at",
    "SET str val EXAT at",
    "SET str val bad",
    "SETNX str val",
    "SETEX str ttl val",
    "PSETEX str ttl val",
    "GETSET str val",
    "GETDEL str",
    "GETEX str",
    "GETEX str PERSIST",
    "GETEX str EX ttl",
    "GETEX str PXAT at",
    "MSET str val str val",
    "MSET str val str",
    "MSETNX str val str val",
    "APPEND str val",
    "SETRANGE str int val",
    "INCR str",
    "DECR str",
    "INCRBY str int",
    "DECRBY str int",
    "INCRBYFLOAT str flt",
    "SETBIT str int bit",
    "SETBIT str int bit",
    "BITOP AND str str str",
    "BITOP OR str str str str",
    "BITOP XOR str str str",
    "BITOP NOT str str",
    "BITFIELD str SET fld off int GET fld off",
    "BITFIELD str OVERFLOW SAT INCRBY fld off int",
    "BITFIELD str OVERFLOW FAIL INCRBY fld off int SET fld off int",
    "BITFIELD str INCRBY fld off int",
    "BITFIELD str GET fld off",
    "LPUSH list val",
    "RPUSH list val val val",
    "LPUSHX list val",
    "RPUSHX list val",
    "LPOP list",
    "RPOP list",
    "LPOP list int",
    "RPOP list int",
    "BLPOP list list 0.001",
    "BRPOP list 0.001",
    "LMPOP 2 list list LEFT",
    "LMPOP 1 list RIGHT COUNT int",
    "BLMPOP 0.001 2 list list RIGHT COUNT 2",
    "LMOVE list list LEFT RIGHT",
    "LMOVE list list RIGHT RIGHT",
    "BLMOVE list list RIGHT LEFT 0.001",
    "RPOPLPUSH list list",
    "BRPOPLPUSH list list 0.001",
    "LSET list int val",
    "LINSERT list BEFORE val val",
    "LINSERT list AFTER val val",
    "LREM list int val",
    "LTRIM list int int",
    "SADD set mem mem mem",
    "SADD set mem mem",
    "SREM set mem mem",
    "SMOVE set set mem",
    "SPOP set",
    "SPOP set int",
    "SUNIONSTORE set set set",
    "SINTERSTORE set set set",
    "SDIFFSTORE set set set",
    "HSET hash fie val",
    "HSET hash fie val fie val",
    "HSET hash fie",
    "HMSET hash fie val",
    "HSETNX hash fie val",
    "HDEL hash fie fie",
    "HINCRBY hash fie int",
    "HINCRBYFLOAT hash fie flt",
    "ZADD zset flt mem flt mem",
    "ZADD zset flt mem flt mem flt mem",
    "ZADD zset NX flt mem",
    "ZADD zset XX CH flt mem",
    "ZADD zset GT CH flt mem",
    "ZADD zset LT flt mem flt mem",
    "ZADD zset INCR flt mem",
    "ZADD zset XX INCR flt mem",
    "ZADD zset GT INCR flt mem",
    "ZADD zset NX GT flt mem",
    "ZINCRBY zset flt mem",
    "ZREM zset mem mem",
    "ZPOPMIN zset",
    "ZPOPMAX zset int",
    "BZPOPMIN zset zset 0.001",
    "BZPOPMAX zset 0.001",
    "ZMPOP 2 zset zset MIN",
    "ZMPOP 1 zset MAX COUNT 2",
    "BZMPOP 0.001 1 zset MIN",
    "ZUNIONSTORE zset 2 zset zset",
    "ZUNIONSTORE zset 2 zset set WEIGHTS flt flt",
    "ZINTERSTORE zset 2 zset zset AGGREGATE MAX",
    "ZINTERSTORE zset 2 zset set WEIGHTS flt flt AGGREGATE MIN",
    "ZDIFFSTORE zset 2 zset zset",
    "ZUNIONSTORE zset 3 zset set",
    "ZRANGESTORE zset zset int int",
    "ZRANGESTORE zset zset int int REV",
    "ZRANGESTORE zset zset bnd bnd BYSCORE",
    "ZRANGESTORE zset zset bnd bnd BYSCORE REV LIMIT int int",
    "ZRANGESTORE zset zset lex lex BYLEX",
    "ZRANGESTORE zset zset lex lex BYLEX REV LIMIT 0 int",
    "ZREMRANGEBYRANK zset int int",
    "ZREMRANGEBYSCORE zset bnd bnd",
    "ZREMRANGEBYLEX zset lex lex",
    "DEL any any",
    "UNLINK any",
    "RENAME any any",
    "RENAMENX any any",
    "COPY any any",
    "COPY any any REPLACE",
    "COPY any any DB 1",
    "MOVE any 1",
    "EXPIRE any ttl",
    "PEXPIRE any ttl NX",
    "EXPIRE any ttl XX",
    "EXPIRE any ttl GT",
    "PEXPIRE any ttl LT",
    "EXPIREAT any at",
    "PEXPIREAT any at",
    "PERSIST any",
    "DUMP any",
    "SORT list STORE list",
    "SORT list ALPHA DESC STORE list",
    "SORT set ALPHA LIMIT 1 2 STORE list",
    "SORT zset BY nosort DESC STORE list",
    "SORT set BY nosort STORE list",
    "SORT set BY str:* ALPHA GET # STORE list",
    "SORT list BY nosort GET s:* GET # STORE list",
    "FLUSHDB",
    "SWAPDB 0 1",
    "SWAPDB 1 1",
    "DEBUG POPULATE 3 s 9",
};

enum class Deadlines : std::uint8_t { kFar, kNear };

std::vector<std::string> choices(const std::string& word, Deadlines deadlines) {
  if (word == "str") {
    return {"s:1", "s:2", "s:3", "l:1"};
  }
  if (word == "list") {
    return {"l:1", "l:2", "l:3", "h:1"};
  }
  if (word == "set") {
    return {"S:1", "S:2", "S:3", "s:1"};
  }
  if (word == "hash") {
    return {"h:1", "h:2", "h:3", "z:1"};
  }
  if (word == "zset") {
    return {"z:1", "z:2", "z:3", "S:1"};
  }
  if (word == "any") {
    return {"s:1", "l:1", "S:1", "h:1", "z:1", "s:2", "l:2", "z:2"};
  }
  if (word == "val") {
    return {"",
            "1",
            "2",
            "10",
            "-7",
            "3.25",
            "a",
            "bb",
            std::string("\0\xff", 2),
            "9223372036854775807"};
  }
  if (word == "mem") {
    return {"1", "2", "3", "a", "b", "c", "aa", ""};
  }
  if (word == "fie") {
    return {"f", "g", "h"};
  }
  if (word == "int") {
    return {
        "0", "1", "2", "-1", "-2", "5", "17", "x", "9223372036854775807", "-9223372036854775808"};
  }
  if (word == "bit") {
    return {"0", "1", "2"};
  }
  if (word == "flt") {
    return {"1", "0", "-1.5", "2.5", "0.1", "1e3", "inf", "-inf", "nan", "3e-2", "7"};
  }
  if (word == "bnd") {
    return {"1", "(1", "-inf", "+inf", "(2.5", "0", "x"};
  }
  if (word == "lex") {
    return {"-", "+", "[a", "(a", "[b", "(aa", "x"};
  }
  if (word == "fld") {
    return {"u8", "i8", "u1", "i64", "u63", "i5", "u64"};
  }
  if (word == "off") {
    return {"0", "3", "#1", "#2", "-1"};
  }
  if (word == "ttl" && deadlines == Deadlines::kNear) {
    return {"1", "3", "10", "30"};
  }
  if (word == "ttl") {
    return {"1000", "5000", "100000", "0", "-1", "x"};
  }
  if (word == "at") {
    return {"4102444800000", "4102444900000", "1000", "-5"};
  }
  return {word};
}

struct RandomCommand {
  Arguments arguments;
  std::uint32_t database = 0;
};

std::ostream& operator<<(std::ostream& out, const RandomCommand& command) {
  out << command.database << ":";
  for (const std::string& argument : command.arguments) {
    out << ' ' << escape(argument);
  }
  return out;
}

RandomCommand instantiate(const std::vector<unsigned>& draws,
                          Deadlines deadlines = Deadlines::kFar) {
  RandomCommand command{.arguments = {}, .database = draws[1] % 8 == 0 ? 1U : 0U};
  std::istringstream words(kTemplates[draws[0] % std::size(kTemplates)]);
  std::size_t next = 2;
  for (std::string word; words >> word; ++next) {
    const std::vector<std::string> candidates = choices(word, deadlines);
    command.arguments.push_back(candidates[draws[next % draws.size()] % candidates.size()]);
  }
  return command;
}

rc::Gen<RandomCommand> random_command() {
  return rc::gen::map(
      rc::gen::container<std::vector<unsigned>>(14, rc::gen::inRange(0U, 1'000'000U)),
      [](const std::vector<unsigned>& draws) { return instantiate(draws); });
}

std::string to_text(const std::optional<RespValue>& value) {
  return value ? escape(target::encode_reply(*value)) : "(open)";
}

std::string code(const RespValue& error) {
  return error.text.substr(0, error.text.find(' '));
}

// Runs commands on both and compares.
class Twin {
 public:
  Twin() : client_(redis_.endpoint()) {}

  void reset() {
    client_.call({"FLUSHALL"});
    database_ = 0;
    client_.call({"SELECT", "0"});
    model_ = std::make_unique<Model>(target::State());
  }

  // The server looks for timeouts only ten times a second.
  [[nodiscard]] bool would_block(const RandomCommand& command) const {
    const std::string& name = command.arguments[0];
    if (!name.starts_with('B') || name.starts_with("BIT")) {
      return false;
    }
    std::vector<target::Key> keys;
    append_keys(*find_writing_command(name), command.arguments, command.database, keys);
    return !model_->entry_of(model_->id_of(keys.front())).has_value();
  }

  // Empty when both agree.
  std::string run(const RandomCommand& command) {
    if (would_block(command)) {
      return "";
    }
    if (command.database != database_) {
      database_ = command.database;
      client_.call({"SELECT", std::to_string(database_)});
    }
    const std::int64_t from_ms = unix_now_ms();
    const RespValue reply = client_.call(command.arguments);
    Call call{.database = database_,
              .arguments = command.arguments,
              .reply = reply.is_error() ? nullptr : &reply,
              .when = {.from_ms = from_ms, .to_ms = unix_now_ms()}};
    const Executed executed = model_->execute(call);
    const bool agree =
        !executed.reply ||
        (reply.is_error() ? executed.reply->is_error() && code(*executed.reply) == code(reply)
                          : *executed.reply == reply);
    if (agree) {
      return "";
    }
    return fmt::format("replied {}, expected {}", to_text(reply), to_text(executed.reply));
  }

  std::string compare() {
    const target::State found = target::dump_state(redis_.endpoint());
    const target::State expected = model_->state();
    for (const auto& [key, entry] : found.entries) {
      const KeyId id = model_->id_of(key);
      if (model_->is_unknown(id)) {
        continue;
      }
      const std::optional<target::Entry> own = model_->entry_of(id);
      if (!own || own->value != entry.value) {
        return "another value in " + key.name;
      }
      const std::optional<TimeWindow>& deadline = model_->deadline_of(id);
      if (deadline.has_value() != entry.expire_at_ms.has_value()) {
        return "a deadline too many or few on " + key.name;
      }
      if (deadline &&
          (*entry.expire_at_ms < deadline->from_ms || *entry.expire_at_ms > deadline->to_ms)) {
        return "another deadline on " + key.name;
      }
      if (model_->digest_of(id) != digest_entry(key, entry)) {
        return "another digest of " + key.name;
      }
    }
    for (const auto& [key, entry] : expected.entries) {
      const bool expired = entry.expire_at_ms && *entry.expire_at_ms < found.observed_to_ms + 100;
      if (!found.entries.contains(key) && !expired) {
        return key.name + " is missing";
      }
    }
    return "";
  }

 private:
  RedisForTest redis_{{"--appendonly", "no", "--save", "", "--enable-debug-command", "yes"}};
  target::Client client_;
  std::uint32_t database_ = 0;
  std::unique_ptr<Model> model_;
};

TEST(Model, GivesTheRepliesAndTheDataOfARealServer) {
  if (!RedisForTest::is_installed()) {
    GTEST_SKIP() << "redis-tools is not installed";
  }
  Twin twin;
  rc::check([&] {
    twin.reset();
    const auto commands = *rc::gen::container<std::vector<RandomCommand>>(random_command());
    for (const RandomCommand& command : commands) {
      const std::string difference = twin.run(command);
      if (!difference.empty()) {
        std::ostringstream text;
        text << command << " " << difference;
        RC_FAIL(text.str());
      }
    }
    const std::string difference = twin.compare();
    if (!difference.empty()) {
      RC_FAIL(difference);
    }
  });
}

void agree_over_a_long_run(Deadlines deadlines, int rounds) {
  Twin twin;
  twin.reset();
  Random random(20);
  for (int round = 0; round < rounds; ++round) {
    std::vector<unsigned> draws(14);
    for (unsigned& value : draws) {
      value = static_cast<unsigned>(random.below(1U << 20));
    }
    const RandomCommand command = instantiate(draws, deadlines);
    // Emptying everything that often would keep the data small.
    if (command.arguments[0] == "FLUSHDB" && random.below(64) != 0) {
      continue;
    }
    const std::string difference = twin.run(command);
    ASSERT_EQ(difference, "") << "round " << round << ": " << command;
    if (round % 50 == 0) {
      ASSERT_EQ(twin.compare(), "") << "round " << round << ": " << command;
    }
  }
}

TEST(Model, AgreesOverOneLongRun) {
  if (!RedisForTest::is_installed()) {
    GTEST_SKIP() << "redis-tools is not installed";
  }
  agree_over_a_long_run(Deadlines::kFar, 20'000);
}

// Replies tell whether a key had expired; where they do not, the key is left open.
TEST(Model, AgreesWhileKeysExpire) {
  if (!RedisForTest::is_installed()) {
    GTEST_SKIP() << "redis-tools is not installed";
  }
  agree_over_a_long_run(Deadlines::kNear, 20'000);
}

}  // namespace
}  // namespace crashpoint::oracle
