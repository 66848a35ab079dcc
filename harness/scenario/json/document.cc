#include "harness/scenario/json/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "harness/base/text.h"

namespace crashpoint::scenario {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Converts byte offsets, given in ascending order, to lines and columns.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text) {}

  std::pair<std::size_t, std::size_t> at(std::size_t offset) {
    for (; at_ < offset && at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80U) {
        ++column_;
      }
    }
    return {line_, column_};
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

// The message of nlohmann's parser without its prefix and position, and with a hint for the two most
// common errors.
std::string syntax_problem(std::string_view text, const Json::parse_error& error) {
  std::string_view what = error.what();
  const std::size_t column = what.find("column ");
  const std::size_t colon = what.find(": ", column == std::string_view::npos ? 0 : column);
  if (colon != std::string_view::npos) {
    what.remove_prefix(colon + 2);
  }
  const std::size_t at = error.byte > 0 ? error.byte - 1 : 0;
  const char found = at < text.size() ? text[at] : '\0';
  const std::size_t before =
      at == 0 ? std::string_view::npos : text.find_last_not_of(" \t\r\n", at - 1);
  if ((found == '}' || found == ']') && before != std::string_view::npos && text[before] == ',') {
    return fmt::format("not JSON: there is a comma before '{}'; remove it", found);
  }
  if (at >= text.size()) {
    return "not JSON: unexpected end of file; a bracket, brace or quote is not closed";
  }
  return fmt::format("not JSON: {}", escape(what));
}

// Finds the first number that a double cannot hold; the parser that builds values does not say where
// it is.
class HugeNumber : public nlohmann::json_sax<Json> {
 public:
  explicit HugeNumber(std::string_view text) {
    Json::sax_parse(text, this, Json::input_format_t::json, true, true);
  }

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] const std::string& digits() const { return digits_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(Json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(std::string&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t end, const std::string& token,
                   const nlohmann::detail::exception&) override {
    digits_ = token;
    offset_ = end - std::min(end, token.size());
    return false;
  }

 private:
  std::size_t offset_ = 0;
  std::string digits_;
};

}  // namespace

// Scans a text that is known to be JSON and records where each key and value begins.
class PlaceScanner {
 public:
  PlaceScanner(std::string_view text, Document& document, std::vector<Problem>& problems)
      : text_(text), lines_(text), document_(document), problems_(problems) {}

  void scan() {
    skip_space();
    value("", here(), 0);
  }

 private:
  Position here() {
    const auto [line, column] = lines_.at(at_);
    return {document_.file_, line, column};
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        at_ = text_.find("*/", at_ + 2) + 2;
      } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }

  // Reads the string whose opening quote is at `at_`; moves `at_` past the closing one.
  std::string string() {
    const std::size_t begin = at_++;
    while (text_[at_] != '"') {
      at_ += text_[at_] == '\\' ? 2U : 1U;
    }
    ++at_;
    return Json::parse(text_.substr(begin, at_ - begin)).get<std::string>();
  }

  void value(const std::string& pointer, const Position& key, std::size_t depth) {
    const Position position = here();
    document_.places_[pointer] = {key, position};
    if (depth > Document::kDepthMax) {
      problems_.push_back(problem_at(
          position, pointer, fmt::format("nested deeper than {} levels", Document::kDepthMax)));
      too_deep_ = true;
      return;
    }
    switch (text_[at_]) {
      case '{':
        object(pointer, depth);
        return;
      case '[':
        array(pointer, depth);
        return;
      case '"':
        string();
        return;
      default:
        at_ = std::min(text_.find_first_of(",]} \t\r\n/", at_), text_.size());
    }
  }

  void object(const std::string& pointer, std::size_t depth) {
    std::set<std::string> keys;
    ++at_;
    for (skip_space(); !too_deep_ && text_[at_] != '}'; skip_space()) {
      const Position key_position = here();
      const std::string key = string();
      const std::string child = pointer + pointer_token(key);
      if (!keys.insert(key).second) {
        problems_.push_back(problem_at(
            key_position, child, fmt::format("duplicate key \"{}\"; remove one", shorten(key))));
      }
      skip_space();
      ++at_;  // the colon
      skip_space();
      value(child, key_position, depth + 1);
      after_item();
    }
    ++at_;
  }

  void array(const std::string& pointer, std::size_t depth) {
    ++at_;
    std::size_t index = 0;
    for (skip_space(); !too_deep_ && text_[at_] != ']'; skip_space()) {
      value(fmt::format("{}/{}", pointer, index++), here(), depth + 1);
      after_item();
    }
    ++at_;
  }

  void after_item() {
    if (too_deep_) {
      return;
    }
    skip_space();
    if (text_[at_] == ',') {
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  LineCounter lines_;
  Document& document_;
  std::vector<Problem>& problems_;
  bool too_deep_ = false;
};

std::optional<Document> Document::parse(const std::string& file, std::string_view text,
                                        std::vector<Problem>& problems) {
  Document document;
  document.file_ = std::make_shared<const std::string>(file);
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  const auto refuse = [&](std::size_t offset, std::string problem) {
    const auto [line, column] = LineCounter(text).at(offset);
    problems.push_back(problem_at({document.file_, line, column}, "", std::move(problem)));
    return std::nullopt;
  };
  // The parser would take it for the end.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return refuse(nul, "not JSON: there is a NUL byte; a scenario is text in UTF-8");
  }
  try {
    document.json_ = Json::parse(text, nullptr, true, true);
  } catch (const Json::parse_error& error) {
    return refuse(error.byte > 0 ? error.byte - 1 : 0, syntax_problem(text, error));
  } catch (const Json::out_of_range&) {
    const HugeNumber huge(text);
    return refuse(huge.offset(), fmt::format("found the number {}; allowed: up to 1.8e308 in size",
                                             shorten(huge.digits())));
  }
  const std::size_t before = problems.size();
  PlaceScanner(text, document, problems).scan();
  if (problems.size() > before) {
    return std::nullopt;
  }
  return document;
}

const Document::Place* Document::nearest_place(std::string pointer) const {
  while (true) {
    if (const auto found = places_.find(pointer); found != places_.end()) {
      return &found->second;
    }
    if (pointer.empty()) {
      return nullptr;
    }
    pointer.erase(pointer.rfind('/'));
  }
}

Position Document::value_position(const std::string& pointer) const {
  const Place* place = nearest_place(pointer);
  return place == nullptr ? Position{file_} : place->value;
}

Position Document::key_position(const std::string& pointer) const {
  const Place* place = nearest_place(pointer);
  return place == nullptr ? Position{file_} : place->key;
}

void Document::merge(const std::string& at, const Document& patch, const std::string& patch_at) {
  const Json changes = patch.json_[Pointer(patch_at)];
  if (!json_[Pointer(at)].is_object()) {
    assign(at, Json::object(), patch.value_position(patch_at));
  }
  for (const auto& [key, change] : changes.items()) {
    const std::string target = at + pointer_token(key);
    const std::string source = patch_at + pointer_token(key);
    if (change.is_null()) {
      json_[Pointer(at)].erase(key);
      erase_places(target);
    } else if (!change.is_object()) {
      assign(target, patch, source);
    } else {
      merge(target, patch, source);
      places_[target] = {patch.key_position(source), patch.value_position(source)};
    }
  }
}

void Document::assign(const std::string& pointer, const Document& source,
                      const std::string& source_pointer) {
  json_[Pointer(pointer)] = source.json_[Pointer(source_pointer)];
  erase_places(pointer);
  copy_places(pointer, source, source_pointer);
}

void Document::assign(const std::string& pointer, Json value, const Position& position) {
  json_[Pointer(pointer)] = std::move(value);
  erase_places(pointer);
  places_[pointer] = {position, position};
}

void Document::erase(const std::string& key) {
  json_.erase(key);
  erase_places(pointer_token(key));
}

void Document::copy_places(const std::string& to, const Document& source, const std::string& from) {
  for (auto place = source.places_.lower_bound(from); place != source.places_.end(); ++place) {
    if (!place->first.starts_with(from)) {
      break;
    }
    const std::string_view rest = std::string_view(place->first).substr(from.size());
    if (rest.empty() || rest.front() == '/') {
      places_[to + std::string(rest)] = place->second;
    }
  }
}

void Document::erase_places(const std::string& pointer) {
  for (auto place = places_.lower_bound(pointer);
       place != places_.end() && place->first.starts_with(pointer);) {
    const bool below = place->first.size() == pointer.size() || place->first[pointer.size()] == '/';
    place = below ? places_.erase(place) : std::next(place);
  }
}

std::string pointer_token(std::string_view token) {
  std::string out = "/";
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

Problem problem_at(const Position& position, std::string pointer, std::string text) {
  return {position.file == nullptr ? std::string() : *position.file, position.line, position.column,
          std::move(pointer), std::move(text)};
}

}  // namespace crashpoint::scenario
