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

// How much a target admits to lose under appendfsync everysec, in seconds.
struct EverysecLoss {
  double process_kill = 0;
  double power_loss = 0;
};
// The engine writes before it replies, and syncs by a monotonic clock.
inline constexpr EverysecLoss kEngineEverysecLoss = {.process_kill = 0, .power_loss = 1};
// redis-server replies without writing for up to two seconds while an fsync is running
// (flushAppendOnlyFile in its aof.c); its clock for the next fsync has whole seconds.
inline constexpr EverysecLoss kRedisEverysecLoss = {.process_kill = 2, .power_loss = 2};

struct DerivedGuarantee {
  Guarantee guarantee;
  std::string reason;  // "appendonly yes, appendfsync everysec, power loss: ..."
};

// The value of a directive, the last one where it is repeated; `otherwise` where it is not given.
[[nodiscard]] std::string directive_value(
    const std::map<std::string, std::vector<std::string>>& config, const std::string& directive,
    const std::string& otherwise);

// `config` holds directives as redis.conf spells them, in lower case, with their values; what it lacks has Redis's
// default.
[[nodiscard]] DerivedGuarantee derive_guarantee(
    const std::map<std::string, std::vector<std::string>>& config, CrashKind crash,
    EverysecLoss everysec);

// Whether the target may drop keys at any time: maxmemory with a policy that evicts.
[[nodiscard]] bool may_evict(const std::map<std::string, std::vector<std::string>>& config);

}  // namespace crashpoint::oracle
