// Seeded commands for one Generate step. What a client sends depends on the seed, the step and the
// client alone, never on timing or replies, so that a run can be repeated.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/workload/plan.h"

namespace crashpoint::workload {

// What may stand in Generate::mix, sorted: command names, and "MULTI" for a transaction of several.
[[nodiscard]] const std::vector<std::string_view>& mix_names();

// SET 6, INCR 2, RPUSH 1, HSET 1, SADD 1, ZADD 1, DEL 1, MULTI 1.
[[nodiscard]] const std::map<std::string, std::uint32_t>& default_mix();

// What is wrong with `generate`, in words, one entry each; empty when it can be run.
[[nodiscard]] std::vector<std::string> problems(const Generate& generate);

class Generator {
 public:
  // Precondition: problems(generate) is empty.
  Generator(const Generate& generate, std::uint64_t seed, std::uint32_t step);
  ~Generator();
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;

  // The next command of `client`, or MULTI .. EXEC whole; empty when that client is done.
  [[nodiscard]] std::vector<Arguments> next(std::uint32_t client);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crashpoint::workload
