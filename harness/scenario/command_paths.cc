#include "harness/scenario/command_paths.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/target/process.h"

namespace crashpoint::scenario {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNotPlain = "\t\n\"'`\\$&|;<>()*?[]#~=%!{}";
constexpr std::string_view kEndsPath = " \t\n\"'`\\&|;<>()";

// The options by which an interpreter gets its program in a word, not in a file; empty: it is no interpreter.
std::string_view options_with_program(const std::string& word) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOptions = {
      {{"sh", "c"},
       {"bash", "c"},
       {"dash", "c"},
       {"zsh", "c"},
       {"ksh", "c"},
       {"python", "cm"},
       {"perl", "eE"},
       {"ruby", "e"},
       {"lua", "e"},
       {"node", "ep"}}};
  const std::string name = fs::path(word).filename().string();
  const std::size_t end = name.find_last_not_of("0123456789.");  // python3.11 is one as well
  const std::string stem = end == std::string::npos ? "" : name.substr(0, end + 1);
  const auto found = std::find_if(kOptions.begin(), kOptions.end(),
                                  [&](const auto& option) { return option.first == stem; });
  return found == kOptions.end() ? std::string_view() : found->second;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

}  // namespace

std::optional<FileOfCommand> file_of_command(const std::vector<std::string>& words) {
  if (words.empty()) {
    return std::nullopt;
  }
  const std::string_view with_program = options_with_program(words.front());
  if (with_program.empty()) {
    return words.front().find('/') == std::string::npos ? std::nullopt
                                                        : std::optional(FileOfCommand{});
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!words[i].starts_with('-')) {
      return FileOfCommand{.word = i, .by_interpreter = true};
    }
    if (!words[i].starts_with("--") && words[i].find_first_of(with_program) != std::string::npos) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::vector<std::string> plain_words(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (word.find_first_of(kNotPlain) != std::string::npos) {
      break;
    }
    if (word.empty()) {
      break;  // a word's place in the text must be known
    }
    words.push_back(word);
    at = end + 1;
  }
  return words;
}

std::string why_not_executable(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return fs::exists(path, error) ? "no file that can be executed" : "no such file";
  }
  if (::access(path.c_str(), X_OK) != 0) {
    return fmt::format("without its run bit: chmod +x {}, or name its interpreter before it",
                       path.string());
  }
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  if (!line.starts_with("#!")) {
    return {};
  }
  const std::vector<std::string> words = words_of(line.substr(2));
  if (words.empty()) {
    return "its first line names no interpreter";
  }
  const bool by_env = fs::path(words.front()).filename() == "env" && words.size() > 1;
  const std::string& interpreter = by_env ? words[1] : words.front();
  if (interpreter.starts_with('-') || !target::find_program(interpreter).empty()) {
    return {};
  }
  return fmt::format("its interpreter {} is not {}", interpreter, by_env ? "on PATH" : "there");
}

std::vector<std::string> paths_beside(const std::string& text) {
  constexpr std::string_view kScenario = "{scenario}";
  std::vector<std::string> paths;
  for (std::size_t at = text.find(kScenario); at != std::string::npos;
       at = text.find(kScenario, at + 1)) {
    const std::size_t end = std::min(text.find_first_of(kEndsPath, at), text.size());
    std::string path = text.substr(at + kScenario.size(), end - at - kScenario.size());
    if (path.size() > 1 && path.starts_with('/') &&
        path.find_first_of("$*?[:,") == std::string::npos) {
      paths.push_back(path.substr(1));
    }
  }
  return paths;
}

}  // namespace crashpoint::scenario
