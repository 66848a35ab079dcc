// The commands that took long (SLOWLOG).
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/services/session.h"

namespace engine::commands {

class SlowLog {
 public:
  struct Entry {
    std::uint64_t id = 0;
    std::int64_t time_s = 0;  // since the epoch
    std::int64_t duration_us = 0;
    std::vector<std::string> argv;  // long ones truncated
    std::string address;
    std::string client_name;
  };

  void add(const Session& session, std::span<const std::string_view> argv, std::int64_t time_s,
           std::int64_t duration_us, std::size_t entries_max);
  const std::deque<Entry>& entries() const { return entries_; }  // newest first
  void clear() { entries_.clear(); }

 private:
  std::deque<Entry> entries_;
  std::uint64_t next_id_ = 0;
};

}  // namespace engine::commands
