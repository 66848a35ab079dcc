// Which of the operations that are not durable are taken to be on disk: one crash state (M8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/crash/index.h"

namespace crashpoint::crash {

enum class Choice : std::uint8_t {
  kAbsent,
  kPresent,
  kGarbage,  // M29: of an append's bytes: the file has grown, and random bytes are there instead
  kStale,    // the same, with bytes that stood earlier in this file
};

// M28: of one write only the bytes [from, to), counted from its start, reached the disk.
struct Tear {
  enum class Rest : std::uint8_t {
    kCut,  // an append ends with what survived; what it would have overwritten keeps its old bytes
    kZeros,    // the file has its new size, and zeros for the bytes that are lost
    kGarbage,  // the same with random bytes
    kStale,    // the same with bytes that stood earlier in this file
    kBlock,    // the same with zeros, and to the end of the last block
  };
  CallIndex call = {};
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  Rest rest = Rest::kCut;

  friend bool operator==(const Tear&, const Tear&) = default;
};

// For each of CrashModel::nodes() at one crash point.
struct Selection {
  std::vector<Choice> choices;
  std::optional<Tear> tear;

  [[nodiscard]] Choice& operator[](NodeIndex node) { return choices[node.value()]; }
  [[nodiscard]] Choice operator[](NodeIndex node) const { return choices[node.value()]; }
  [[nodiscard]] bool has(NodeIndex node) const { return (*this)[node] != Choice::kAbsent; }
};

}  // namespace crashpoint::crash
