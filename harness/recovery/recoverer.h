// What exploration needs of a target: recover a directory, and say what came back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/oracle/verdict.h"
#include "harness/target/state.h"
#include "harness/trace/observations.h"
#include "harness/trace/trace.h"

namespace crashpoint::recovery {

struct Recovered {
  bool started = false;
  std::string trouble;  // why it did not start, in words; the same for the same reason
  target::State state;  // of a server that speaks RESP
  std::string dump;     // of any other program: what its dump command printed
  // What was checked besides start and data and does not depend on when the crash came: idempotent.
  std::vector<oracle::Verdict> checks;
  // Everything that the recovery read of the directory, as questions; nothing: not known.
  std::optional<std::vector<trace::Question>> asked = {};
  double start_ms = 0;  // until it served
  double load_ms = 0;   // until its state was read
};

// Recovers directories for one worker. Used by one thread at a time; each worker has its own.
class Recoverer {
 public:
  virtual ~Recoverer() = default;
  // Recovers `directory` in place, and a second time if the case asks for `idempotent`. Afterwards no
  // process of the target uses it, and it may hold anything. A target that does not start is a result;
  // throws EnvironmentError when the harness itself fails.
  virtual Recovered recover(const std::filesystem::path& directory) = 0;
  // On a directory as the crash left it: life goes on with the first instance that recovers it, and what
  // comes back after its kill is judged (continuation.h). Nothing if it cannot be told.
  virtual std::optional<oracle::Verdict> live_on(const std::filesystem::path& directory) {
    (void)directory;
    return std::nullopt;
  }
  // As recover(), recorded from start to the moment it serves. Nothing if it cannot be recorded.
  virtual std::optional<trace::Trace> record(const std::filesystem::path& directory) {
    (void)directory;
    return std::nullopt;
  }
};

// Makes the recoverer of a worker, numbered from 0. `folder` is its own, exists, and is not the
// directory that will be recovered.
using RecovererFactory =
    std::function<std::unique_ptr<Recoverer>(unsigned worker, const std::filesystem::path& folder)>;

}  // namespace crashpoint::recovery
