// What a target promises about the data after a crash, and what a scenario expects beyond that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/target/state.h"

namespace crashpoint::oracle {

// All but kNone also say: transactions and multi-key commands whole or not at all, the order of
// each client and the real-time order across clients kept, and nothing there that nobody wrote.
struct Guarantee {
  // From the strictest on.
  enum class Kind : std::uint8_t {
    kDurable,   // every acked command survives
    kBuffered,  // a prefix of the history survives, with every command acked more than `seconds`
                // before the crash
    kPrefix,    // a prefix of the history survives, however short
    kSnapshot,  // the data is that of one snapshot, no older than the last one the server reported
                // complete
    kNone,      // nothing is promised
  };
  Kind kind = Kind::kDurable;
  double seconds = 0;  // kBuffered
  // kSnapshot: the server may take snapshots unasked (save rules) that history.snapshots does not
  // list.
  bool unlisted_snapshots = false;

  friend bool operator==(const Guarantee&, const Guarantee&) = default;
};

// In words, for reports: "every acknowledged write survives".
[[nodiscard]] std::string describe(const Guarantee& guarantee);

struct ExpectedTtl {
  std::optional<std::int64_t> min_ms = {};  // neither: the key has a deadline
  std::optional<std::int64_t> max_ms = {};
  bool none = false;  // the key has no deadline
};

// Explicit state, as the scenario lists it. Only what is named is checked.
struct Expectations {
  std::map<target::Key, target::Value> values = {};
  std::map<target::Key, std::string> types = {};  // type_name() only
  std::vector<target::Key> absent = {};
  std::map<target::Key, ExpectedTtl> ttls = {};        // what is left when the state was read
  std::map<std::uint32_t, std::uint64_t> dbsize = {};  // database -> keys

  [[nodiscard]] bool empty() const {
    return values.empty() && types.empty() && absent.empty() && ttls.empty() && dbsize.empty();
  }
};

}  // namespace crashpoint::oracle
