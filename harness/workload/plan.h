// What a workload does, as plain data: scenarios are parsed into it, the runner carries it out.
//
// Steps run one after the other. A step is over when every command it sent has been answered (and,
// where it says so, when the background job it started has ended); only then does the next begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "harness/workload/history.h"

namespace crashpoint::workload {

// Literal commands, sent in this order by one client.
struct Commands {
  std::vector<Arguments> commands = {};
  std::uint32_t client = 0;  // which client sends them
  std::uint32_t pipeline =
      1;  // so many are sent at once, then all their replies awaited; at least 1
};

// Seeded random commands. Each client writes keys of its own; every value is unique, so that a lost
// write can be told from all others.
struct Generate {
  std::uint64_t count = 1000;  // commands in all; a transaction counts as one
  std::uint32_t clients = 1;   // 1..kMaxClients; numbered from 0
  std::uint32_t pipeline = 1;  // commands a client sends at once before it awaits their replies
  std::uint32_t keys = 100;    // in all; every client has at least one per kind it writes
  std::uint32_t value_bytes_min = 8;
  std::uint32_t value_bytes_max = 64;
  std::uint32_t database = 0;  // selected first
  // RPUSH and INCR of the mix write so many lists and counters that all clients share; 0: none.
  std::uint32_t shared_keys = 0;
  // Command name -> weight, names as in mix_names() (generator.h). Empty: default_mix().
  std::map<std::string, std::uint32_t> mix = {};

  static constexpr std::uint32_t kMaxClients = 1000;
};

// A command to the server rather than to its data: BGSAVE, BGREWRITEAOF, CONFIG SET, DEBUG,
// FLUSHALL, SHUTDOWN. Sent on a connection of its own.
struct Admin {
  enum class Wait : std::uint8_t {
    kNone,  // for its reply alone
    kDone,  // until the background job it started has ended; if it started none, until none is at
            // work; for SHUTDOWN, until the server has closed
  };
  static constexpr std::uint32_t kClient = 1000;
  Arguments command = {};
  Wait wait = Wait::kNone;
  std::uint64_t repeat = 1;  // one after the other
};

// Nothing is sent for so long: the idle tail of everysec, the window of a save rule.
struct Pause {
  std::int64_t ms = 0;
};

// Why a workload cannot send `command`: every command must have exactly one reply, in RESP2. Empty
// when it can.
[[nodiscard]] std::string problem(const Arguments& command);

struct Step {
  std::variant<Commands, Generate, Admin, Pause> action;
};

struct Plan {
  std::vector<Step> steps = {};
  std::uint64_t seed = 1;
  // Give up when no reply has come for so long while one was due, or a background job takes longer.
  std::int64_t stall_ms = 30'000;
  // After the last step a write is sent until it is accepted, and what it wrote is deleted; so long at most.
  // 0: not asked.
  std::int64_t resumes_within_ms = 0;
  static constexpr std::uint32_t kProbeClient = 1001;
};

}  // namespace crashpoint::workload
