#include "harness/cli/option_values.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::cli {
namespace {

constexpr double kHour = 3600;
constexpr double kLongest = 8760 * kHour;

double seconds_of(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return kHour;
    default:
      return 0;
  }
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number <= max
             ? std::optional(number)
             : std::nullopt;
}

double parse_duration(const std::string& option, const std::string& text) {
  double number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
  const double seconds = error == std::errc() && end + 1 == last ? number * seconds_of(*end) : 0;
  if (!(seconds > 0 && seconds <= kLongest)) {
    throw UsageError(
        fmt::format("{}: found \"{}\"; allowed: a number above 0 with s, m or h, up to 8760h, such "
                    "as 90s or 1.5h",
                    option, shorten(text)));
  }
  return seconds;
}

void refuse_empty(const std::string& option, const std::optional<std::string>& value,
                  std::string_view allowed) {
  if (value && value->empty()) {
    throw UsageError(fmt::format("{}: found nothing; allowed: {}", option, allowed));
  }
}

}  // namespace crashpoint::cli
