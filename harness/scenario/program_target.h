// A target that is any program: commands that are run in the data directory, and one that prints the state.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace crashpoint::scenario {

// A command of a scenario. As a list of words it is executed as it is, as text it goes through `sh -c`.
// {dir} is the data directory, {run} a directory for what is no data, {seed} the seed of the case, {scenario} the
// directory of the scenario file.
struct Command {
  std::vector<std::string> words;
  std::string text;  // if there are no words
};

// A part of the workload. It is acknowledged when it ends with status 0.
struct RunStep {
  Command run;
  // A glob: each line of its standard output that matches is an acknowledgement too. Empty: none is.
  std::string acknowledging_lines = {};
  // A glob of lines that promise that all before them survives; then neither other lines nor the end of the step promise
  // anything. Empty: each acknowledgement promises that.
  std::string synced_lines = {};
  bool may_change_nothing = false;  // else a step after which the dump is the same proves nothing
  bool atomic = true;               // false: what a process kill leaves inside it is allowed
};

struct ProgramTarget {
  // What must be there: programs on PATH and absolute paths of files -> the package that brings it.
  std::map<std::string, std::string> needs;
  Command dump;                             // prints the state, and ends with status 0
  std::vector<std::string> volatile_files;  // globs: files that recovery makes anew
  std::vector<Command> setup;               // run before the recording; what they leave is durable
  std::vector<RunStep> steps;
  std::vector<Command> recovery;  // what is done after a crash, before the dump
};

// For people and for a shell: the text, or the words quoted.
[[nodiscard]] std::string to_string(const Command& command);

}  // namespace crashpoint::scenario
