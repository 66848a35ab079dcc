#include "engine/base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace engine {
namespace {

std::atomic<void (*)(std::string_view)> g_report = nullptr;

}  // namespace

void set_check_reporter(void (*report)(std::string_view message)) {
  g_report = report;
}

namespace internal {

void check_failed(const char* condition, const char* file, int line, const char* names,
                  const std::string& values) {
  std::string message = fmt::format("{}:{}: {} does not hold", file, line, condition);
  if (!values.empty()) {
    message += fmt::format(" ({} = {})", names, values);
  }
  message += ". This is a bug of crashpoint-engine itself, please report it.";
  std::fprintf(stderr, "%s\n", message.c_str());
  // Once: a report that itself fails a check must not be called again.
  if (void (*const report)(std::string_view) = g_report.exchange(nullptr)) {
    report(message);
  }
  std::abort();
}

}  // namespace internal
}  // namespace engine
