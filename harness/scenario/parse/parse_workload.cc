#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/scenario/parse/parse.h"
#include "harness/workload/generator.h"

namespace crashpoint::scenario {
namespace {

constexpr std::size_t kLiteralCommandsMax = 1'000'000;

workload::Arguments parse_command(const Node& node) {
  workload::Arguments arguments;
  for (const Node& item : node.items()) {
    arguments.push_back(parse_bytes(item));
  }
  if (const std::string problem = workload::problem(arguments); !problem.empty()) {
    node.problem(problem);
  }
  return arguments;
}

workload::Commands parse_commands(const Node& step, const Node& list) {
  workload::Commands commands;
  step.read("client", commands.client);
  step.read("pipeline", commands.pipeline);
  std::size_t repeat = 1;
  step.read("repeat", repeat);
  std::vector<workload::Arguments> once;
  for (const Node& item : list.items()) {
    once.push_back(parse_command(item));
  }
  if (once.size() * repeat > kLiteralCommandsMax) {
    list.problem(fmt::format("{} commands; allowed: at most {} (use \"generate\" for more)",
                             with_commas(once.size() * repeat), with_commas(kLiteralCommandsMax)));
    return commands;
  }
  commands.commands.reserve(once.size() * repeat);
  for (std::size_t i = 0; i < repeat; ++i) {
    commands.commands.insert(commands.commands.end(), once.begin(), once.end());
  }
  return commands;
}

workload::Generate parse_generate(const Node& node) {
  workload::Generate generate;
  node.read("count", generate.count);
  node.read("clients", generate.clients);
  node.read("pipeline", generate.pipeline);
  node.read("keys", generate.keys);
  node.read("database", generate.database);
  node.read("shared_keys", generate.shared_keys);
  if (const auto size = node.find("value_bytes")) {
    const bool range = size->json().is_array();
    generate.value_bytes_min = (range ? size->json()[0] : size->json()).get<std::uint32_t>();
    generate.value_bytes_max = (range ? size->json()[1] : size->json()).get<std::uint32_t>();
  }
  if (const auto mix = node.find("mix")) {
    for (const auto& [name, weight] : mix->members()) {
      generate.mix[name] = weight.as<std::uint32_t>();
    }
  }
  for (const std::string& problem : workload::problems(generate)) {
    const std::string key = problem.substr(0, problem.find_first_of(": "));
    const std::optional<Node> found = node.json().contains(key) ? node.find(key) : std::nullopt;
    found.value_or(node).problem(problem);
  }
  return generate;
}

workload::Step parse_step(const Node& node) {
  if (const auto list = node.find("commands")) {
    return {parse_commands(node, *list)};
  }
  if (const auto repeat = node.find("repeat"); repeat && !node.find("admin")) {
    repeat->problem_at_key("\"repeat\" needs \"commands\" or \"admin\", and both are missing");
  }
  if (const auto generate = node.find("generate")) {
    return {parse_generate(*generate)};
  }
  if (const auto pause = node.find("pause_ms")) {
    return {workload::Pause{pause->as<std::int64_t>()}};
  }
  if (const auto run = node.find("run")) {
    run->problem_at_key(
        "\"run\" needs a target that is any program: \"target\": {\"use\": {\"program\": NAME}}");
    return {workload::Pause{0}};
  }
  workload::Admin admin;
  admin.command = parse_command(node.at("admin"));
  if (const auto wait = node.find("wait")) {
    admin.wait =
        wait->text() == "done" ? workload::Admin::Wait::kDone : workload::Admin::Wait::kNone;
  }
  node.read("repeat", admin.repeat);
  return {admin};
}

}  // namespace

workload::Plan parse_workload(const Node& steps) {
  workload::Plan plan;
  for (const Node& step : steps.items()) {
    plan.steps.push_back(parse_step(step));
  }
  return plan;
}

}  // namespace crashpoint::scenario
