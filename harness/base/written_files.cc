#include "harness/base/written_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

namespace crashpoint {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Takes `token` and the space before it from the front of `text`; false if something else is there.
bool take(std::string_view& text, std::string_view token) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  if (!text.starts_with(token)) {
    return false;
  }
  text.remove_prefix(token.size());
  return true;
}

}  // namespace

std::string format_of(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {  // reading a pipe would block
    return {};
  }
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 256> head{};
  stream.read(head.data(), head.size());
  std::string_view text(head.data(), static_cast<std::size_t>(stream.gcount()));
  if (!take(text, "{") || !take(text, "\"format\"") || !take(text, ":") || !take(text, "\"")) {
    return {};
  }
  return std::string(text.substr(0, text.find('"')));
}

bool is_bundle(const std::filesystem::path& folder) {
  return format_of(folder / "bundle.json") == kBundleFormat;
}

}  // namespace crashpoint
