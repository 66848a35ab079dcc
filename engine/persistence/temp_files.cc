#include "engine/persistence/temp_files.h"

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/directory.h"
#include "engine/io/failpoint.h"

namespace engine::persistence {
namespace {

struct Form {
  std::string_view prefix;
  std::string_view suffix;
};

constexpr Form kForms[] = {
    {"temp-rewriteaof-bg-", ".aof"},
    {"temp-rewriteaof-", ".aof"},
    {"temp-", ".rdb"},
};

// The process id in a temporary name; 0: it is none.
pid_t writer_of(std::string_view name) {
  for (const Form& form : kForms) {
    if (!name.starts_with(form.prefix) || !name.ends_with(form.suffix) ||
        name.size() <= form.prefix.size() + form.suffix.size()) {
      continue;
    }
    const std::string_view digits =
        name.substr(form.prefix.size(), name.size() - form.prefix.size() - form.suffix.size());
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (error == std::errc() && end == digits.data() + digits.size() && pid > 0) {
      return pid;
    }
  }
  return 0;
}

bool is_writing(pid_t pid) {
  return pid != ::getpid() && (::kill(pid, 0) == 0 || errno != ESRCH);
}

}  // namespace

void remove_stale_temp_files(const std::string& directory, Log& log) {
  const Result<std::vector<std::string>> names = io::list_directory(directory);
  if (!names) {
    return;
  }
  for (const std::string& name : *names) {
    const pid_t pid = writer_of(name);
    if (pid == 0 || is_writing(pid) || io::failpoint("planted/keep-temporary-files") != 0) {
      continue;
    }
    if (io::remove_file(io::join_path(directory, name))) {
      log.notice("Removed the temporary file {} that process {} left", name, pid);
    }
  }
}

}  // namespace engine::persistence
