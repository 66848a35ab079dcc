#include "engine/commands/dispatch/redaction.h"

#include "engine/base/text.h"

namespace engine::commands {
namespace {

constexpr std::string_view kShown = "(redacted)";

bool is_secret(std::string_view directive) {
  for (const std::string_view name :
       {"requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"}) {
    if (equals_ignoring_case(directive, name)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string_view> redacted(const CommandSpec& spec,
                                       std::span<const std::string_view> argv) {
  std::vector<std::string_view> shown(argv.begin(), argv.end());
  if (spec.name == "AUTH") {
    for (std::size_t i = 1; i < shown.size() && shown.size() <= 3; ++i) {
      shown[i] = kShown;
    }
  } else if (spec.name == "HELLO") {
    for (std::size_t i = 2; i + 2 < shown.size(); ++i) {
      if (equals_ignoring_case(shown[i], "auth")) {
        shown[i + 1] = shown[i + 2] = kShown;
        i += 2;
      }
    }
  } else if (spec.name == "CONFIG|SET") {
    for (std::size_t i = 2; i + 1 < shown.size(); i += 2) {
      if (is_secret(shown[i])) {
        shown[i + 1] = kShown;
      }
    }
  }
  return shown;
}

}  // namespace engine::commands
