#include "engine/commands/services/slowlog.h"

#include <algorithm>

namespace engine::commands {
namespace {

constexpr std::size_t kArgumentsMax = 32;
constexpr std::size_t kArgumentBytesMax = 128;

}  // namespace

void SlowLog::add(const Session& session, std::span<const std::string_view> argv,
                  std::int64_t time_s, std::int64_t duration_us, std::size_t entries_max) {
  Entry& entry = entries_.emplace_front();
  entry.id = next_id_++;
  entry.time_s = time_s;
  entry.duration_us = duration_us;
  entry.address = session.address;
  entry.client_name = session.name;
  const std::size_t shown = std::min(argv.size(), kArgumentsMax);
  for (std::size_t i = 0; i < shown; ++i) {
    if (shown != argv.size() && i == shown - 1) {
      entry.argv.push_back("... (" + std::to_string(argv.size() - shown + 1) + " more arguments)");
    } else if (argv[i].size() > kArgumentBytesMax) {
      entry.argv.push_back(std::string(argv[i].substr(0, kArgumentBytesMax)) + "... (" +
                           std::to_string(argv[i].size() - kArgumentBytesMax) + " more bytes)");
    } else {
      entry.argv.emplace_back(argv[i]);
    }
  }
  while (entries_.size() > entries_max) {
    entries_.pop_back();
  }
}

}  // namespace engine::commands
