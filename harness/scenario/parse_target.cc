#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/scenario/parse.h"

namespace crashpoint::scenario {
namespace {

void parse_use(const Node& node, Target& target) {
  if (node.is_text()) {
    target.use = node.text();
    return;
  }
  target.use = "command";
  target.command = parse_texts(node.at("command"));
  node.read("protocol", target.protocol);
}

void parse_config(const Node& node, Target& target) {
  for (const auto& [name, value] : node.members()) {
    const std::string directive = lower_case(name);
    if (target.config.contains(directive)) {
      value.problem_at_key(
          fmt::format("duplicate directive \"{}\" (upper and lower case are the same)", directive));
    }
    if (value.json().is_array()) {
      target.config[directive] = parse_texts(value);
    } else {
      target.config[directive] = {fill_in_seed(parse_bytes(value), node.seed())};
    }
  }
}

}  // namespace

Target parse_target(const Node& node) {
  Target target;
  if (const auto use = node.find("use")) {
    parse_use(*use, target);
  }
  if (const auto config = node.find("config")) {
    parse_config(*config, target);
  }
  if (const auto arguments = node.find("arguments")) {
    target.arguments = parse_texts(*arguments);
  }
  if (const auto environment = node.find("environment")) {
    for (const auto& [name, value] : environment->members()) {
      if (name.empty() || name.find('=') != std::string::npos) {
        value.problem_at_key("is not a valid name of an environment variable");
      }
      target.environment[name] = fill_in_seed(value.text(), node.seed());
    }
  }
  return target;
}

}  // namespace crashpoint::scenario
