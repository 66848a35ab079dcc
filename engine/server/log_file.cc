#include "engine/server/log_file.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>

namespace engine::server {
namespace {

constexpr std::array<char, 4> kMarks = {'.', '-', '*', '#'};
constexpr std::array<int, 4> kSyslogPriorities = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};

std::string timestamp() {
  using std::chrono::system_clock;
  const auto now = system_clock::now();
  const std::time_t seconds = system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm local = {};
  ::localtime_r(&seconds, &local);
  std::array<char, 64> text = {};
  std::strftime(text.data(), text.size(), "%d %b %Y %H:%M:%S", &local);
  return fmt::format("{}.{:03}", text.data(), milliseconds);
}

int syslog_facility(std::string_view name) {
  if (name == "user") {
    return LOG_USER;
  }
  const int number = name.back() - '0';  // local0 .. local7
  return LOG_LOCAL0 + (number << 3);
}

}  // namespace

void LogFile::write(LogLevel level, std::string_view message) {
  if (level < level_) {
    return;
  }
  const auto index = static_cast<std::size_t>(level);
  write_raw(
      fmt::format("{}:{} {} {} {}\n", ::getpid(), role(), timestamp(), kMarks[index], message));
  if (syslog_) {
    ::syslog(kSyslogPriorities[index], "%.*s", static_cast<int>(message.size()), message.data());
  }
}

void LogFile::open_syslog(const std::string& identity, std::string_view facility) {
  identity_ = identity;
  ::openlog(identity_.c_str(), LOG_PID | LOG_NDELAY | LOG_NOWAIT, syslog_facility(facility));
  syslog_ = true;
}

// A log that cannot be written to must not stop the server: errors are ignored on purpose.
void LogFile::write_raw(std::string_view text) {
  int fd = STDOUT_FILENO;
  if (!path_.empty()) {
    fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return;
    }
  }
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written <= 0) {
      break;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fd != STDOUT_FILENO) {
    static_cast<void>(::close(fd));
  }
}

char LogFile::role() const {
  return starting_ || ::getpid() != main_pid_ ? 'C' : 'M';
}

LogLevel parse_log_level(std::string_view name) {
  if (name == "debug") {
    return LogLevel::kDebug;
  }
  if (name == "verbose") {
    return LogLevel::kVerbose;
  }
  return name == "notice" ? LogLevel::kNotice : LogLevel::kWarning;
}

}  // namespace engine::server
