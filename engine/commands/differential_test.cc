// The same random commands to this executor and to redis-server 7.0: the same replies, and the same
// data by DEBUG DIGEST. And what we log, replayed there, makes the data we have.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/command_grammar.h"
#include "engine/commands/digest.h"
#include "engine/commands/real_redis.h"
#include "engine/commands/test_executor.h"

namespace engine::commands {
namespace {

using Command = std::vector<std::string>;

// Commands whose reply and effect are determined by the data.
constexpr std::string_view kDetermined[] = {
    // strings
    "SET $k $v [NX|XX|GET|NX GET|XX GET] [KEEPTTL|EXAT $T|PXAT $t|EX $e]",
    "SET $k $v",
    "SET $k $i",
    "GET $k",
    "GETSET $k $v",
    "GETDEL $k",
    "GETEX $k [PERSIST|EXAT $T|PXAT $t|EX $e]",
    "SETNX $k $v",
    "MSET $kv+",
    "MSETNX $kv+",
    "MGET $k+",
    "APPEND $k $v",
    "STRLEN $k",
    "SETRANGE $k $o $v",
    "SETRANGE $k $i $v",
    "GETRANGE $k $i $i",
    "SUBSTR $k $i $i",
    "INCR $k",
    "DECR $k",
    "INCRBY $k $i",
    "DECRBY $k $i",
    "INCRBYFLOAT $k $f",
    "LCS $k $k [LEN|IDX|IDX WITHMATCHLEN|IDX MINMATCHLEN $i|LEN IDX]",
    // bits
    "SETBIT $k $o $i",
    "SETBIT $k $o 1",
    "GETBIT $k $o",
    "BITCOUNT $k [$i $i|$i $i BIT|$i $i BYTE|$i]",
    "BITPOS $k $i [$i|$i $i|$i $i BIT|$i $i BYTE]",
    "BITPOS $k 1 [$i|$i $i|$i $i BIT]",
    "BITPOS $k 0 [$i|$i $i|$i $i BIT]",
    "BITOP [AND|OR|XOR|NOT] $k $k+",
    "BITOP AND $k $k+",
    "BITFIELD $k [OVERFLOW SAT|OVERFLOW FAIL|OVERFLOW WRAP] [GET u8 $o|GET i5 #$p] [SET i8 $o "
    "$i|SET u3 $o $f] "
    "[INCRBY u2 $o $i|INCRBY i64 $o $i|INCRBY i7 #1 $i]",
    "BITFIELD_RO $k GET u4 $o [GET i64 0|SET u4 0 1]",
    // lists
    "LPUSH $k $v+",
    "RPUSH $k $v+",
    "RPUSH $k $m+",
    "LPUSHX $k $v+",
    "RPUSHX $k $v+",
    "LPOP $k [$i|$p]",
    "RPOP $k [$i|$p]",
    "LLEN $k",
    "LINDEX $k $i",
    "LSET $k $i $v",
    "LINSERT $k [BEFORE|AFTER] $m $v",
    "LINSERT $k BEFORE $m $v",
    "LRANGE $k $i $i",
    "LRANGE $k 0 -1",
    "LTRIM $k $i $i",
    "LREM $k $i $m",
    "LPOS $k $m [RANK $i] [COUNT $i] [MAXLEN $i]",
    "LMOVE $k $k [LEFT|RIGHT] [LEFT|RIGHT]",
    "LMOVE $k $k RIGHT LEFT",
    "RPOPLPUSH $k $k",
    "LMPOP 1 $k LEFT [COUNT $i|COUNT $p]",
    "LMPOP 2 $k $k RIGHT [COUNT $p]",
    "LMPOP $i $k $k LEFT",
    // hashes
    "HSET $k $mv+",
    "HSET $k $mi+",
    "HMSET $k $mv+",
    "HSETNX $k $m $v",
    "HGET $k $m",
    "HMGET $k $m+",
    "HDEL $k $m+",
    "HLEN $k",
    "HSTRLEN $k $m",
    "HEXISTS $k $m",
    "HINCRBY $k $m $i",
    "HINCRBYFLOAT $k $m $f",
    // sets
    "SADD $k $m+",
    "SADD $k $i+",
    "SADD $k $v+",
    "SREM $k $m+",
    "SCARD $k",
    "SISMEMBER $k $m",
    "SMISMEMBER $k $m+",
    "SMOVE $k $k $m",
    "SINTERCARD 2 $k $k [LIMIT $i]",
    "SINTERCARD $i $k",
    "SINTERSTORE $k $k+",
    "SUNIONSTORE $k $k+",
    "SDIFFSTORE $k $k+",
    // sorted sets
    "ZADD $k [NX|XX] [GT|LT] [CH] [INCR] $fm",
    "ZADD $k $fm+",
    "ZADD $k 0 $m 0 $m 0 $m",
    "ZINCRBY $k $f $m",
    "ZREM $k $m+",
    "ZCARD $k",
    "ZSCORE $k $m",
    "ZMSCORE $k $m+",
    "ZRANK $k $m",
    "ZREVRANK $k $m",
    "ZCOUNT $k $s $s",
    "ZLEXCOUNT $z $l $l",
    "ZRANGE $k $i $i [REV] [WITHSCORES] [LIMIT $i $i]",
    "ZRANGE $k $s $s BYSCORE [REV] [WITHSCORES] [LIMIT $i $i]",
    "ZADD $z 0 $m 0 $m 0 $m",
    "ZADD $z $fm+",
    "ZRANGE $z $l $l BYLEX [REV] [LIMIT $i $i|WITHSCORES]",
    "ZREVRANGE $k $i $i [WITHSCORES]",
    "ZRANGEBYSCORE $k $s $s [WITHSCORES] [LIMIT $i $i]",
    "ZREVRANGEBYSCORE $k $s $s [WITHSCORES] [LIMIT $i $i]",
    "ZRANGEBYLEX $z $l $l [LIMIT $i $i]",
    "ZREVRANGEBYLEX $z $l $l [LIMIT $i $i]",
    "ZRANGESTORE $k $k $i $i [REV]",
    "ZRANGESTORE $k $k $s $s BYSCORE [REV] [LIMIT $i $i]",
    "ZREMRANGEBYRANK $k $i $i",
    "ZREMRANGEBYSCORE $k $s $s",
    "ZREMRANGEBYLEX $z $l $l",
    "ZPOPMIN $k [$i|$p]",
    "ZPOPMAX $k [$i|$p]",
    "ZMPOP 1 $k MIN [COUNT $i|COUNT $p]",
    "ZMPOP 2 $k $k MAX [COUNT $p]",
    "ZUNION 2 $k $k [WEIGHTS $f $f] [AGGREGATE MIN|AGGREGATE MAX|AGGREGATE SUM|AGGREGATE x] "
    "[WITHSCORES]",
    "ZINTER 2 $k $k [WEIGHTS $f $f] [AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]",
    "ZDIFF 2 $k $k [WITHSCORES]",
    "ZUNIONSTORE $k 2 $k $k [WEIGHTS $f $f] [AGGREGATE MIN|AGGREGATE MAX]",
    "ZINTERSTORE $k 2 $k $k [WEIGHTS 1 2] [AGGREGATE MAX]",
    "ZDIFFSTORE $k 2 $k $k",
    "ZINTERCARD 2 $k $k [LIMIT $i]",
    "ZUNION $i $k $k",
    // keys
    "DEL $k+",
    "UNLINK $k",
    "EXISTS $k+",
    "TOUCH $k+",
    "TYPE $k",
    "RENAME $k $k",
    "RENAMENX $k $k",
    "COPY $k $k [DB $d] [REPLACE]",
    "MOVE $k $d",
    "OBJECT ENCODING $k",
    "EXPIRE $k $e [NX|XX|GT|LT|NX GT|ZZ]",
    "EXPIREAT $k $T [NX|XX|GT|LT]",
    "PEXPIREAT $k $t [NX|XX|GT|LT]",
    "PERSIST $k",
    "SORT $k [LIMIT $i $i] [ASC|DESC] [ALPHA]",
    "SORT $k BY nosort [GET #] [GET k*|GET k*->a] [ALPHA]",
    "SORT $k BY k* [GET #] [DESC] [STORE $k]",
    "SORT $k ALPHA STORE $k",
    "SORT_RO $k ALPHA",
    "RESTORE $k $i $v",
    // the rest
    "SELECT $d",
    "DBSIZE",
    "SWAPDB $d $d",
    "MULTI",
    "EXEC",
    "EXEC",
    "DISCARD",
    "WATCH $k",
    "UNWATCH",
    "PING [$v]",
    "ECHO $v",
    "SCAN x",
    "HSCAN $k 0 COUNT $i",
    "OBJECT FREQ $k",
    "OBJECT NOSUCH $k",
    "NOSUCH $v+",
    "PUBLISH $k $v",
    "DEBUG DIGEST-VALUE $k",
    "COMMAND GETKEYS ZUNIONSTORE $k 2 $k $k",
};

// Their reply has no order.
constexpr std::string_view kUnordered[] = {
    "SMEMBERS $k",
    "SINTER $k+",
    "SUNION $k+",
    "SDIFF $k+",
    "HGETALL $k",
    "HKEYS $k",
    "HVALS $k",
    "KEYS *",
    "KEYS k[1-3]",
    "SCAN 0 COUNT 9999 [MATCH k*] [TYPE list|TYPE ZSET|TYPE x]",
    "SSCAN $k 0 COUNT 9999 [MATCH ?]",
    "HSCAN $k 0 COUNT 9999",
    "ZSCAN $k 0 COUNT 9999",
};

// They wait when they find nothing, which takes redis-server a while: few of them.
constexpr std::string_view kWaiting[] = {
    "BLPOP $k $k 0.001",
    "BLMOVE $k $k LEFT RIGHT 0.001",
    "BLMPOP 0.001 2 $k $k LEFT [COUNT $p]",
    "BRPOPLPUSH $k $k 0.001",
    "BRPOP $k [-1|x|0.001|1e17|nan|-inf]",
    "BZPOPMIN $k $k 0.001",
    "BZMPOP 0.001 2 $k $k MAX [COUNT $p]",
};

// Chance decides what they do.
constexpr std::string_view kChance[] = {
    "SPOP $k",
    "SPOP $k $i",
    "SPOP $k $p",
    "SRANDMEMBER $k [$i]",
    "HRANDFIELD $k [$i]",
    "ZRANDMEMBER $k [$i]",
    "RANDOMKEY",
};

bool has_no_order(const Command& command) {
  static const std::set<std::string> kNames = {"SMEMBERS", "SINTER", "SUNION", "SDIFF",
                                               "HGETALL",  "SCAN",   "HSCAN",  "SSCAN",
                                               "ZSCAN",    "HKEYS",  "HVALS",  "KEYS"};
  return kNames.contains(command.at(0)) || command.at(0) == "EXEC" ||
         std::find(command.begin(), command.end(), "nosort") != command.end();
}

std::string_view choose(CommandGrammar& grammar, bool with_chance) {
  if (grammar.below(200) == 0) {
    return kWaiting[grammar.below(std::size(kWaiting))];
  }
  if (with_chance && grammar.below(8) == 0) {
    return kChance[grammar.below(std::size(kChance))];
  }
  const std::size_t index = grammar.below(std::size(kDetermined) + std::size(kUnordered));
  return index < std::size(kDetermined) ? kDetermined[index]
                                        : kUnordered[index - std::size(kDetermined)];
}

// Each number is a command; so a failing sequence shrinks to the commands that matter.
std::vector<Command> expand(const std::vector<std::uint64_t>& numbers, bool with_chance) {
  std::vector<Command> commands;
  for (const std::uint64_t number : numbers) {
    CommandGrammar grammar(number);
    commands.push_back(grammar.expand(choose(grammar, with_chance)));
  }
  return commands;
}

std::string joined(const Command& command) {
  std::string line;
  for (const std::string& word : command) {
    line += (line.empty() ? "" : " ") + quote(word);
  }
  return line;
}

std::string listed(const std::vector<Command>& commands, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "\n  " + joined(commands[i]);
  }
  return text;
}

RealRedis& reference() {
  static RealRedis redis;
  return redis;
}

auto sequences() {
  constexpr int kCommandsMax = 200;
  return rc::gen::resize(kCommandsMax, rc::gen::container<std::vector<std::uint64_t>>(
                                           rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>())));
}

// Waits in a blocking command end at once here: time is ours.
std::string run_ours(TestExecutor& ours, Session& session, const Command& command) {
  std::string sent = ours.run(session, command);
  if (session.blocked()) {
    ours.clock.advance_monotonic_ms(60'000);
    ours.executor.before_sleep();
    sent += ours.take_output(session);
  }
  return sent;
}

bool has_digest_of(TestExecutor& ours) {
  reference().run(Command{"RESET"});  // a transaction may be open
  // A key past its time is there until someone looks, which Redis does when it finds the time.
  Session& visitor = ours.connect();
  for (const char* database : {"0", "1", "2"}) {
    for (const Command& command :
         {Command{"SELECT", database}, {"EXISTS", "k0", "k1", "k2", "k3", "k4", "k5", "k6"}}) {
      reference().run(command);
      ours.run(visitor, command);
    }
  }
  return reference().run(Command{"DEBUG", "DIGEST"}) == "+" + to_hex(digest_of(ours.keyspace));
}

// In Redis SORT leaves a sorted set a skiplist for good; here a command that reads changes nothing.
std::string without_encoding_after_sort(std::string reply) {
  constexpr std::string_view kSkiplist = "\"skiplist\"";
  while (reply.find(kSkiplist) != std::string::npos) {
    reply.replace(reply.find(kSkiplist), kSkiplist.size(), "\"listpack\"");
  }
  return reply;
}

void expect_same_replies(const std::vector<Command>& commands, int protocol) {
  TestExecutor ours;
  ours.clock.set_wall_ms(SystemClock().wall_ms());
  Session& session = ours.connect();
  const Command hello = {"HELLO", std::to_string(protocol)};
  ours.run(session, hello);
  for (const Command& command : {Command{"RESET"}, hello, Command{"FLUSHALL"}}) {
    reference().run(command);
  }
  const std::vector<std::string> theirs = reference().run(commands, has_no_order);
  bool has_sorted = false;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const std::string our_reply =
        reply_text(run_ours(ours, session, commands[i]), has_no_order(commands[i]));
    has_sorted |= commands[i][0].starts_with("SORT");
    if (our_reply != theirs[i] && !(has_sorted && without_encoding_after_sort(our_reply) ==
                                                      without_encoding_after_sort(theirs[i]))) {
      RC_FAIL("after" + listed(commands, i + 1) + "\n  ours:   " + our_reply +
              "\n  theirs: " + theirs[i]);
    }
  }
  if (!has_digest_of(ours)) {
    RC_FAIL("different data after" + listed(commands, commands.size()));
  }
}

RC_GTEST_PROP(Differential, EveryReplyAndAllDataAreRedissInResp2, ()) {
  expect_same_replies(expand(*sequences(), false), 2);
}

RC_GTEST_PROP(Differential, EveryReplyAndAllDataAreRedissInResp3, ()) {
  expect_same_replies(expand(*sequences(), false), 3);
}

RC_GTEST_PROP(Differential, TheLogReplayedOnRedisMakesTheSameData, ()) {
  const std::vector<Command> commands = expand(*sequences(), true);
  TestExecutor ours;
  ours.clock.set_wall_ms(SystemClock().wall_ms());
  Session& session = ours.connect();
  for (const Command& command : commands) {
    run_ours(ours, session, command);
  }
  std::vector<Command> replayed = {{"RESET"}, {"FLUSHALL"}};
  for (const auto& [database, argv] : ours.effects.argvs) {
    replayed.push_back({"SELECT", std::to_string(database)});
    replayed.push_back(argv);
  }
  const std::vector<std::string> replies = reference().run(replayed, has_no_order);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].starts_with('-')) {
      RC_FAIL("redis refuses what we log: " + joined(replayed[i]) + ": " + replies[i] + " after" +
              listed(commands, commands.size()));
    }
  }
  if (!has_digest_of(ours)) {
    RC_FAIL("different data after" + listed(commands, commands.size()) +
            "\nlogged:" + listed(replayed, replayed.size()));
  }
}

}  // namespace
}  // namespace engine::commands
