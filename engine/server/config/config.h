// The values of all directives.
//
// A plain store: server/settings.h turns values into settings of the running server.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/server/config/directive.h"

namespace engine::server {

class Config {
 public:
  Config();  // everything at its default

  // `name` must be a directive's name (not an alias).
  const std::string& text(std::string_view name) const;
  bool yes(std::string_view name) const;
  std::int64_t number(std::string_view name) const;
  std::uint64_t bytes(std::string_view name) const;

  const std::string& value(const Directive& directive) const;
  // `value` is canonical (parse_value).
  void assign(const Directive& directive, std::string value);

  // One line of redis.conf: the directive's name and its words. `save` lines add up, the first one
  // replaces the default.
  Status set_from_file(const std::string& name, std::span<const std::string> words);

  // CONFIG GET: names and aliases that match any of the glob patterns, in order of the table. A
  // hidden directive is listed only by its full name.
  std::vector<std::pair<std::string, std::string>> matching(
      std::span<const std::string_view> patterns) const;

 private:
  std::vector<std::string> values_;  // parallel to directives()
  bool save_was_set_ = false;
};

// Makes `dir` the current directory, if it is set, and `dir` its absolute path.
Status enter_directory(Config& config);

}  // namespace engine::server
