// Which of the operations that are not durable are taken to be on disk: what makes one crash state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace crashpoint::crash {

enum class Choice : std::uint8_t {
  kAbsent,
  kPresent,
  kGarbage,  // of an append's bytes: the file has grown, and random bytes are there instead
  kStale,    // the same, with bytes that stood earlier in this file
};

// Of one write only the bytes [from, to), counted from its start, came.
struct Tear {
  enum class Rest : std::uint8_t {
    kCut,      // an append ends with what came; what it would have overwritten keeps its old bytes
    kZeros,    // the file has its new size, and zeros for the bytes that did not come
    kGarbage,  // the same with random bytes
    kStale,    // the same with bytes that stood earlier in this file
    kBlock,    // the same with zeros, and to the end of the last block
  };
  std::uint32_t call = 0;  // in Timeline::calls()
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  Rest rest = Rest::kCut;

  friend bool operator==(const Tear&, const Tear&) = default;
};

// For each of CrashModel::nodes() at one crash point.
struct Selection {
  std::vector<Choice> choices;
  std::optional<Tear> tear;

  [[nodiscard]] bool has(std::size_t node) const { return choices[node] != Choice::kAbsent; }
};

}  // namespace crashpoint::crash
