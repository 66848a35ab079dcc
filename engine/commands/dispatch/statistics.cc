#include "engine/commands/dispatch/statistics.h"

#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/command_table.h"

namespace engine::commands {

std::map<std::string, CommandStatistics> Statistics::by_command() const {
  std::map<std::string, CommandStatistics> result;
  const auto table = command_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const CommandStatistics& counted = commands[i];
    if (counted.calls + counted.rejected_calls + counted.failed_calls > 0) {
      result.emplace(full_name(table[i]), counted);
    }
  }
  return result;
}

std::map<std::string, const LatencyHistogram*> Statistics::latencies_by_command() const {
  std::map<std::string, const LatencyHistogram*> result;
  const auto table = command_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (latencies[i]) {
      result.emplace(full_name(table[i]), latencies[i].get());
    }
  }
  return result;
}

}  // namespace engine::commands
