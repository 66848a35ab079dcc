#include "harness/scenario/json/schema_explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/scenario/json/schema_check.h"

namespace crashpoint::scenario {
namespace {

using Report = std::function<void(Mismatch)>;

std::string shown(const Json& value) {
  if (value.is_string()) {
    return fmt::format("\"{}\"", shorten(value.get_ref<const std::string&>()));
  }
  if (value.is_object()) {
    return value.empty() ? "an empty object" : "an object";
  }
  if (value.is_array()) {
    return value.empty() ? "an empty list" : "a list";
  }
  return value.dump();
}

bool has_type(const Json& value, std::string_view type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer()) ||
         (type == "number" && value.is_number()) || (type == "null" && value.is_null());
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) {
    keys.push_back(key);
  }
  return keys;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string meant = nearest(word, candidates);
  return meant.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", meant);
}

// These are the bounds of JSON numbers, not of the key; messages omit them.
bool is_no_bound(const Json& bound) {
  constexpr std::int64_t kJsonIntegerMax = (std::int64_t{1} << 53) - 1;
  return bound.is_number_integer() && std::abs(bound.get<std::int64_t>()) == kJsonIntegerMax;
}

// "from 1 to 5", "of at least 1", "".
std::string range_of(const Json& schema) {
  const auto low = schema.find("minimum");
  const auto high = schema.find("maximum");
  const bool has_low = low != schema.end() && !is_no_bound(*low);
  const bool has_high = high != schema.end() && !is_no_bound(*high);
  if (has_low && has_high) {
    return fmt::format(" from {} to {}", low->dump(), high->dump());
  }
  if (has_low) {
    return fmt::format(" of at least {}", low->dump());
  }
  return has_high ? fmt::format(" of at most {}", high->dump()) : std::string();
}

std::string quoted_list(const Json& values) {
  std::vector<std::string> words;
  for (const Json& value : values) {
    words.push_back(value.is_string() ? fmt::format("\"{}\"", value.get<std::string>())
                                      : value.dump());
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

// The alternatives of a schema, nested ones included.
std::vector<const Json*> alternatives(const Json& unresolved) {
  const Json& schema = resolve(unresolved);
  if (!schema.contains("anyOf")) {
    return {&schema};
  }
  std::vector<const Json*> all;
  for (const Json& branch : schema["anyOf"]) {
    const std::vector<const Json*> below = alternatives(branch);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

// The alternative that `value` most likely stands for: of its type, and for objects the one that knows
// most of its keys. Null if none has its type.
const Json* meant_alternative(const Json& schema, const Json& value) {
  const Json* best = nullptr;
  std::size_t best_known = 0;
  for (const Json* branch : alternatives(schema)) {
    if (branch->contains("type") && !has_type(value, (*branch)["type"].get<std::string>())) {
      continue;
    }
    std::size_t known = 1;
    if (value.is_object() && branch->contains("properties")) {
      const Json& properties = (*branch)["properties"];
      const std::vector<std::string> names = keys_of(properties);
      for (const auto& [key, ignored] : value.items()) {
        known += properties.contains(key) ? 2U : nearest(key, names).empty() ? 0U : 1U;
      }
    }
    if (known > best_known) {
      best = branch;
      best_known = known;
    }
  }
  return best;
}

// Where each key is allowed in a scenario: "nth" -> "faults[].at". A schema that is used in several
// places (faults, recovery faults) counts once, under the first of them.
using Homes = std::map<std::string, std::map<const Json*, std::string>>;

void add_homes(const Json& unresolved, const std::string& path, Homes& homes) {
  for (const Json* schema : alternatives(unresolved)) {
    if (const auto items = schema->find("items"); items != schema->end()) {
      add_homes(*items, path + "[]", homes);
    }
    if (const auto properties = schema->find("properties"); properties != schema->end()) {
      for (const auto& [key, below] : properties->items()) {
        homes[key].emplace(&*properties, path);
        add_homes(below, path.empty() ? key : path + "." + key, homes);
      }
    }
  }
}

// The only place where `key` is allowed, in words; empty if there is none or more than one.
std::string only_home(const std::string& key) {
  static const Homes kHomes = [] {
    Homes all;
    add_homes(schema(), "", all);
    return all;
  }();
  const auto found = kHomes.find(key);
  if (found == kHomes.end() || found->second.size() != 1) {
    return {};
  }
  const std::string& home = found->second.begin()->second;
  return home.empty() ? "at the top level" : "in " + home;
}

class Explainer {
 public:
  explicit Explainer(const Report& report) : report_(report) {}

  void value(const Json& unresolved, const Json& value, const std::string& pointer) {
    const Json& schema = resolve(unresolved);
    if (schema.contains("anyOf")) {
      const Json* branch = meant_alternative(schema, value);
      if (branch == nullptr) {
        wrong(pointer, value, schema);
      } else {
        // The message for a string lists all alternatives.
        single(*branch, value.is_string() ? schema : *branch, value, pointer);
      }
      return;
    }
    single(schema, schema, value, pointer);
  }

 private:
  void single(const Json& schema, const Json& allowed, const Json& value,
              const std::string& pointer) {
    if (const auto type = schema.find("type");
        type != schema.end() && !has_type(value, type->get<std::string>())) {
      wrong(pointer, value, allowed);
      return;
    }
    if (const auto constant = schema.find("const"); constant != schema.end()) {
      if (*constant != value) {
        wrong(pointer, value, allowed);
      }
      return;
    }
    if (const auto words = schema.find("enum"); words != schema.end()) {
      if (std::find(words->begin(), words->end(), value) == words->end()) {
        wrong(pointer, value, allowed, *words);
      }
      return;
    }
    if (value.is_number()) {
      number(schema, allowed, value, pointer);
    } else if (value.is_string()) {
      text(schema, allowed, value.get_ref<const std::string&>(), pointer);
    } else if (value.is_array()) {
      list(schema, value, pointer);
    } else if (value.is_object()) {
      object(schema, value, pointer);
    }
  }

  void number(const Json& schema, const Json& allowed, const Json& value,
              const std::string& pointer) {
    const auto low = schema.find("minimum");
    const auto high = schema.find("maximum");
    if (high != schema.end() && value > *high && is_no_bound(*high)) {
      report_({pointer, false,
               fmt::format("found {}; allowed: at most {} (larger JSON numbers are not exact)",
                           value.dump(), high->dump())});
      return;
    }
    if ((low != schema.end() && value < *low) || (high != schema.end() && value > *high)) {
      wrong(pointer, value, allowed);
    }
  }

  void text(const Json& schema, const Json& allowed, const std::string& value,
            const std::string& pointer) {
    if (schema.contains("minLength") && value.size() < schema["minLength"].get<std::size_t>()) {
      report_({pointer, false, "found an empty string; it must not be empty"});
      return;
    }
    if (const auto pattern = schema.find("pattern");
        pattern != schema.end() &&
        !std::regex_search(value, std::regex(pattern->get<std::string>()))) {
      wrong(pointer, value, allowed);
    }
  }

  void list(const Json& schema, const Json& value, const std::string& pointer) {
    const auto least = schema.find("minItems");
    const auto most = schema.find("maxItems");
    if ((least != schema.end() && value.size() < least->get<std::size_t>()) ||
        (most != schema.end() && value.size() > most->get<std::size_t>())) {
      report_({pointer, false,
               fmt::format("found a list of {}; allowed: {}", value.size(), allowed_by(schema))});
    }
    if (schema.value("uniqueItems", false)) {
      for (auto item = value.begin(); item != value.end(); ++item) {
        if (std::find(value.begin(), item, *item) != item) {
          report_({fmt::format("{}/{}", pointer, item - value.begin()), false,
                   fmt::format("duplicate {} in the list", shown(*item))});
        }
      }
    }
    if (const auto items = schema.find("items"); items != schema.end()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        this->value(*items, value[i], fmt::format("{}/{}", pointer, i));
      }
    }
  }

  void object(const Json& schema, const Json& value, const std::string& pointer) {
    std::set<std::string> meant;  // known keys similar to unknown ones
    for (const auto& [key, item] : value.items()) {
      if (const Json* below = member_schema(schema, key)) {
        this->value(*below, item, pointer + pointer_token(key));
      } else if (schema.contains("additionalProperties")) {
        meant.insert(unknown_key(schema, key, pointer));
      }
    }
    if (schema.contains("required")) {
      for (const Json& key : schema["required"]) {
        if (!value.contains(key.get<std::string>()) && !meant.contains(key.get<std::string>())) {
          missing(schema, key.get<std::string>(), pointer);
        }
      }
    }
    if (value.size() < schema.value("minProperties", std::size_t{0})) {
      report_({pointer, false, "found an empty object; it must not be empty"});
    }
    exactly_one(schema, value, pointer, meant);
    if (const auto dependencies = schema.find("dependencies"); dependencies != schema.end()) {
      for (const auto& [key, needed] : dependencies->items()) {
        if (value.contains(key) && !value.contains(needed[0].get<std::string>())) {
          report_({pointer + pointer_token(key), true,
                   fmt::format("\"{}\" needs \"{}\", which is missing", key,
                               needed[0].get<std::string>())});
        }
      }
    }
  }

  // The schema of the member `key`; null if the name is not allowed.
  static const Json* member_schema(const Json& schema, const std::string& key) {
    if (schema.contains("properties") && schema["properties"].contains(key)) {
      return &schema["properties"][key];
    }
    if (schema.contains("patternProperties")) {
      for (const auto& [pattern, below] : schema["patternProperties"].items()) {
        if (std::regex_search(key, std::regex(pattern))) {
          return &below;
        }
      }
    }
    const auto others = schema.find("additionalProperties");
    return others != schema.end() && others->is_object() ? &*others : nullptr;
  }

  // Returns the most similar known key; empty if none is similar.
  std::string unknown_key(const Json& schema, const std::string& key, const std::string& pointer) {
    const std::vector<std::string> known =
        schema.contains("properties") ? keys_of(schema["properties"]) : std::vector<std::string>();
    if (const std::string home = only_home(key);
        !home.empty() && !schema.contains("patternProperties")) {
      report_({pointer + pointer_token(key), true,
               fmt::format("unknown key \"{}\"; it belongs {}", shorten(key), home)});
      return {};
    }
    const std::string meant = nearest(key, known);
    std::string hint = did_you_mean(key, known);
    if (hint.empty() && schema.contains("patternProperties")) {
      hint = "; allowed: JSON pointers, which begin with '/', \"exclude\" and \"sample\"";
    } else if (hint.empty()) {
      hint = fmt::format("; allowed: {}", fmt::join(known, ", "));
    }
    report_({pointer + pointer_token(key), true,
             fmt::format("unknown key \"{}\"{}", shorten(key), hint)});
    return meant;
  }

  void missing(const Json& schema, const std::string& key, const std::string& pointer) {
    report_({pointer, false,
             fmt::format("\"{}\" is missing; allowed: {}", key,
                         allowed_by(schema["properties"][key]))});
  }

  void exactly_one(const Json& schema, const Json& value, const std::string& pointer,
                   const std::set<std::string>& meant) {
    if (!schema.contains("oneOf")) {
      return;
    }
    std::vector<std::string> choices;
    std::vector<std::string> found;
    std::size_t almost = 0;
    for (const Json& branch : schema["oneOf"]) {
      choices.push_back(branch["required"][0].get<std::string>());
      almost += meant.contains(choices.back()) ? 1U : 0U;
      if (value.contains(choices.back())) {
        found.push_back(choices.back());
      }
    }
    if (found.size() > 1) {
      report_({pointer, false,
               fmt::format("found {} together; only one of them is allowed",
                           fmt::join(found, " and "))});
    } else if (found.empty() && almost == 0) {
      report_({pointer, false, fmt::format("needs one of: {}", fmt::join(choices, ", "))});
    }
  }

  void wrong(const std::string& pointer, const Json& value, const Json& schema,
             const Json& words = Json::array()) {
    std::vector<std::string> candidates;
    for (const Json& word : words) {
      if (word.is_string()) {
        candidates.push_back(word.get<std::string>());
      }
    }
    const std::string meant =
        value.is_string() ? did_you_mean(value.get<std::string>(), candidates) : std::string();
    report_({pointer, false,
             fmt::format("found {}; allowed: {}{}", shown(value), allowed_by(schema), meant)});
  }

  const Report& report_;
};

std::string allowed_list(const Json& schema) {
  const std::size_t least = schema.value("minItems", std::size_t{0});
  const auto most = schema.find("maxItems");
  const std::string items = schema.contains("items") ? " of " + allowed_by(schema["items"]) : "";
  if (most != schema.end() && most->get<std::size_t>() == least) {
    return fmt::format("a list of {}", least);
  }
  return fmt::format("a list{}{}", least > 0 ? fmt::format(" (at least {})", least) : "", items);
}

}  // namespace

std::string allowed_by(const Json& unresolved) {
  // A title describes what is allowed.
  if (unresolved.contains("title")) {
    return unresolved["title"].get<std::string>();
  }
  const Json& schema = resolve(unresolved);
  if (schema.contains("title")) {
    return schema["title"].get<std::string>();
  }
  if (schema.contains("anyOf")) {
    std::vector<std::string> words;
    for (const Json* branch : alternatives(schema)) {
      words.push_back(allowed_by(*branch));
    }
    return fmt::format("{}", fmt::join(words, ", or "));
  }
  if (schema.contains("const")) {
    return schema["const"].dump();
  }
  if (schema.contains("enum")) {
    return quoted_list(schema["enum"]);
  }
  if (schema.contains("patternErrorMessage")) {
    return schema["patternErrorMessage"].get<std::string>();
  }
  const std::string type = schema.value("type", "");
  if (type == "integer") {
    return "a whole number" + range_of(schema);
  }
  if (type == "number") {
    return "a number" + range_of(schema);
  }
  if (type == "boolean") {
    return "true or false";
  }
  if (type == "string") {
    return "a string";
  }
  if (type == "array") {
    return allowed_list(schema);
  }
  if (schema.contains("properties")) {
    return fmt::format("an object with {}", fmt::join(keys_of(schema["properties"]), ", "));
  }
  return "an object";
}

void explain(const Json& schema, const Json& value, const std::function<void(Mismatch)>& report) {
  Explainer(report).value(schema, value, "");
}

}  // namespace crashpoint::scenario
