#include "engine/aof/annotation.h"

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

std::array<char, kCheckDigits> step_check(const Nonce& nonce, std::string_view size_digits,
                                          std::string_view step) {
  return fold(crc64(crc64(crc64(0, view(nonce)), size_digits), step));
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
  to += view(line.nonce);
  const auto check = fold(crc64(0, std::string_view(to).substr(begin)));
  to += ':';
  to += view(check);
  to += "\r\n";
}

std::optional<SyncedLine> parse_synced_line(std::string_view line) {
  // "#SYNCED:" digits ":" nonce ":" check
  constexpr std::size_t kTailBytes = 1 + 8 + 1 + kCheckDigits;
  if (!line.starts_with(kSyncedPrefix) || line.size() <= kSyncedPrefix.size() + kTailBytes) {
    return std::nullopt;
  }
  const std::size_t digits_end = line.size() - kTailBytes;
  const std::string_view tail = line.substr(digits_end);
  if (tail[0] != ':' || tail[9] != ':') {
    return std::nullopt;
  }
  const std::optional<std::uint64_t> distance =
      parse_decimal(line.substr(kSyncedPrefix.size(), digits_end - kSyncedPrefix.size()));
  const auto check = fold(crc64(0, line.substr(0, line.size() - kCheckDigits - 1)));
  if (!distance || tail.substr(10) != view(check)) {
    return std::nullopt;
  }
  SyncedLine parsed;
  parsed.distance = *distance;
  tail.copy(parsed.nonce.data(), parsed.nonce.size(), 1);
  return parsed;
}

void append_checksum_line(std::string& to, const Nonce& nonce, std::string_view step) {
  const Digits size(std::uint64_t{step.size()});
  const auto check = step_check(nonce, size.view(), step);
  to += kChecksumPrefix;
  to += size.view();
  to += ':';
  to += view(check);
  to += "\r\n";
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

bool step_matches(const ChecksumLine& line, const Nonce& nonce, std::string_view step) {
  return line.size == step.size() &&
         line.check == view(step_check(nonce, Digits(line.size).view(), step));
}

}  // namespace engine::aof
