// Where the programs and scripts of commands lie: a scenario may bring its own, in files beside it.
//
// Sought beside the scenario are a program with a '/' in its name, and the script of an interpreter (`python3 save.py`), if
// they are the first words of a command. What is not there is taken to lie in the data directory, where commands run.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace crashpoint::scenario {

// Of a command, which of its words is a file that is executed, or run by an interpreter. Empty: none.
struct FileOfCommand {
  std::size_t word = 0;
  bool by_interpreter = false;
};
[[nodiscard]] std::optional<FileOfCommand> file_of_command(const std::vector<std::string>& words);

// The first words of a text for a shell, up to the first that the shell would not take as it is written.
[[nodiscard]] std::vector<std::string> plain_words(const std::string& text);

// Why `path` cannot be executed: no run bit, a missing interpreter. Empty: it can, as far as its first line shows.
[[nodiscard]] std::string why_not_executable(const std::filesystem::path& path);

// "{scenario}/tools/save.py" of a text or word: each path that begins with {scenario} and has no character that a shell
// would replace.
[[nodiscard]] std::vector<std::string> paths_beside(const std::string& text);

}  // namespace crashpoint::scenario
