#include "engine/aof/annotation.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "engine/aof/aof_format.h"
#include "engine/base/crc64.h"
#include "engine/base/text.h"

namespace engine::aof {
namespace {

constexpr std::size_t kCheckDigits = 8;

std::array<char, kCheckDigits> hex(std::uint32_t value) {
  std::array<char, kCheckDigits> digits = {};
  for (std::size_t i = 0; i < kCheckDigits; ++i) {
    digits[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 0xf];
  }
  return digits;
}

std::array<char, kCheckDigits> fold(std::uint64_t crc) {
  return hex(static_cast<std::uint32_t>(crc >> 32) ^ static_cast<std::uint32_t>(crc));
}

std::string_view view(const std::array<char, 8>& digits) {
  return {digits.data(), digits.size()};
}

std::array<char, kCheckDigits> step_check(const Place& place, std::string_view step) {
  std::uint64_t crc = crc64(0, view(place.nonce));
  crc = crc64(crc, Digits(place.position).view());
  crc = crc64(crc, ":");
  crc = crc64(crc, Digits(std::uint64_t{step.size()}).view());
  return fold(crc64(crc, step));
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Nonce make_nonce(std::uint64_t random) {
  return hex(static_cast<std::uint32_t>(random));
}

void append_synced_line(std::string& to, const SyncedLine& line) {
  const std::size_t begin = to.size();
  to += kSyncedPrefix;
  to += Digits(line.distance).view();
  to += ':';
  to += Digits(line.place.position).view();
  to += ':';
  to += view(line.place.nonce);
  const auto check = fold(crc64(0, std::string_view(to).substr(begin)));
  to += ':';
  to += view(check);
  to += "\r\n";
}

std::optional<SyncedLine> parse_synced_line(std::string_view line) {
  // "#SYNCED:" distance ":" position ":" nonce ":" check
  constexpr std::size_t kTailBytes = 1 + 8 + 1 + kCheckDigits;
  if (!line.starts_with(kSyncedPrefix) || line.size() <= kSyncedPrefix.size() + kTailBytes) {
    return std::nullopt;
  }
  const std::size_t digits_end = line.size() - kTailBytes;
  const std::string_view tail = line.substr(digits_end);
  if (tail[0] != ':' || tail[9] != ':') {
    return std::nullopt;
  }
  const std::string_view numbers =
      line.substr(kSyncedPrefix.size(), digits_end - kSyncedPrefix.size());
  const std::size_t colon = std::min(numbers.find(':'), numbers.size());
  const std::optional<std::uint64_t> distance = parse_decimal(numbers.substr(0, colon));
  const std::optional<std::uint64_t> position =
      parse_decimal(numbers.substr(std::min(colon + 1, numbers.size())));
  const auto check = fold(crc64(0, line.substr(0, line.size() - kCheckDigits - 1)));
  if (!distance || !position || tail.substr(10) != view(check)) {
    return std::nullopt;
  }
  SyncedLine parsed;
  parsed.distance = *distance;
  parsed.place.position = *position;
  tail.copy(parsed.place.nonce.data(), parsed.place.nonce.size(), 1);
  return parsed;
}

void append_checksum(std::string& to, const Place& place, std::string_view step) {
  const auto check = step_check(place, step);
  to += kChecksumPrefix;
  to += Digits(std::uint64_t{step.size()}).view();
  to += ':';
  to += view(check);
}

std::optional<ChecksumLine> parse_checksum_line(std::string_view line) {
  if (!line.starts_with(kChecksumPrefix) ||
      line.size() <= kChecksumPrefix.size() + 1 + kCheckDigits) {
    return std::nullopt;
  }
  const std::size_t digits_end = line.size() - kCheckDigits - 1;
  const std::optional<std::uint64_t> size =
      parse_decimal(line.substr(kChecksumPrefix.size(), digits_end - kChecksumPrefix.size()));
  if (!size || line[digits_end] != ':') {
    return std::nullopt;
  }
  return ChecksumLine{*size, line.substr(digits_end + 1)};
}

bool step_matches(const ChecksumLine& line, const Place& place, std::string_view step) {
  return line.size == step.size() && line.check == view(step_check(place, step));
}

}  // namespace engine::aof
