#include "harness/scenario/program_target.h"

#include "harness/base/text.h"

namespace crashpoint::scenario {

std::string to_string(const Command& command) {
  if (command.words.empty()) {
    return command.text;
  }
  std::string line;
  for (const std::string& word : command.words) {
    line += (line.empty() ? "" : " ") + shell_quote(word);
  }
  return line;
}

}  // namespace crashpoint::scenario
