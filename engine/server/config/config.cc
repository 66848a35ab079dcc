#include "engine/server/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "engine/base/text.h"

namespace engine::server {
namespace {

std::size_t index_of(const Directive& directive) {
  return static_cast<std::size_t>(&directive - directives().data());
}

bool is_listed(const Directive& directive, std::string_view name,
               std::span<const std::string_view> patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    if ((directive.flags & Directive::kHidden) != 0) {
      return equals_ignoring_case(pattern, name);
    }
    return glob_match(pattern, name, /*ignore_case=*/true);
  });
}

}  // namespace

Config::Config() {
  for (const Directive& directive : directives()) {
    values_.emplace_back(directive.initial);
  }
}

const std::string& Config::text(std::string_view name) const {
  const Directive* directive = find_directive(name);
  ENGINE_CHECK(directive != nullptr);
  return value(*directive);
}

bool Config::yes(std::string_view name) const {
  return text(name) == "yes";
}

std::int64_t Config::number(std::string_view name) const {
  const auto number = parse_int64(text(name));
  ENGINE_CHECK(number.has_value());
  return *number;
}

std::uint64_t Config::bytes(std::string_view name) const {
  const auto bytes = parse_memory_size(text(name));
  ENGINE_CHECK(bytes.has_value());
  return *bytes;
}

const std::string& Config::value(const Directive& directive) const {
  return values_[index_of(directive)];
}

void Config::assign(const Directive& directive, std::string value) {
  values_[index_of(directive)] = std::move(value);
}

Status Config::set_from_file(const std::string& name, std::span<const std::string> words) {
  const Directive* directive = find_directive(name);
  if (directive == nullptr) {
    return fail("Bad directive or wrong number of arguments");
  }
  std::string_view current = value(*directive);
  if (directive->kind == Directive::Kind::kSave && !save_was_set_) {
    current = {};
    save_was_set_ = true;
  }
  // One word may hold them all: `--save "3600 1 300 100"`.
  std::vector<std::string> split;
  if (directive->takes_several_words() && words.size() == 1 && !words[0].empty()) {
    split = split_words(words[0]).value_or(std::vector<std::string>());
    words = split;
  }
  auto parsed = parse_value(*directive, words, current);
  if (!parsed) {
    return tl::unexpected(parsed.error());
  }
  assign(*directive, *std::move(parsed));
  return {};
}

Status enter_directory(Config& config) {
  const Directive& directive = *find_directive("dir");
  const std::string& path = config.value(directive);
  if (!path.empty() && ::chdir(path.c_str()) != 0) {
    return fail(error_text(errno), errno);
  }
  std::array<char, PATH_MAX> current = {};
  if (::getcwd(current.data(), current.size()) == nullptr) {
    return fail(error_text(errno), errno);
  }
  config.assign(directive, current.data());
  return {};
}

std::vector<std::pair<std::string, std::string>> Config::matching(
    std::span<const std::string_view> patterns) const {
  std::vector<std::pair<std::string, std::string>> found;
  for (const Directive& directive : directives()) {
    for (const std::string_view name : {directive.name, directive.alias}) {
      if (!name.empty() && is_listed(directive, name, patterns)) {
        found.emplace_back(name, value(directive));
      }
    }
  }
  return found;
}

}  // namespace engine::server
