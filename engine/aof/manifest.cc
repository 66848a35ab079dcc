#include "engine/aof/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/aof/annotation.h"
#include "engine/aof/aof_format.h"
#include "engine/base/text.h"

namespace engine::aof {
namespace {

constexpr std::size_t kLineBytesMax = 1024;  // redis-server's buffer, the newline included

// strtoull's view of it, as redis-server reads it: no sign, digits only; 0 is refused by the
// caller.
std::uint64_t parse_seq(std::string_view text) {
  std::uint64_t seq = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
  return error == std::errc() && end == text.data() + text.size() ? seq : 0;
}

struct Line {
  ManifestEntry entry;
  char type = 0;
};

// Pairs of key and value in any order; unknown keys are ignored, as redis-server does.
tl::expected<Line, std::string> parse_line(std::string_view text) {
  static constexpr const char* kInvalid = "Invalid AOF manifest file format";
  const std::optional<std::vector<std::string>> words = split_words(text);
  if (!words || words->size() < 6 || words->size() % 2 != 0) {
    return tl::unexpected(std::string(kInvalid));
  }
  Line line;
  for (std::size_t i = 0; i < words->size(); i += 2) {
    const std::string& key = (*words)[i];
    const std::string& value = (*words)[i + 1];
    if (equals_ignoring_case(key, "file")) {
      if (value.find('/') != std::string::npos || value == "." || value == "..") {
        return tl::unexpected(std::string("File can't be a path, just a filename"));
      }
      line.entry.name = value;
    } else if (equals_ignoring_case(key, "seq")) {
      line.entry.seq = parse_seq(value);
    } else if (equals_ignoring_case(key, "type")) {
      line.type = value.empty() ? '\0' : value.front();
    }
  }
  if (line.entry.name.empty() || line.entry.seq == 0 || line.type == 0) {
    return tl::unexpected(std::string(kInvalid));
  }
  return line;
}

// Whether the bytes after the first line match its checksum. Lines that an operator added at the
// end are not covered by it.
bool matches_checksum(std::string_view first_line, std::string_view rest) {
  const std::optional<ChecksumLine> checksum = parse_checksum_line(first_line);
  return checksum && step_matches(*checksum, Place(), rest.substr(0, checksum->size));
}

}  // namespace

std::vector<ManifestEntry> Manifest::files() const {
  std::vector<ManifestEntry> all;
  if (base) {
    all.push_back(*base);
  }
  all.insert(all.end(), increments.begin(), increments.end());
  return all;
}

// The checksum is verified last, so that a malformed line is reported as such.
tl::expected<Manifest, ManifestError> parse_manifest(std::string_view text, bool verify) {
  Manifest manifest;
  std::size_t number = 0;
  std::string_view line;
  const auto refuse = [&](std::string reason) {
    return tl::unexpected(ManifestError{number, std::string(line), std::move(reason)});
  };
  if (text.empty()) {
    return refuse("Found an empty AOF manifest");
  }
  const std::string_view first_line = text.substr(0, text.find('\n'));
  const std::string_view after_it = text.substr(std::min(first_line.size() + 1, text.size()));
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    line = text.substr(0, end);
    if (end == std::string_view::npos || end + 1 >= kLineBytesMax) {
      return refuse("The AOF manifest file contains too long line");
    }
    text.remove_prefix(end + 1);
    if (line.starts_with('#')) {
      continue;
    }
    tl::expected<Line, std::string> parsed = parse_line(line);
    if (!parsed) {
      return refuse(parsed.error());
    }
    switch (parsed->type) {
      case 'b':
        if (manifest.base) {
          return refuse("Found duplicate base file information");
        }
        manifest.base = std::move(parsed->entry);
        break;
      case 'h':
        manifest.history.push_back(std::move(parsed->entry));
        break;
      case 'i':
        if (!manifest.increments.empty() && parsed->entry.seq <= manifest.increments.back().seq) {
          return refuse("Found a non-monotonic sequence number");
        }
        manifest.increments.push_back(std::move(parsed->entry));
        break;
      default:
        return refuse("Unknown AOF file type");
    }
  }
  if (verify && first_line.starts_with(kChecksumPrefix) &&
      !matches_checksum(first_line, after_it)) {
    number = 1;
    line = first_line;
    return refuse(
        "The AOF manifest does not match its checksum: it is damaged, so nothing is started or "
        "changed. "
        "Restore it from a backup; if you changed it on purpose, remove this line");
  }
  return manifest;
}

// In redis-server's order: base, history, increments.
std::string format_manifest(const Manifest& manifest, bool checksum) {
  std::string text;
  if (manifest.names_nothing()) {
    text = "# This log is being created: nothing rests on it yet.\n";
  }
  const auto add = [&text](const ManifestEntry& entry, char type) {
    const bool plain = std::all_of(entry.name.begin(), entry.name.end(), [](char c) {
      return std::isgraph(static_cast<unsigned char>(c)) != 0 && c != '"' && c != '\'' && c != '\\';
    });
    text += fmt::format("file {} seq {} type {}\n", plain ? entry.name : quote(entry.name),
                        entry.seq, type);
  };
  if (manifest.base) {
    add(*manifest.base, 'b');
  }
  for (const ManifestEntry& entry : manifest.history) {
    add(entry, 'h');
  }
  for (const ManifestEntry& entry : manifest.increments) {
    add(entry, 'i');
  }
  if (checksum) {
    std::string first_line;
    append_checksum(first_line, Place(), text);
    text.insert(0, first_line + '\n');
  }
  return text;
}

std::string manifest_name(std::string_view appendfilename) {
  return fmt::format("{}.manifest", appendfilename);
}

std::string temp_manifest_name(std::string_view appendfilename) {
  return fmt::format("temp-{}.manifest", appendfilename);
}

std::string temp_increment_name(std::string_view appendfilename) {
  return fmt::format("temp-{}.incr", appendfilename);
}

std::string lock_name(std::string_view appendfilename) {
  return fmt::format("{}.lock", appendfilename);
}

std::string base_name(std::string_view appendfilename, std::uint64_t seq, bool rdb) {
  return fmt::format("{}.{}.base.{}", appendfilename, seq, rdb ? "rdb" : "aof");
}

std::string increment_name(std::string_view appendfilename, std::uint64_t seq) {
  return fmt::format("{}.{}.incr.aof", appendfilename, seq);
}

bool is_numbered_name(std::string_view appendfilename, std::string_view name) {
  if (!name.starts_with(appendfilename)) {
    return false;
  }
  name.remove_prefix(appendfilename.size());
  if (!name.starts_with('.')) {
    return false;
  }
  name.remove_prefix(1);
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) {
    return false;
  }
  name.remove_prefix(digits);
  return name == ".base.rdb" || name == ".base.aof" || name == ".incr.aof";
}

}  // namespace engine::aof
