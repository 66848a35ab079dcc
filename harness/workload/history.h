// What the clients asked and what the target answered: plain data for the oracle and the report.
//
// acked       The last byte of the reply left the target: its send syscall returned. That the client
//             never read it changes nothing. Where no trace was recorded, `acked_ns` is the moment
//             the client read the reply, and `acked` is trace::kNever.
// Order       Commands of one client are ordered by `index`. Across clients, A precedes B when A was
//             answered before B was sent.
// Time        *_ns is CLOCK_MONOTONIC; *_unix_ms is CLOCK_REALTIME (deadlines of keys live there).
#pragma once

#include <algorithm>
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
  std::uint64_t index = 0;     // within its client, from 0
  std::uint32_t step = 0;      // of the workload
  std::uint32_t database = 0;  // selected when it was sent
  Arguments arguments = {};
  std::int64_t sent_ns = 0;  // no later than its first byte was handed to the kernel
  std::optional<target::RespValue> reply = {};  // empty: no whole reply left the target
  trace::Position acked = trace::kNever;
  std::int64_t acked_ns = 0;
  std::int64_t read_ns = 0;  // when the client had read the whole reply; 0: never

  [[nodiscard]] bool is_acked() const { return reply.has_value(); }
  // Answered with an error: it has no effect, and nothing of it is promised.
  [[nodiscard]] bool is_refused() const { return reply.has_value() && reply->is_error(); }
  // The first moment at which the reply was surely out: a client may read it before the tracer has
  // stamped the send's return. 0 while there is no reply.
  [[nodiscard]] std::int64_t answered_ns() const {
    return read_ns != 0 && acked_ns != 0 ? std::min(read_ns, acked_ns)
                                         : std::max(read_ns, acked_ns);
  }
};

struct Client {
  std::uint32_t number = 0;
  std::string connection;  // as in trace::Event::connection
};

// A snapshot the server took or may have taken: its content is the data at one moment within
// [from_ns, to_ns].
struct Snapshot {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;
  std::int64_t completed_ns = 0;  // when a client knew it complete (reply, INFO); 0: none ever did
  std::string what;               // "SAVE", "BGSAVE", "save rule"
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

struct History {
  std::vector<Operation> operations;  // by client, then index
  std::vector<Client> clients;
  std::vector<Snapshot> snapshots;  // by from_ns
  std::int64_t began_ns = 0;        // the zero of times shown to people
  std::int64_t began_unix_ms = 0;   // the same moment on the wall clock
  std::int64_t ended_ns = 0;        // the crash, or the end of the workload
};

}  // namespace crashpoint::workload
