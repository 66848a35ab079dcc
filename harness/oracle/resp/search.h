// Finds a cut of a history whose state is the recovered one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/oracle/resp/prepared.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

// A recovered state as digests by KeyId. Borrows both.
class Recovered {
 public:
  Recovered(const Prepared& prepared, const target::State& state);

  [[nodiscard]] const target::State& state() const { return state_; }
  [[nodiscard]] Digest digest_of(KeyId key) const { return digests_[key]; }
  [[nodiscard]] const target::Entry* entry_of(KeyId key) const { return entries_[key]; }
  // Keys that neither the base nor any command names.
  [[nodiscard]] const std::vector<const target::Key*>& strangers() const { return strangers_; }

  // What a special version counts for, held against this state: its digest when it explains what is
  // there, 0 when it may have expired and is gone, anything else when it explains nothing.
  [[nodiscard]] Digest contribution(const Special& special) const;

 private:
  const target::State& state_;
  std::vector<Digest> digests_;
  std::vector<const target::Entry*> entries_;
  std::vector<const target::Key*> strangers_;
};

// Which commands must be in a cut, and which may be. Both hold for a prefix of each client's
// commands: once one is not, none after it is.
struct Bounds {
  std::function<bool(const workload::Operation&)> required;
  std::function<bool(const workload::Operation&)> possible;
};

struct Cut {
  std::size_t epoch = 0;
  std::vector<std::uint32_t> cuts;  // by lane
};

struct Found {
  std::optional<Cut> cut;   // the one with the fewest commands
  std::string undecidable;  // why there may be one all the same, when none was found
};

[[nodiscard]] Found find_cut(const Prepared& prepared, const Recovered& recovered,
                             const Bounds& bounds);

// The first command of `cut` that breaks the order across clients, with the one before it that is
// missing; empty when `cut` is closed under that order.
struct OrderBreak {
  const workload::Operation* there = nullptr;
  const workload::Operation* missing = nullptr;
};
[[nodiscard]] std::optional<OrderBreak> find_order_break(const Prepared& prepared, const Cut& cut);

// How many commands of a lane are for which `holds`, which is true for a prefix of them.
[[nodiscard]] std::uint32_t count_prefix(
    const Prepared& prepared, const Lane& lane,
    const std::function<bool(const workload::Operation&)>& holds);

}  // namespace crashpoint::oracle
