#include "harness/workload/plan.h"

#include <strings.h>

#include <algorithm>
#include <iterator>

namespace crashpoint::workload {

std::string problem(const Arguments& command) {
  constexpr const char* kStreams[] = {"SUBSCRIBE",    "UNSUBSCRIBE", "PSUBSCRIBE",
                                      "PUNSUBSCRIBE", "SSUBSCRIBE",  "SUNSUBSCRIBE",
                                      "MONITOR",      "SYNC",        "PSYNC"};
  const auto is = [&](std::size_t at, const char* word) {
    return at < command.size() && ::strcasecmp(command[at].c_str(), word) == 0;
  };
  if (command.empty() || command.front().empty()) {
    return "a command needs a name";
  }
  if (std::ranges::any_of(kStreams, [&](const char* name) { return is(0, name); })) {
    return command.front() + " turns the connection into a stream of messages";
  }
  if (is(0, "CLIENT") && is(1, "REPLY")) {
    return "CLIENT REPLY takes replies away";
  }
  if (is(0, "HELLO") && is(1, "3")) {
    return "HELLO 3 changes the protocol; clients speak RESP2";
  }
  return "";
}

}  // namespace crashpoint::workload
