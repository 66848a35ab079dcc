// Where the parts of the engine write what an operator should know. The server implements it
// (levels, file or stdout, the redis-server line format with the writer's role); tests collect the
// lines.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace engine {

// The levels of redis-server's `loglevel`.
enum class LogLevel { kDebug, kVerbose, kNotice, kWarning };

class Log {
 public:
  virtual ~Log() = default;

  // One line, without its end. Called from the main thread and from forked children only.
  virtual void write(LogLevel level, std::string_view message) = 0;

  template <typename... Args>
  void verbose(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kVerbose, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void notice(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kNotice, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
  }
};

}  // namespace engine
