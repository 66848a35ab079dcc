#include "harness/scenario/load/each_call.h"

#include <fmt/format.h>

#include <regex>

#include "harness/scenario/load/matrix_axes.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {

std::optional<EachCall> find_each_call(const Document& document, std::vector<Problem>& problems) {
  std::optional<EachCall> found;
  const Json matrix = document.json().value("matrix", Json::object());
  for (const auto& [pointer, values] : matrix.items()) {
    if (!values.is_object() || !values.contains("each")) {
      continue;
    }
    const std::string at = "/matrix" + pointer_token(pointer);
    static const std::regex kPlace("/(recovery/)?faults/[0-9]+/at");
    std::smatch match;
    if (!std::regex_match(pointer, match, kPlace)) {
      problems.push_back(problem_at(document.key_position(at), at,
                                    "each call is the place of a fault; allowed: \"/faults/N/at\", "
                                    "\"/recovery/faults/N/at\""));
      continue;
    }
    if (found) {
      problems.push_back(
          problem_at(document.key_position(at), at,
                     "one pointer of a matrix can have each call; a second one makes "
                     "no sense, as the calls after the first fault are others"));
      continue;
    }
    for (std::size_t i = 0; i < values["of"].size(); ++i) {
      const std::string here = fmt::format("{}/of/{}", at, i);
      if (std::string problem = syscall_problem(values["of"][i].get<std::string>());
          !problem.empty()) {
        problems.push_back(problem_at(document.value_position(here), here, std::move(problem)));
      }
    }
    found.emplace();
    found->pointer = pointer;
    found->position = document.value_position(at);
    found->wanted.of = values["of"].get<std::vector<std::string>>();
    found->wanted.path = values.value("path", std::string());
    found->wanted.role = values.value("role", std::string());
    found->wanted.of_recovery = match[1].matched;
    if (values.contains("sample")) {
      found->sample = values["sample"].get<std::size_t>();
    }
  }
  return found;
}

std::vector<Call> kinds_of(const EachCall& each) {
  std::vector<Call> calls;
  for (const std::string& syscall : each.wanted.of) {
    calls.push_back({.syscall = syscall, .path = "", .role = "", .nth = 1});
  }
  return calls;
}

bool is_in_sample(std::size_t i, std::size_t count, std::size_t wanted) {
  if (wanted >= count) {
    return true;
  }
  if (wanted == 1) {
    return i == 0;
  }
  // The k-th of the sample is k * (count - 1) / (wanted - 1), rounded down. Is there a k for i?
  const std::size_t k = (i * (wanted - 1) + count - 2) / (count - 1);
  return k < wanted && k * (count - 1) / (wanted - 1) == i;
}

Json place_of(const Call& call) {
  Json place = Json::object({{"syscall", call.syscall}, {"nth", call.nth}});
  if (!call.path.empty()) {
    place["path"] = call.path;
  }
  if (!call.role.empty()) {
    place["role"] = call.role;
  }
  return place;
}

std::string label_of(const Call& call) {
  if (call.path.empty() && call.role.empty()) {
    return label_of(Json(call.syscall));
  }
  return label_of(Json(fmt::format("{}:{}{}{}:{}", call.syscall, call.path,
                                   call.path.empty() ? "" : ":", call.role, call.nth)));
}

Document without_faults(Document document, const EachCall& each) {
  const std::string list = each.pointer.substr(0, each.pointer.find("/faults") + 7);
  if (document.json().contains(Pointer(list))) {
    document.assign(list, Json::array(), document.value_position(list));
  }
  return document;
}

}  // namespace crashpoint::scenario
