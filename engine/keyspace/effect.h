// Changes of the data set as commands, and where they go.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace engine::keyspace {

// One change in the form in which it must be replayed: times are absolute, random choices are made.
struct Effect {
  int db = 0;  // the database it acts on
  std::span<const std::string_view> argv;
};

// What became of an effect that a log holds.
enum class Replayed : std::uint8_t {
  kDone,
  kRefused,   // executed, and answered with an error: redis-server goes on, too
  kNoChange,  // skipped: a command of this name changes no data
  kUnknown,   // there is no such command
  kWrongArguments,
  kEndsServer,  // it is there to crash a server
  kConfigures,  // how the rest is loaded would depend on it
};

// Where effects go: persistence/, as commands/ sees it.
class EffectLog {
 public:
  virtual ~EffectLog() = default;
  // One atomic step: recovery brings back all of its effects or none of them. Called after the step
  // was executed and before its reply may be sent. The views need live only during the call.
  // `changes` is what the step adds to rdb_changes_since_last_save.
  virtual void log_step(std::span<const Effect> step, std::uint64_t changes) = 0;
};

}  // namespace engine::keyspace
