#include "harness/report/history_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/base/text.h"

namespace crashpoint::report {
namespace {

using Json = nlohmann::ordered_json;
using target::RespValue;
using workload::History;
using workload::Operation;
using workload::Snapshot;

std::string bytes_of(const Json& text) {
  return unescape(text.get_ref<const std::string&>());
}

template <typename Strings>
Json escaped(const Strings& strings) {
  Json out = Json::array();
  for (const std::string& string : strings) {
    out.push_back(escape(string));
  }
  return out;
}

template <typename Strings>
Strings unescaped(const Json& array) {
  Strings out;
  for (const Json& text : array) {
    out.insert(out.end(), bytes_of(text));
  }
  return out;
}

// --- replies ---

Json from_reply(const RespValue& value) {
  switch (value.kind) {
    case RespValue::Kind::kSimple:
      return {{"simple", escape(value.text)}};
    case RespValue::Kind::kError:
      return {{"error", escape(value.text)}};
    case RespValue::Kind::kInteger:
      return {{"integer", value.integer}};
    case RespValue::Kind::kBulk:
      return {{"bulk", escape(value.text)}};
    case RespValue::Kind::kNull:
      return {{"null", "bulk"}};
    case RespValue::Kind::kNullArray:
      return {{"null", "array"}};
    case RespValue::Kind::kArray:
      break;
  }
  Json items = Json::array();
  for (const RespValue& item : value.items) {
    items.push_back(from_reply(item));
  }
  return {{"array", std::move(items)}};
}

RespValue to_reply(const Json& object) {
  const auto& [kind, content] = *object.get_ref<const Json::object_t&>().begin();
  RespValue value;
  if (kind == "integer") {
    value.kind = RespValue::Kind::kInteger;
    value.integer = content.get<std::int64_t>();
  } else if (kind == "null") {
    value.kind = content == "array" ? RespValue::Kind::kNullArray : RespValue::Kind::kNull;
  } else if (kind == "array") {
    value.kind = RespValue::Kind::kArray;
    for (const Json& item : content) {
      value.items.push_back(to_reply(item));
    }
  } else {
    value.kind = kind == "simple"  ? RespValue::Kind::kSimple
                 : kind == "error" ? RespValue::Kind::kError
                                   : RespValue::Kind::kBulk;
    value.text = bytes_of(content);
  }
  return value;
}

// --- operations and snapshots ---

Json from_operation(const Operation& operation) {
  Json object = {{"client", operation.client},
                 {"index", operation.index},
                 {"step", operation.step},
                 {"database", operation.database},
                 {"arguments", escaped(operation.arguments)},
                 {"sent_ns", operation.sent_ns}};
  if (operation.reply) {
    object["reply"] = from_reply(*operation.reply);
  }
  if (operation.acked != trace::kNever) {
    object["acked"] = operation.acked;
  }
  object["acked_ns"] = operation.acked_ns;
  object["read_ns"] = operation.read_ns;
  return object;
}

Operation to_operation(const Json& object) {
  Operation operation;
  object.at("client").get_to(operation.client);
  object.at("index").get_to(operation.index);
  object.at("step").get_to(operation.step);
  object.at("database").get_to(operation.database);
  operation.arguments = unescaped<workload::Arguments>(object.at("arguments"));
  object.at("sent_ns").get_to(operation.sent_ns);
  if (object.contains("reply")) {
    operation.reply = to_reply(object["reply"]);
  }
  operation.acked = object.value("acked", trace::kNever);
  object.at("acked_ns").get_to(operation.acked_ns);
  object.at("read_ns").get_to(operation.read_ns);
  return operation;
}

Json from_snapshot(const Snapshot& snapshot) {
  return {{"what", escape(snapshot.what)},
          {"from_ns", snapshot.from_ns},
          {"to_ns", snapshot.to_ns},
          {"completed_ns", snapshot.completed_ns}};
}

Snapshot to_snapshot(const Json& object) {
  Snapshot snapshot;
  snapshot.what = bytes_of(object.at("what"));
  object.at("from_ns").get_to(snapshot.from_ns);
  object.at("to_ns").get_to(snapshot.to_ns);
  object.at("completed_ns").get_to(snapshot.completed_ns);
  return snapshot;
}

// --- values ---

// The shortest text that reads back as the same number; JSON has no infinities.
std::string from_score(double score) {
  return fmt::format("{}", score);
}

double to_score(const std::string& text) {
  double score = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::runtime_error(fmt::format("'{}' is not a score", printable(text)));
  }
  return score;
}

struct FromValue {
  Json operator()(const std::string& string) const { return escape(string); }
  Json operator()(const target::List& list) const { return escaped(list); }
  Json operator()(const target::Set& set) const { return escaped(set); }
  Json operator()(const target::Hash& hash) const {
    Json pairs = Json::array();
    for (const auto& [field, value] : hash) {
      pairs.push_back({escape(field), escape(value)});
    }
    return pairs;
  }
  Json operator()(const target::SortedSet& zset) const {
    Json pairs = Json::array();
    for (const auto& [member, score] : zset) {
      pairs.push_back({escape(member), from_score(score)});
    }
    return pairs;
  }
  Json operator()(const target::Opaque& opaque) const { return escape(opaque.dump); }
};

target::Value to_value(const std::string& type, const Json& content) {
  if (type == "string") {
    return bytes_of(content);
  }
  if (type == "list") {
    return unescaped<target::List>(content);
  }
  if (type == "set") {
    return unescaped<target::Set>(content);
  }
  if (type == "hash") {
    target::Hash hash;
    for (const Json& pair : content) {
      hash.emplace(bytes_of(pair.at(0)), bytes_of(pair.at(1)));
    }
    return hash;
  }
  if (type == "zset") {
    target::SortedSet zset;
    for (const Json& pair : content) {
      zset.emplace(bytes_of(pair.at(0)), to_score(pair.at(1).get<std::string>()));
    }
    return zset;
  }
  return target::Opaque{type, bytes_of(content)};
}

}  // namespace

std::string encode_history(const History& history) {
  Json head = {{"began_ns", history.began_ns},
               {"began_unix_ms", history.began_unix_ms},
               {"ended_ns", history.ended_ns},
               {"clients", Json::array()},
               {"snapshots", Json::array()}};
  for (const workload::Client& client : history.clients) {
    head["clients"].push_back(
        {{"number", client.number}, {"connection", escape(client.connection)}});
  }
  for (const Snapshot& snapshot : history.snapshots) {
    head["snapshots"].push_back(from_snapshot(snapshot));
  }
  std::string lines = head.dump() + "\n";
  for (const Operation& operation : history.operations) {
    lines += from_operation(operation).dump() + "\n";
  }
  return lines;
}

History decode_history(std::string_view text) {
  History history;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ++number;
    try {
      const Json line = Json::parse(text.substr(0, end));
      if (number > 1) {
        history.operations.push_back(to_operation(line));
      } else {
        line.at("began_ns").get_to(history.began_ns);
        line.at("began_unix_ms").get_to(history.began_unix_ms);
        line.at("ended_ns").get_to(history.ended_ns);
        for (const Json& client : line.at("clients")) {
          history.clients.push_back(
              {client.at("number").get<std::uint32_t>(), bytes_of(client.at("connection"))});
        }
        for (const Json& snapshot : line.at("snapshots")) {
          history.snapshots.push_back(to_snapshot(snapshot));
        }
      }
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (number == 0) {
    throw std::runtime_error("the file is empty");
  }
  return history;
}

std::string encode_state(const target::State& state) {
  Json keys = Json::array();
  for (const auto& [key, entry] : state.entries) {
    Json object = {{"database", key.database},
                   {"key", escape(key.name)},
                   {"type", target::type_name(entry.value)},
                   {"value", std::visit(FromValue{}, entry.value)}};
    if (entry.expire_at_ms) {
      object["expire_at_ms"] = *entry.expire_at_ms;
    }
    keys.push_back(std::move(object));
  }
  return Json{{"observed_from_ms", state.observed_from_ms},
              {"observed_to_ms", state.observed_to_ms},
              {"keys", std::move(keys)}}
             .dump(1) +
         "\n";
}

target::State decode_state(std::string_view text) {
  const Json object = Json::parse(text);
  target::State state;
  object.at("observed_from_ms").get_to(state.observed_from_ms);
  object.at("observed_to_ms").get_to(state.observed_to_ms);
  for (const Json& key : object.at("keys")) {
    target::Entry entry;
    entry.value = to_value(key.at("type").get<std::string>(), key.at("value"));
    if (key.contains("expire_at_ms")) {
      entry.expire_at_ms = key["expire_at_ms"].get<std::int64_t>();
    }
    state.entries.emplace(
        target::Key{key.at("database").get<std::uint32_t>(), bytes_of(key.at("key"))},
        std::move(entry));
  }
  return state;
}

}  // namespace crashpoint::report
