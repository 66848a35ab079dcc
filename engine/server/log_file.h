// The log of the server, in redis-server's format: "pid:role time level message", on standard
// output, in a file or with syslog.
//
// The file is opened for every line, so that an operator may rotate it at any time.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "engine/base/log.h"

namespace engine::server {

class LogFile final : public Log {
 public:
  void write(LogLevel level, std::string_view message) override;

  // The least level that is written.
  void set_level(LogLevel level) { level_ = level; }
  // Empty: standard output.
  void set_file(std::string path) { path_ = std::move(path); }
  // From now on lines go to syslog as well.
  void open_syslog(const std::string& identity, std::string_view facility);

  // Whether the configuration is still being read: lines of that time carry the role 'C'.
  void set_starting(bool starting) { starting_ = starting; }

  // This process is the server now (after daemonizing): its role is 'M', its children's 'C'.
  void set_main_process() { main_pid_ = ::getpid(); }

  // Without a format, for text of several lines (the logo).
  void write_raw(std::string_view text);

 private:
  char role() const;

  LogLevel level_ = LogLevel::kNotice;
  std::string path_;
  std::string identity_;  // syslog keeps the pointer
  bool syslog_ = false;
  bool starting_ = true;
  pid_t main_pid_ = ::getpid();
};

// "debug", "verbose", "notice", "warning".
LogLevel parse_log_level(std::string_view name);

}  // namespace engine::server
