#include "harness/scenario/load/matrix_axes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/scenario/load/each_call.h"

namespace crashpoint::scenario {
namespace {

std::vector<std::string> tokens_of(const std::string& pointer) {
  std::vector<std::string> tokens;
  for (Pointer at(pointer); !at.empty(); at.pop_back()) {
    tokens.insert(tokens.begin(), at.back());
  }
  return tokens;
}

class AxisReader {
 public:
  AxisReader(const Document& document, std::vector<Problem>& problems)
      : document_(document), problems_(problems) {}

  std::vector<Axis> read() {
    const std::size_t before = problems_.size();
    for (const auto& [pointer, values] : matrix().items()) {
      if (pointer == "exclude" || pointer == "sample") {
        continue;
      }
      const std::string at = "/matrix" + pointer_token(pointer);
      Axis axis{pointer, "", document_.key_position(at), {}};
      if (check_pointer(axis, at)) {
        if (values.is_object() && values.contains("each")) {
          // One for all: the calls are not known yet.
          axis.choices.push_back({kEachCall, "", Json::object({{"syscall", values["of"][0]}}),
                                  false, document_.value_position(at)});
        } else {
          values.is_object() ? read_range(axis, values, at) : read_list(axis, values, at);
        }
      }
      axes_.push_back(std::move(axis));
    }
    std::sort(axes_.begin(), axes_.end(), [](const Axis& a, const Axis& b) {
      return std::tie(*a.position.file, a.position.line, a.position.column) <
             std::tie(*b.position.file, b.position.line, b.position.column);
    });
    check_exclude();
    check_product();
    if (problems_.size() == before) {
      name_axes();
    }
    return std::move(axes_);
  }

 private:
  const Json& matrix() const { return document_.json()["matrix"]; }

  // The parent must exist, so that a value can be put into it.
  bool check_pointer(const Axis& axis, const std::string& at) {
    std::string parent_text;
    try {
      const Pointer pointer(axis.pointer);
      if (pointer.empty()) {
        return true;
      }
      if (document_.json().contains(pointer)) {
        return true;
      }
      const Pointer parent = pointer.parent_pointer();
      parent_text = parent.to_string();
      if (document_.json().contains(parent) && document_.json()[parent].is_object()) {
        return true;
      }
    } catch (const Json::exception&) {
      problem(axis.position, at,
              fmt::format("\"{}\" is not a JSON pointer ('~' is written ~0)", axis.pointer));
      return false;
    }
    problem(axis.position, at,
            fmt::format("\"{}\" points to nothing: there is no object at \"{}\"", axis.pointer,
                        parent_text));
    return false;
  }

  void read_range(Axis& axis, const Json& range, const std::string& at) {
    const auto from = range["from"].get<std::int64_t>();
    const auto to = range["to"].get<std::int64_t>();
    const auto step = range.value("step", std::int64_t{1});
    if (to < from) {
      problem(document_.value_position(at + "/to"), at + "/to",
              fmt::format("found {}; allowed: at least \"from\", {}", to, from));
      return;
    }
    const std::uint64_t count =
        (static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)) /
            static_cast<std::uint64_t>(step) +
        1;
    if (count > kCasesMax) {
      problem(document_.value_position(at), at,
              fmt::format("{} values; allowed: at most {}", with_commas(count),
                          with_commas(kCasesMax)));
      return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::int64_t value = from + static_cast<std::int64_t>(i) * step;
      axis.choices.push_back(
          {std::to_string(value), "", value, false, document_.value_position(at)});
    }
  }

  void read_list(Axis& axis, const Json& values, const std::string& at) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string here = fmt::format("{}/{}", at, i);
      Choice choice{label_of(values[i]), here, {}, false, document_.value_position(here)};
      if (values[i].is_object() && !read_labelled(choice, values[i], here)) {
        continue;
      }
      if (values[i].is_array()) {
        problem(choice.position, here,
                "a list needs a label for the case name: {\"label\": \"...\", \"value\": [...]}");
        continue;
      }
      const auto same = [&](const Choice& other) { return other.label == choice.label; };
      if (std::any_of(axis.choices.begin(), axis.choices.end(), same)) {
        problem(
            choice.position, here,
            fmt::format("has the label \"{}\", like another value of this list; give it its own: "
                        "{{\"label\": \"...\", \"value\": ...}}",
                        choice.label));
        continue;
      }
      axis.choices.push_back(std::move(choice));
    }
  }

  bool read_labelled(Choice& choice, const Json& labelled, const std::string& at) {
    const bool has_value = labelled.contains("value");
    const bool has_merge = labelled.contains("merge");
    if (!labelled.contains("label") || !labelled["label"].is_string() || has_value == has_merge ||
        labelled.size() != 2) {
      problem(choice.position, at,
              "an object needs a label for the case name: {\"label\": \"...\", \"value\": ...} or "
              "{\"label\": \"...\", \"merge\": {...}}");
      return false;
    }
    if (has_merge && !labelled["merge"].is_object()) {
      problem(document_.value_position(at + "/merge"), at + "/merge",
              "not an object; allowed: an object, which is merged into the value at the pointer");
      return false;
    }
    choice.label = label_of(labelled["label"]);
    choice.merged = has_merge;
    choice.value = at + (has_merge ? "/merge" : "/value");
    choice.position = document_.value_position(choice.value);
    return true;
  }

  // The name of an axis is the last token of its pointer, or as many tokens as make it unique.
  void name_axes() {
    for (Axis& axis : axes_) {
      const std::vector<std::string> tokens = tokens_of(axis.pointer);
      std::size_t count = std::min<std::size_t>(1, tokens.size());
      const auto suffix = [&](const std::vector<std::string>& all) {
        const std::size_t size = std::min(count, all.size());
        return std::vector<std::string>(all.end() - static_cast<std::ptrdiff_t>(size), all.end());
      };
      const auto is_shared = [&](const Axis& other) {
        return &other != &axis && suffix(tokens_of(other.pointer)) == suffix(tokens);
      };
      while (count < tokens.size() && std::any_of(axes_.begin(), axes_.end(), is_shared)) {
        ++count;
      }
      axis.name = fmt::format("{}", fmt::join(suffix(tokens), "."));
    }
  }

  void check_product() {
    std::size_t product = 1;
    for (const Axis& axis : axes_) {
      product *= axis.choices.size();
      if (product > kCasesMax) {
        problem(document_.key_position("/matrix"), "/matrix",
                fmt::format("more than {} combinations; use fewer values", with_commas(kCasesMax)));
        return;
      }
    }
  }

  void check_exclude() {
    std::vector<std::string> names;
    for (const Axis& axis : axes_) {
      names.push_back(axis.pointer);
    }
    const Json rules = matrix().value("exclude", Json::array());
    for (std::size_t i = 0; i < rules.size(); ++i) {
      for (const auto& rule : rules[i].items()) {
        const std::string& pointer = rule.key();
        const std::string at = fmt::format("/matrix/exclude/{}{}", i, pointer_token(pointer));
        const auto axis = std::find_if(axes_.begin(), axes_.end(),
                                       [&](const Axis& a) { return a.pointer == pointer; });
        if (axis == axes_.end()) {
          const std::string meant = nearest(pointer, names);
          problem(document_.key_position(at), at,
                  fmt::format("\"{}\" is not varied by this matrix{}", pointer,
                              meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
        } else if (!axis->choices.empty() &&
                   std::none_of(axis->choices.begin(), axis->choices.end(), [&](const Choice& c) {
                     return c.label == label_of(rules[i][pointer]);
                   })) {
          problem(document_.value_position(at), at,
                  fmt::format("found {}; the matrix has no such value for this pointer",
                              shorten(rules[i][pointer].dump())));
        }
      }
    }
  }

  void problem(const Position& position, std::string pointer, std::string text) {
    problems_.push_back(problem_at(position, std::move(pointer), std::move(text)));
  }

  const Document& document_;
  std::vector<Problem>& problems_;
  std::vector<Axis> axes_;
};

}  // namespace

std::string label_of(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  for (char& c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("._+-/:*").find(c) != std::string_view::npos;
    c = plain ? c : '_';
  }
  return text.empty() ? "empty" : text;
}

std::vector<Axis> read_axes(const Document& document, std::vector<Problem>& problems) {
  return AxisReader(document, problems).read();
}

}  // namespace crashpoint::scenario
