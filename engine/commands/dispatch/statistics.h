// What INFO reports about the commands executed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/commands/services/latency_histogram.h"

namespace engine::commands {

struct CommandStatistics {
  std::uint64_t calls = 0;
  std::uint64_t usec = 0;
  std::uint64_t rejected_calls = 0;  // refused before they ran
  std::uint64_t failed_calls = 0;    // ran and answered with an error
};

struct Statistics {
  std::uint64_t commands_processed = 0;
  std::uint64_t expired_keys = 0;
  std::uint64_t evicted_keys = 0;
  // How long more than maxmemory was used and could not be freed at once; since when (monotonic).
  std::int64_t over_maxmemory_us = 0;
  std::optional<std::int64_t> over_maxmemory_since_us;
  std::uint64_t keyspace_hits = 0;
  std::uint64_t keyspace_misses = 0;
  std::uint64_t error_replies = 0;
  std::map<std::string, std::uint64_t> errors_by_code;  // "WRONGTYPE" -> count
  // "config|get" -> its figures; only commands that were called or refused.
  std::map<std::string, CommandStatistics> by_command() const;
  std::map<std::string, const LatencyHistogram*> latencies_by_command() const;

  // By position in the command table.
  static constexpr std::size_t kCommandsMax = 512;
  CommandStatistics commands[kCommandsMax] = {};
  std::unique_ptr<LatencyHistogram> latencies[kCommandsMax];  // null: not called (latency-tracking)
};

}  // namespace engine::commands
