// What the oracle says of one recovered state, in terms of promises.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crashpoint::oracle {

enum class Outcome : std::uint8_t {
  kPass,
  kViolation,     // the target broke a promise
  kInconclusive,  // the harness could not tell; `summary` says why
};

// An acked command whose effect is missing.
struct LostCommand {
  std::uint32_t client = 0;
  std::uint64_t index = 0;
  std::string command;               // escaped and shortened for people
  std::int64_t acked_ms = 0;         // since the workload began
  std::int64_t before_crash_ms = 0;  // how long it had been acked when the crash came
};

struct KeyDifference {
  std::uint32_t database = 0;
  std::string key;  // escaped
  std::string expected;
  std::string found;
};

struct Verdict {
  Outcome outcome = Outcome::kPass;
  std::string check;  // which check decided: "guarantee", "expect", "start", "usable", "files", ...
  std::string promise;                     // what was promised, in words
  std::string summary;                     // what was found, one sentence
  std::vector<LostCommand> lost;           // at most kShown of them
  std::uint64_t lost_count = 0;            // all of them
  std::vector<KeyDifference> differences;  // at most kShown of them
  std::uint64_t difference_count = 0;
  std::string nearest;  // the nearest explainable prefix, and the first command that breaks it
  // Of a violation that a crash state showed: the operations whose loss makes the difference, as they look
  // in any run ("rename temp-#.rdb dump.rdb"), and the profiles that permit it, strongest first.
  std::string cause;
  std::vector<std::string> profiles;
  std::string known;  // of a known finding of the target: its reason; empty: a violation is new

  static constexpr std::size_t kShown = 20;
};

}  // namespace crashpoint::oracle
