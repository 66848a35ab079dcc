// Histories written down by hand, one millisecond from each event to the next.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/oracle/resp/model.h"
#include "harness/target/resp_value.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

inline constexpr std::int64_t kMs = 1'000'000;

inline target::RespValue ok_reply() {
  return {.kind = target::RespValue::Kind::kSimple, .text = "OK"};
}
inline target::RespValue queued_reply() {
  return {.kind = target::RespValue::Kind::kSimple, .text = "QUEUED"};
}
inline target::RespValue integer_reply(std::int64_t value) {
  return {.kind = target::RespValue::Kind::kInteger, .integer = value};
}
inline target::RespValue bulk_reply(std::string text) {
  return {.kind = target::RespValue::Kind::kBulk, .text = std::move(text)};
}
inline target::RespValue error_reply(std::string text) {
  return {.kind = target::RespValue::Kind::kError, .text = std::move(text)};
}
inline target::RespValue array_reply(std::vector<target::RespValue> items) {
  return {.kind = target::RespValue::Kind::kArray, .items = std::move(items)};
}

class HistoryForTest {
 public:
  using Id = std::pair<std::uint32_t, std::uint64_t>;  // client, index

  // Sent now, not answered yet.
  Id send(std::uint32_t client, workload::Arguments arguments, std::uint32_t database = 0) {
    std::vector<workload::Operation>& own = by_client_[client];
    workload::Operation& operation = own.emplace_back();
    operation.client = client;
    operation.index = own.size() - 1;
    operation.database = database;
    operation.arguments = std::move(arguments);
    operation.sent_ns = tick();
    return {client, operation.index};
  }
  // Its reply has left the target.
  void answer(Id id, target::RespValue reply) {
    workload::Operation& operation = by_client_[id.first][id.second];
    operation.reply = std::move(reply);
    operation.acked_ns = operation.read_ns = tick();
    operation.acked = static_cast<trace::Position>(operation.acked_ns / kMs);
  }
  // Sent and answered before anything else happens.
  void run(std::uint32_t client, workload::Arguments arguments, target::RespValue reply,
           std::uint32_t database = 0) {
    answer(send(client, std::move(arguments), database), std::move(reply));
  }
  void set(std::uint32_t client, const std::string& key, const std::string& value) {
    run(client, {"SET", key, value}, ok_reply());
  }
  void pass_ms(std::int64_t ms) { now_ns_ += ms * kMs; }
  [[nodiscard]] std::int64_t now_ns() const { return now_ns_; }
  [[nodiscard]] std::int64_t now_unix_ms() const { return kBeganUnixMs + now_ns_ / kMs; }
  void add_snapshot(workload::Snapshot snapshot) { snapshots_.push_back(std::move(snapshot)); }

  // The crash comes now.
  [[nodiscard]] workload::History history() const {
    workload::History history;
    for (const auto& [client, operations] : by_client_) {
      history.clients.push_back({.number = client, .connection = "@" + std::to_string(client)});
      history.operations.insert(history.operations.end(), operations.begin(), operations.end());
    }
    history.snapshots = snapshots_;
    history.began_unix_ms = kBeganUnixMs;
    history.ended_ns = now_ns_;
    return history;
  }

  static constexpr std::int64_t kBeganUnixMs = 1'700'000'000'000;

 private:
  std::int64_t tick() { return now_ns_ += kMs; }

  std::map<std::uint32_t, std::vector<workload::Operation>> by_client_;
  std::vector<workload::Snapshot> snapshots_;
  std::int64_t now_ns_ = 0;
};

inline target::State state_of(const std::map<std::string, target::Value>& values) {
  target::State state;
  for (const auto& [name, value] : values) {
    state.entries[{0, name}] = {.value = value, .expire_at_ms = {}};
  }
  return state;
}

}  // namespace crashpoint::oracle
