// Which recovery of an exploration: jobs travel through worker threads and come back in any order.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <string_view>

namespace crashpoint::explore {

struct JobId {
  enum class Kind : std::uint8_t {
    kState,  // of a crash state: the number of its record in the state index
    kTrial,  // of a directory that the search for a cause tries: numbered on their own, from 0
  };
  Kind kind = Kind::kState;
  std::uint64_t number = 0;

  static JobId state(std::uint64_t record) { return {Kind::kState, record}; }
  static JobId trial(std::uint64_t number) { return {Kind::kTrial, number}; }

  friend auto operator<=>(const JobId&, const JobId&) = default;
};

}  // namespace crashpoint::explore

template <>
struct fmt::formatter<crashpoint::explore::JobId> : fmt::formatter<std::string_view> {
  template <typename Context>
  auto format(const crashpoint::explore::JobId& job, Context& context) const {
    const bool state = job.kind == crashpoint::explore::JobId::Kind::kState;
    return fmt::format_to(context.out(), "{} {}", state ? "state" : "trial", job.number);
  }
};
