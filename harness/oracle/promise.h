// What a Redis-compatible target promises, from its configuration and the kind of crash.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/oracle/guarantee.h"

namespace crashpoint::oracle {

enum class CrashKind : std::uint8_t {
  kProcessKill,  // every completed syscall survives
  kPowerLoss,    // only what was made durable must survive
};

struct Promise {
  Guarantee guarantee;
  std::string reason;  // "appendonly yes, appendfsync everysec, power loss: ..."
};

// `config` holds directives as redis.conf spells them, in lower case, with their values; what it lacks has Redis's
// default. `everysec_loss_seconds` is how much the target admits to lose under everysec: 1 for the
// engine (its clock is monotonic), 2 for redis-server.
[[nodiscard]] Promise derive_promise(const std::map<std::string, std::vector<std::string>>& config,
                                     CrashKind crash, double everysec_loss_seconds);

}  // namespace crashpoint::oracle
