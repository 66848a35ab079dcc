// The annotation lines of `aof-checksum yes` (aof_format.h): making and reading them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace engine::aof {

// Marks one opening of a file for appending; 8 hex digits, as in the file.
using Nonce = std::array<char, 8>;
Nonce make_nonce(std::uint64_t random);

// Where an annotation is: the distance in bytes from the first #SYNCED line of its session.
struct Place {
  Nonce nonce = {};
  std::uint64_t position = 0;
};

struct SyncedLine {
  std::uint64_t distance = 0;  // from the line's first byte back to the end of what was durable
  Place place;
};
void append_synced_line(std::string& to, const SyncedLine& line);
// `line` without its line end. Nothing unless form and checksum are right.
std::optional<SyncedLine> parse_synced_line(std::string_view line);

struct ChecksumLine {
  std::uint64_t size = 0;  // of the step that follows
  std::string_view check;  // 8 digits
};
// Without a line end.
void append_checksum(std::string& to, const Place& place, std::string_view step);
// Nothing unless the form is right; the checksum concerns the step.
std::optional<ChecksumLine> parse_checksum_line(std::string_view line);
bool step_matches(const ChecksumLine& line, const Place& place, std::string_view step);

}  // namespace engine::aof
