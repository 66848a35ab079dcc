// What the clients asked and what the target answered: plain data for the oracle and the report.
//
// acked       The last byte of the reply left the target: its send syscall returned. That the client
//             never read it changes nothing. Where no trace was recorded, `acked_ns` is the moment
//             the client read the reply, and `acked` is trace::kNever.
// Order       Commands of one client are ordered by `index`. Across clients, A precedes B when A was
//             acked before B was sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/target/resp_value.h"
#include "harness/trace/event.h"

namespace crashpoint::workload {

using Arguments = std::vector<std::string>;

struct Operation {
  std::uint32_t client = 0;
  std::uint64_t index = 0;  // within its client, from 0
  std::uint32_t step = 0;   // of the workload
  std::uint32_t database = 0;
  Arguments arguments;
  std::int64_t sent_ns = 0;                   // just before its first byte was handed to the kernel
  std::optional<target::RespValue> reply;     // empty: no whole reply left the target
  trace::Position acked = trace::kNever;
  std::int64_t acked_ns = 0;
  [[nodiscard]] bool is_acked() const { return reply.has_value(); }
};

struct Client {
  std::uint32_t number = 0;
  std::string connection;  // as in trace::Event::connection
};

struct History {
  std::vector<Operation> operations;  // by client, then index
  std::vector<Client> clients;
  std::int64_t began_ns = 0;  // CLOCK_MONOTONIC; the zero of times shown to people
  std::int64_t ended_ns = 0;  // the crash, or the end of the workload
};

}  // namespace crashpoint::workload
