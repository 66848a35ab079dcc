#include "harness/report/write.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include "harness/base/error.h"
#include "harness/base/written_files.h"
#include "harness/report/bundle.h"
#include "harness/report/html.h"
#include "harness/report/junit.h"
#include "harness/report/report_json.h"

namespace crashpoint::report {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path, int error) {
  throw EnvironmentError(
      fmt::format("cannot {} {}: {}", what, path.string(), std::generic_category().message(error)));
}

// 0, or the errno of the first failure.
int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return errno;
    }
    content.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return fsync(fd) == 0 ? 0 : errno;
}

void write_file(const fs::path& path, std::string_view content) {
  const fs::path temp = fmt::format("{}.{}.tmp", path.string(), getpid());
  const int fd = open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    fail("create", temp, errno);
  }
  int error = write_all(fd, content);
  if (close(fd) != 0 && error == 0) {
    error = errno;
  }
  if (error == 0 && rename(temp.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    unlink(temp.c_str());
    fail("write", path, error);
  }
}

}  // namespace

void begin_reports(RunResult run, const fs::path& folder) {
  std::error_code error;
  const fs::path json = folder / "report.json";
  if (fs::exists(json, error) && format_of(json) != kReportFormat) {
    throw UsageError(
        fmt::format("{} is not a report that crashpoint wrote, and would be overwritten; give "
                    "--report another directory",
                    json.string()));
  }
  run.interrupted = true;
  write_reports(run, folder);
  remove_bundles(folder / kBundles);
}

ReportPaths write_reports(const RunResult& run, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail("create the directory", folder, error.value());
  }
  ReportPaths paths{folder / "report.json", folder / "junit.xml", folder / "index.html"};
  write_file(paths.json, encode_run(run));
  write_file(paths.junit, junit_xml(run));
  write_file(paths.html, html_page(run));
  return paths;
}

}  // namespace crashpoint::report
