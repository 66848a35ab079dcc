// Recovers crash states of any program: runs what the scenario says is done after a crash, and then the command
// that prints the state.
//
// Kept apart    Every state has the data directory of its worker, and every command a process tree of its own, which
//               is gone when the command has ended, been killed at the deadline, or printed too much.
// Fixed path    A program that writes the path of its data directory into its files must find them there again:
//               with `fixed_path`, the directory of a state is moved to that path while it is recovered. Then states are
//               recovered one at a time, whatever the number of workers.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "harness/recovery/command.h"
#include "harness/recovery/recoverer.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

// A path that directories are moved to, one at a time. It must not exist while nobody uses it.
struct FixedPath {
  std::filesystem::path path;
  std::mutex mutex;
};

class CommandRecoverer : public Recoverer {
 public:
  // Borrows `of`, which has a `program`, and `fixed_path`, if there is one. `folder` exists and is its own.
  CommandRecoverer(const scenario::Case& of, std::filesystem::path folder,
                   FixedPath* fixed_path = nullptr);

  // Runs the commands of the recovery, the dump, a second time for a case that asks for `idempotent`, and the tools of
  // the oracle.
  Recovered recover(const std::filesystem::path& directory) override;

  // Only the dump, as recover() takes it: what it printed, or why it did not.
  struct Dump {
    bool succeeded = false;
    std::string text;     // what it printed
    std::string trouble;  // else
    double ms = 0;
  };
  Dump dump(const std::filesystem::path& directory);

 private:
  Recovered recover_at(const std::filesystem::path& directory);
  Dump dump_at(const std::filesystem::path& directory);
  oracle::Verdict ask_tool(const scenario::Command& tool, const std::filesystem::path& directory);
  [[nodiscard]] CommandEnd run(const scenario::Command& command,
                               const std::filesystem::path& directory);
  [[nodiscard]] std::string trouble(const std::string& what, const CommandEnd& end,
                                    const std::filesystem::path& directory) const;
  template <typename Use>
  auto at_its_path(const std::filesystem::path& directory, const Use& use);

  const scenario::Case& case_;
  std::filesystem::path folder_;
  FixedPath* fixed_path_;
  CommandLimits limits_;
};

}  // namespace crashpoint::recovery
