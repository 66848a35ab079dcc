// A crashpoint-engine that answers requests on its standard input: `--recovery-server`, `--server-starter`.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "harness/base/clock.h"
#include "harness/recovery/program.h"
#include "harness/scenario/scenario.h"
#include "harness/target/resp_client.h"

namespace crashpoint::recovery {

class EngineService {
 public:
  // Starts `program` as the case `of` starts it, with `option`. `folder` is made, and its own: its log is
  // there ("log"). Throws UsageError, EnvironmentError.
  EngineService(const Program& program, const scenario::Case& of,
                const std::filesystem::path& folder, const std::string& option);
  ~EngineService();  // kills it, and what it forked dies with it
  EngineService(const EngineService&) = delete;
  EngineService& operator=(const EngineService&) = delete;

  // Sends a line and waits for its answer. Nothing if there is none by then: the service must then be
  // replaced. Throws EnvironmentError when it has ended.
  std::optional<target::RespValue> ask(const std::string& line, SteadyClock::time_point deadline);

 private:
  [[noreturn]] void fail(const std::string& what) const;

  std::string option_;
  int socket_ = -1;
  pid_t pid_ = 0;
  target::ReplyParser parser_;
};

}  // namespace crashpoint::recovery
