#include "harness/target/state_dump.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::target {
namespace {

using Kind = RespValue::Kind;
using Command = std::vector<std::string>;

constexpr const char* kScanCount = "1000";

[[noreturn]] void fail(const std::string& command, const RespValue& reply) {
  throw EnvironmentError(fmt::format("reading the state: {} was answered with '{}'", command,
                                     shorten(encode_reply(reply))));
}

// The databases that hold keys, from INFO keyspace: lines "db3:keys=2,...".
std::vector<std::uint32_t> used_databases(Client& client) {
  const RespValue reply = client.call({"INFO", "keyspace"});
  if (reply.kind != Kind::kBulk) {
    fail("INFO keyspace", reply);
  }
  std::vector<std::uint32_t> databases;
  const std::string_view text = reply.text;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    std::uint32_t number = 0;
    if (line.starts_with("db") &&
        std::from_chars(line.data() + 2, line.data() + line.size(), number).ec == std::errc{}) {
      databases.push_back(number);
    }
    at = end + 1;
  }
  return databases;
}

// How to read a whole value of a type; empty for types that are taken as DUMP gives them.
Command read_command(const std::string& type, const std::string& key) {
  if (type == "string") {
    return {"GET", key};
  }
  if (type == "list") {
    return {"LRANGE", key, "0", "-1"};
  }
  if (type == "set") {
    return {"SMEMBERS", key};
  }
  if (type == "hash") {
    return {"HGETALL", key};
  }
  if (type == "zset") {
    return {"ZRANGE", key, "0", "-1", "WITHSCORES"};
  }
  return {"DUMP", key};
}

double parse_score(const std::string& text) {
  double score = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw EnvironmentError("reading the state: '" + shorten(text) + "' is no score");
  }
  return score;
}

}  // namespace

// Empty when the key is gone: it expired since its type was asked.
std::optional<Value> to_value(const std::string& type, RespValue reply) {
  if (type == "string" || reply.kind == Kind::kNull) {
    if (reply.kind == Kind::kNull) {
      return std::nullopt;
    }
    if (reply.kind != Kind::kBulk) {
      fail("GET", reply);
    }
    return std::move(reply.text);
  }
  const bool is_array = type == "list" || type == "set" || type == "hash" || type == "zset";
  if (!is_array) {
    if (reply.kind != Kind::kBulk) {
      fail("DUMP", reply);
    }
    return Opaque{.type = type, .dump = std::move(reply.text)};
  }
  const bool has_pairs = type == "hash" || type == "zset";
  if (reply.kind != Kind::kArray || (has_pairs && reply.items.size() % 2 != 0)) {
    fail(type, reply);
  }
  std::vector<RespValue>& items = reply.items;
  for (const RespValue& item : items) {
    if (item.kind != Kind::kBulk) {
      fail(type, reply);
    }
  }
  // No collection is ever empty.
  if (items.empty()) {
    return std::nullopt;
  }
  if (type == "list") {
    List list;
    for (RespValue& item : items) {
      list.push_back(std::move(item.text));
    }
    return list;
  }
  if (type == "set") {
    Set set;
    for (RespValue& item : items) {
      set.insert(std::move(item.text));
    }
    return set;
  }
  if (type == "hash") {
    Hash hash;
    for (std::size_t at = 0; at < items.size(); at += 2) {
      hash.insert_or_assign(std::move(items[at].text), std::move(items[at + 1].text));
    }
    return hash;
  }
  SortedSet sorted;
  for (std::size_t at = 0; at < items.size(); at += 2) {
    sorted.insert_or_assign(std::move(items[at].text), parse_score(items[at + 1].text));
  }
  return sorted;
}

namespace {

class Reader {
 public:
  Reader(Client& client, State& state) : client_(client), state_(state) {}

  void read_database(std::uint32_t database) {
    const RespValue selected = client_.call({"SELECT", std::to_string(database)});
    if (selected.is_error()) {
      fail("SELECT", selected);
    }
    std::string cursor = "0";
    do {
      RespValue page = client_.call({"SCAN", cursor, "COUNT", kScanCount});
      if (page.kind != Kind::kArray || page.items.size() != 2) {
        fail("SCAN", page);
      }
      std::vector<std::string> keys;
      for (RespValue& item : page.items[1].items) {
        // SCAN may name a key twice.
        if (!state_.entries.contains({database, item.text})) {
          keys.push_back(std::move(item.text));
        }
      }
      read_keys(database, keys);
      cursor = std::move(page.items[0].text);
    } while (cursor != "0");
  }
  [[nodiscard]] bool deadlines_are_exact() const { return knows_expiretime_; }

 private:
  void read_keys(std::uint32_t database, const std::vector<std::string>& keys) {
    std::vector<Command> questions;
    for (const std::string& key : keys) {
      questions.push_back({"TYPE", key});
      questions.push_back({knows_expiretime_ ? "PEXPIRETIME" : "PTTL", key});
    }
    const std::int64_t asked_ms = unix_now_ms();
    std::vector<RespValue> answers = client_.pipeline(questions);
    if (knows_expiretime_ && !answers.empty() && answers[1].is_error()) {
      knows_expiretime_ = false;  // before Redis 7.0
      return read_keys(database, keys);
    }
    std::vector<Command> reads;
    for (std::size_t at = 0; at < keys.size(); ++at) {
      reads.push_back(read_command(answers[2 * at].text, keys[at]));
    }
    std::vector<RespValue> values = client_.pipeline(reads);
    for (std::size_t at = 0; at < keys.size(); ++at) {
      const std::string& type = answers[2 * at].text;
      const RespValue& time = answers[2 * at + 1];
      if (type == "none") {
        continue;  // expired since SCAN
      }
      if (time.kind != Kind::kInteger) {
        fail("PEXPIRETIME", time);
      }
      if (time.integer == -2) {
        continue;
      }
      std::optional<Value> value = to_value(type, std::move(values[at]));
      if (!value) {
        continue;
      }
      Entry& entry = state_.entries[{database, keys[at]}];
      entry.value = std::move(*value);
      if (time.integer >= 0) {
        entry.expire_at_ms = knows_expiretime_ ? time.integer : asked_ms + time.integer;
      }
    }
  }

  Client& client_;
  State& state_;
  bool knows_expiretime_ = true;
};

}  // namespace

std::vector<std::string> unanswered_questions(const Endpoint& endpoint) {
  Client client(endpoint);
  std::vector<std::string> unanswered;
  const auto ask = [&](const Command& command, auto&& is_answer) {
    const RespValue reply = client.call(command);
    if (!is_answer(reply)) {
      unanswered.push_back(fmt::format("{} (answered {})", fmt::join(command, " "),
                                       shorten(escape(encode_reply(reply)))));
    }
  };
  const auto no_error = [](const RespValue& reply) { return !reply.is_error(); };
  const auto bulk = [](const RespValue& reply) { return reply.kind == Kind::kBulk; };
  const auto integer = [](const RespValue& reply) { return reply.kind == Kind::kInteger; };
  const auto page = [](const RespValue& reply) {
    return reply.kind == Kind::kArray && reply.items.size() == 2;
  };
  const std::string key = "crashpoint:no-such-key";
  ask({"INFO", "keyspace"}, bulk);
  ask({"SELECT", "0"}, no_error);
  ask({"SCAN", "0", "COUNT", kScanCount}, page);
  ask({"TYPE", key}, no_error);
  if (client.call({"PEXPIRETIME", key}).is_error()) {
    ask({"PTTL", key}, integer);
  }
  ask({"GET", key}, no_error);
  return unanswered;
}

State dump_state(const Endpoint& endpoint, std::int64_t timeout_ms) {
  Client client(endpoint, timeout_ms);
  State state;
  state.observed_from_ms = unix_now_ms();
  Reader reader(client, state);
  for (const std::uint32_t database : used_databases(client)) {
    reader.read_database(database);
  }
  state.observed_to_ms = unix_now_ms();
  if (!reader.deadlines_are_exact()) {
    state.deadline_error_ms = state.observed_to_ms - state.observed_from_ms + 1;
  }
  return state;
}

}  // namespace crashpoint::target
