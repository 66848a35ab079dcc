// One rewrite of the append only file: a child writes the keyspace as a new base while new steps go
// on being logged; then one manifest puts base and increment in the place of the old files.
//
//   kind        when                                    new steps go, from the fork on, to
//   kSwitch     the log is on: everything logged is     a new increment, which the manifest names at
//               durable before the fork                 once, since acknowledgements rest on it
//   kFresh      the log is being enabled, or a sync     a temporary increment, which becomes part of
//               of it has failed                        the log together with the new base
//   kBaseOnly   the log is off                          nothing
//
//   state       entered by                     it owns, beside the log
//   kPrepared   begin()                        nothing
//   kForked     forked()                       the child's temporary base
//   kSwitched   forked(), once it succeeded    the temporary base; kFresh: the temporary increment
//   kInstalled  install()                      nothing: all of it is in the manifest
//
// The destructor abandons the rewrite in any state but kInstalled: what it owns is removed. The log
// goes on as it was; of a kSwitch the new increment stays, of a kFresh there is no increment until
// the next rewrite. So every failure is handled by destroying the Rewrite.
//
// Threads  The main one; write_base() in the child, where nothing is destroyed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine/aof/manifest.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/append_only_file.h"
#include "engine/persistence/child_process.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

class Rewrite {
 public:
  // Before the fork. Borrows all; one at a time.
  static Result<std::unique_ptr<Rewrite>> begin(AppendOnlyFile& aof, const Settings& settings,
                                                const Clock& clock, Log& log);
  ~Rewrite();
  Rewrite(const Rewrite&) = delete;
  Rewrite& operator=(const Rewrite&) = delete;

  // In the child: the keyspace as it was at the fork, written and synced under a temporary name.
  Status write_base(const keyspace::Keyspace& keyspace, ProgressReporter& progress) const;

  // In the parent, right after the fork. An error: no step may rely on this rewrite; end the child.
  Status forked(pid_t child);

  // The child has ended with success: makes its base and the steps since the fork the log. Once.
  Status install();

 private:
  enum class State : std::uint8_t { kPrepared, kForked, kSwitched, kInstalled };

  Rewrite(AppendOnlyFile& aof, const Settings& settings, const Clock& clock, Log& log,
          RewriteKind kind)
      : aof_(aof), settings_(settings), clock_(clock), log_(log), kind_(kind) {}
  aof::Manifest next_manifest(const aof::ManifestEntry& base) const;

  AppendOnlyFile& aof_;
  const Settings& settings_;
  const Clock& clock_;
  Log& log_;
  const RewriteKind kind_;
  State state_ = State::kPrepared;
  std::string base_;  // its name in the directory: temporary, then final; empty before the fork
};

}  // namespace engine::persistence
