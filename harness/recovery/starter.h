// Starts of a target for those that talk to it and then kill it, however a start is made: as a process of
// its own, or for crashpoint-engine by a fork, which costs a tenth of that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "harness/recovery/engine_service.h"
#include "harness/recovery/program.h"
#include "harness/scenario/scenario.h"
#include "harness/target/resp_client.h"

namespace crashpoint::recovery {

// A target that serves. Its end kills it with everything it forked; no process uses the directory then. It
// goes before its starter.
class Running {
 public:
  virtual ~Running() = default;
  [[nodiscard]] virtual const target::Endpoint& endpoint() const = 0;
  // What it printed and logged so far.
  [[nodiscard]] virtual std::string log() const = 0;
};

struct Started {
  std::unique_ptr<Running> running;  // empty: it does not serve
  std::string trouble;               // then: why, in words; the same for the same reason
  double ms = 0;                     // until then
};

// One target at a time; used by one thread at a time.
class Starter {
 public:
  virtual ~Starter() = default;
  // Waits until it serves, has ended, or the deadline of the case has passed. Throws EnvironmentError when
  // the harness itself fails.
  virtual Started start(const std::filesystem::path& directory) = 0;
};

// As an operator would. Borrows `program` and `of`; `folder` exists and is for its instances.
class LiveStarter : public Starter {
 public:
  LiveStarter(const Program& program, const scenario::Case& of, std::filesystem::path folder)
      : program_(program), case_(of), folder_(std::move(folder)) {}
  Started start(const std::filesystem::path& directory) override;

 private:
  const Program& program_;
  const scenario::Case& case_;
  std::filesystem::path folder_;
};

// Through `crashpoint-engine --server-starter`: the whole server, forked. Borrows as above.
class EngineStarter : public Starter {
 public:
  EngineStarter(const Program& program, const scenario::Case& of, std::filesystem::path folder)
      : program_(program), case_(of), folder_(std::move(folder)) {}
  Started start(const std::filesystem::path& directory) override;

 private:
  class Forked;

  const Program& program_;
  const scenario::Case& case_;
  std::filesystem::path folder_;
  std::unique_ptr<EngineService> service_;  // started when it is needed
};

// The one that suits the program.
std::unique_ptr<Starter> make_starter(const Program& program, const scenario::Case& of,
                                      std::filesystem::path folder);

}  // namespace crashpoint::recovery
