// The classic patterns of file update, and for each profile the exact set of states a power loss may
// leave, written down by hand. litmus_test.cc holds the model to them, real_filesystems_test.cc runs them
// on real filesystems. The number in a name is that of the rule in README.md that decides it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {

// As show() in states_for_test.h: "name=content ..." in order of name; '.' is a NUL byte, "-" an empty
// directory.
using States = std::set<std::string>;

struct Litmus {
  std::string name;
  std::function<TraceScript()> script;
  std::map<std::string, States> permitted;  // by profile
};

[[nodiscard]] const std::vector<Litmus>& litmus_tests();

}  // namespace crashpoint::crash
